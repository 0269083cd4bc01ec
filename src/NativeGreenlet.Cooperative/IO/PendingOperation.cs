namespace NativeGreenlet.Cooperative;

/// <summary>
/// One direction of a stream: the operation that may still be in flight after the task that began it was killed or ran
/// out of time. It has a buffer of its own, so that it never writes to memory that was given up, and what a read brings
/// after all is not lost: the next read gets it.
/// </summary>
internal sealed class PendingOperation
{
    private const int LargestBuffer = 64 * 1024;

    private byte[] _buffer = [];
    private Task<int>? _read;
    private Task? _write;
    private CancellationTokenSource? _cancellation;
    private int _from;
    private int _count;

    /// <summary>Reads, or hands out what an earlier read has left.</summary>
    public int Read(Stream stream, Span<byte> destination, TimeSpan timeout)
    {
        if (destination.IsEmpty)
        {
            return 0;
        }

        if (_count == 0 && Fill(stream, destination.Length, timeout) == 0)
        {
            return 0;
        }

        int count = Math.Min(_count, destination.Length);
        _buffer.AsSpan(_from, count).CopyTo(destination);
        _from += count;
        _count -= count;
        return count;
    }

    /// <summary>Whether an earlier read left bytes, or goes on.</summary>
    public bool HasLeftovers => _count != 0 || _read is not null;

    /// <summary>The same for asynchronous callers: what an earlier read left, or else what comes next.</summary>
    public async Task<int> ReadLeftoversAsync(Stream stream, Memory<byte> destination, CancellationToken cancellation)
    {
        if (_read is { } read)
        {
            try
            {
                _ = Filled(await read.WaitAsync(cancellation).ConfigureAwait(false));
                _read = null;
            }
            catch (OperationCanceledException) when (read.IsCompleted && IsCanceled(read))
            {
                _read = null;
                _cancellation = null;
            }
        }

        return _count != 0
            ? Read(stream, destination.Span, Timeout.InfiniteTimeSpan)
            : await stream.ReadAsync(destination, cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes all of it, in pieces.</summary>
    public void Write(Stream stream, ReadOnlySpan<byte> source, TimeSpan timeout)
    {
        while (!source.IsEmpty)
        {
            ReadOnlySpan<byte> piece = source[..Math.Min(source.Length, LargestBuffer)];
            FinishWrite(timeout);
            Reserve(piece.Length);
            piece.CopyTo(_buffer);
            BeginWrite((memory, token) => stream.WriteAsync(memory, token), piece.Length);
            FinishWrite(timeout);
            source = source[piece.Length..];
        }
    }

    /// <summary>Flushes.</summary>
    public void Flush(Stream stream, TimeSpan timeout)
    {
        FinishWrite(timeout);
        BeginWrite((_, token) => new ValueTask(stream.FlushAsync(token)), 0);
        FinishWrite(timeout);
    }

    private int Fill(Stream stream, int wanted, TimeSpan timeout)
    {
        while (true)
        {
            if (_read is null)
            {
                Reserve(Math.Clamp(wanted, 1, LargestBuffer));
                using (WithoutContext.Begin())
                {
                    ValueTask<int> read = stream.ReadAsync(_buffer.AsMemory(0, Math.Min(_buffer.Length, wanted)), Token());
                    if (read.IsCompleted)
                    {
                        return Filled(read.GetAwaiter().GetResult());
                    }

                    _read = read.AsTask();
                }
            }

            bool wasCanceled = _cancellation!.IsCancellationRequested;
            Wait(_read, timeout, "read");
            Task<int> done = _read;
            _read = null;
            if (wasCanceled)
            {
                _cancellation = null;
            }

            if (!wasCanceled || !IsCanceled(done))
            {
                return Filled(done.GetAwaiter().GetResult());
            }
        }
    }

    private int Filled(int count)
    {
        _from = 0;
        _count = count;
        return count;
    }

    private void BeginWrite(Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, int count)
    {
        using WithoutContext none = WithoutContext.Begin();
        ValueTask begun = write(_buffer.AsMemory(0, count), Token());
        _write = begun.IsCompletedSuccessfully ? null : begun.AsTask();
    }

    private void FinishWrite(TimeSpan timeout)
    {
        if (_write is not { } write)
        {
            return;
        }

        bool wasCanceled = _cancellation!.IsCancellationRequested;
        Wait(write, timeout, "write");
        _write = null;
        if (wasCanceled)
        {
            _cancellation = null;
            if (!write.IsCompletedSuccessfully)
            {
                throw new IOException("An earlier write was given up; nobody knows how much of it has been sent.", write.Exception?.InnerException);
            }
        }

        write.GetAwaiter().GetResult();
    }

    // Parks until the operation is over, not throwing what it throws. If that is not to be waited for, it is asked to
    // stop; whether it does is seen the next time.
    private void Wait(Task operation, TimeSpan timeout, string what)
    {
        bool isDone = operation.IsCompleted;
        try
        {
            isDone = isDone || Hub.ParkFor(Hub.RequireTask(), operation, HubClock.After(timeout));
        }
        finally
        {
            if (!isDone)
            {
                _cancellation!.Cancel();
            }
        }

        if (!isDone)
        {
            throw new IOException($"The {what} took longer than {timeout}.", new TimeoutException());
        }
    }

    // The tasks of sockets are faulted by their cancellation.
    private static bool IsCanceled(Task task) => task.IsCanceled || task.Exception?.InnerException is OperationCanceledException;

    private CancellationToken Token() => (_cancellation ??= new CancellationTokenSource()).Token;

    private void Reserve(int size)
    {
        if (_buffer.Length < size)
        {
            _buffer = new byte[Math.Min(LargestBuffer, Math.Max(size, _buffer.Length * 2))];
        }
    }
}
