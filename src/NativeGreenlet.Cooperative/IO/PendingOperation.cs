using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO;

/// <summary>
/// One direction of a stream: the operation that may still be in flight after the task that began it was killed or ran
/// out of time. It has a buffer of its own, so that it never writes to memory that was given up, and what a read brings
/// after all is not lost: the next read gets it.
/// </summary>
internal sealed class PendingOperation
{
    private const int LargestBuffer = 64 * 1024;

    private PendingResult? _result; // from the first operation on that is not over at once
    private byte[] _buffer = [];
    private CancellationTokenSource? _cancellation;
    private int _from;
    private int _count;

    /// <summary>Whether an earlier read left bytes, or goes on.</summary>
    public bool HasLeftovers => _count != 0 || IsInFlight;

    /// <summary>Reads, or hands out what an earlier read has left.</summary>
    public int Read(Stream stream, Span<byte> destination, TimeSpan timeout) => Read(stream, destination, timeout, HubClock.After(timeout));

    /// <summary>The same until a time, by <see cref="HubClock"/>, that is the end of the timeout.</summary>
    public int Read(Stream stream, Span<byte> destination, TimeSpan timeout, long due)
    {
        if (destination.IsEmpty)
        {
            return 0;
        }

        if (_count == 0 && Fill(stream, destination.Length, timeout, due) == 0)
        {
            return 0;
        }

        int count = Peek(destination);
        _from += count;
        _count -= count;
        return count;
    }

    /// <summary>Waits until a read that was given up has ended: what it brings counts as left. One that somebody waits for
    /// is theirs.</summary>
    public void Settle(TimeSpan timeout, long due)
    {
        if (IsInFlight && !Result.IsWaitedFor)
        {
            TryFinishRead(timeout, due);
        }
    }

    /// <summary>What an earlier read has left, which stays where it is.</summary>
    public int Peek(Span<byte> destination)
    {
        int count = Math.Min(_count, destination.Length);
        _buffer.AsSpan(_from, count).CopyTo(destination);
        return count;
    }

    /// <summary>The same as a read for asynchronous callers: what an earlier read left, or else what comes
    /// next.</summary>
    public async Task<int> ReadLeftoversAsync(Stream stream, Memory<byte> destination, CancellationToken cancellation)
    {
        if (IsInFlight)
        {
            RefuseIfWaitedFor();
            await Result.WaitAsync(cancellation).ConfigureAwait(false);
            TakeRead(TakeGivenUp());
        }

        return _count != 0
            ? Read(stream, destination.Span, Timeout.InfiniteTimeSpan)
            : await stream.ReadAsync(destination, cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes all of it, in pieces.</summary>
    public void Write(Stream stream, ReadOnlySpan<byte> source, TimeSpan timeout) => Write(stream, source, timeout, HubClock.After(timeout));

    /// <summary>The same until a time, by <see cref="HubClock"/>, that is the end of the timeout.</summary>
    public void Write(Stream stream, ReadOnlySpan<byte> source, TimeSpan timeout, long due)
    {
        while (!source.IsEmpty)
        {
            ReadOnlySpan<byte> piece = source[..Math.Min(source.Length, LargestBuffer)];
            FinishWrite(timeout, due);
            Reserve(piece.Length);
            piece.CopyTo(_buffer);
            using (WithoutContext.Begin())
            {
                BeginWrite(stream.WriteAsync(_buffer.AsMemory(0, piece.Length), Token()));
            }

            FinishWrite(timeout, due);
            source = source[piece.Length..];
        }
    }

    /// <summary>Flushes.</summary>
    public void Flush(Stream stream, TimeSpan timeout)
    {
        long due = HubClock.After(timeout);
        FinishWrite(timeout, due);
        using (WithoutContext.Begin())
        {
            BeginWrite(new ValueTask(stream.FlushAsync(Token())));
        }

        FinishWrite(timeout, due);
    }

    private bool IsInFlight => _result is { IsInFlight: true };

    private PendingResult Result => _result ??= new PendingResult();

    private int Fill(Stream stream, int wanted, TimeSpan timeout, long due)
    {
        while (true)
        {
            if (!IsInFlight)
            {
                Reserve(Math.Clamp(wanted, 1, LargestBuffer));
                using (WithoutContext.Begin())
                {
                    ValueTask<int> read = stream.ReadAsync(_buffer.AsMemory(0, Math.Min(_buffer.Length, wanted)), Token());
                    if (read.IsCompleted)
                    {
                        return Filled(read.GetAwaiter().GetResult());
                    }

                    Result.Start(read);
                }
            }

            if (TryFinishRead(timeout, due))
            {
                return _count;
            }
        }
    }

    // False if it was given up by somebody else before, and cancelled before it brought something.
    private bool TryFinishRead(TimeSpan timeout, long due)
    {
        bool wasGivenUp = _cancellation!.IsCancellationRequested;
        Wait("a read", timeout, due);
        if (wasGivenUp)
        {
            _cancellation = null;
        }

        return TakeRead(wasGivenUp);
    }

    private int Filled(int count)
    {
        _from = 0;
        _count = count;
        return count;
    }

    // False if it was given up, and cancelled before it brought something.
    private bool TakeRead(bool wasGivenUp)
    {
        if (wasGivenUp && Result.Error is OperationCanceledException)
        {
            Result.Discard();
            return false;
        }

        Filled(Result.Take());
        return true;
    }

    private void BeginWrite(ValueTask write)
    {
        if (write.IsCompleted)
        {
            write.GetAwaiter().GetResult();
        }
        else
        {
            Result.Start(write);
        }
    }

    private void FinishWrite(TimeSpan timeout, long due)
    {
        if (!IsInFlight)
        {
            return;
        }

        bool wasGivenUp = _cancellation!.IsCancellationRequested;
        Wait("a write", timeout, due);
        if (wasGivenUp)
        {
            _cancellation = null;
            if (Result.Error is { } error)
            {
                Result.Discard();
                throw new IOException("An earlier write was given up; nobody knows how much of it has been sent.", error);
            }
        }

        Result.Take();
    }

    // Parks until the operation is over, not throwing what it throws. If that is not to be waited for, it is asked to
    // stop, and has the grace for it: who uses the stream next, or closes it, does not meet it. What it brought is seen
    // the next time.
    private void Wait(string what, TimeSpan timeout, long due)
    {
        RefuseIfWaitedFor();
        if (Result.IsOver)
        {
            return;
        }

        Exception? reason = null;
        try
        {
            if (Result.Wait(what, due))
            {
                return;
            }
        }
        catch (Exception exception)
        {
            reason = exception;
        }

        GiveUp(what, reason);
        throw new IOException($"It took longer than {timeout} to wait for {what}.", new TimeoutException());
    }

    // Apart: it has a closure, which the others shall not pay for.
    private void GiveUp(string what, Exception? reason)
    {
        GreenTask self = Hub.RequireTask();
        Hub.Forget(_cancellation!.CancelAsync()); // its callbacks are the stream's: they may do anything
        reason = Hub.WaitForEnd(self, reason, HubClock.After(Hub.ShutdownGrace), until => Result.IsOver || Result.Wait(what, until));
        if (reason is not null)
        {
            ExceptionDispatchInfo.Throw(reason);
        }
    }

    // Whether the operation, which is over, was given up; the next one can be cancelled again.
    private bool TakeGivenUp()
    {
        bool wasGivenUp = _cancellation!.IsCancellationRequested;
        if (wasGivenUp)
        {
            _cancellation = null;
        }

        return wasGivenUp;
    }

    private void RefuseIfWaitedFor()
    {
        if (_result is { IsWaitedFor: true })
        {
            throw new InvalidOperationException("Another task waits here already. One may read while another writes, but not two at a time.");
        }
    }

    private CancellationToken Token() => (_cancellation ??= new CancellationTokenSource()).Token;

    private void Reserve(int size)
    {
        if (_buffer.Length < size)
        {
            _buffer = new byte[Math.Min(LargestBuffer, Math.Max(size, _buffer.Length * 2))];
        }
    }
}
