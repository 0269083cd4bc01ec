using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>Any stream, by its asynchronous methods.</summary>
internal sealed class WrappedStream : IByteStream
{
    private readonly Stream _stream;
    private FairMutex? _readMutex; // each from its first use on: many a stream is only written to
    private FairMutex? _writeMutex;
    private PendingRead? _reading;
    private PendingWrite? _writing;
    private Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask>? _flush;

    /// <summary>Wraps a stream; takes over its timeouts.</summary>
    /// <param name="stream">The stream.</param>
    public WrappedStream(Stream stream)
    {
        _stream = stream;
        if (stream.CanTimeout)
        {
            ReadTimeout = TimeoutOf(static each => each.ReadTimeout, stream);
            WriteTimeout = TimeoutOf(static each => each.WriteTimeout, stream);
        }
    }

    /// <inheritdoc/>
    public TimeSpan ReadTimeout { get; set; } = Timeout.InfiniteTimeSpan;

    /// <inheritdoc/>
    public TimeSpan WriteTimeout { get; set; } = Timeout.InfiniteTimeSpan;

    /// <inheritdoc/>
    public bool HasLeftovers => _reading is { HasLeftovers: true };

    /// <inheritdoc/>
    public int Read(Span<byte> buffer)
    {
        TimeSpan timeout = ReadTimeout;
        long deadline = HubClock.After(timeout);
        FairMutex mutex = MutexOf(ref _readMutex);
        if (!mutex.TryEnter("its turn to read", deadline))
        {
            throw TransportResult.TooLate("its turn to read", timeout);
        }

        try
        {
            _reading ??= new PendingRead(_stream.ReadAsync);
            return _reading.Read(buffer, deadline).Require("a read", timeout);
        }
        finally
        {
            mutex.Exit();
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> buffer)
    {
        TimeSpan timeout = WriteTimeout;
        long deadline = EnterWrite(timeout);
        try
        {
            Writing.Write(buffer, deadline).Require("a write", timeout);
        }
        finally
        {
            _writeMutex!.Exit();
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
        TimeSpan timeout = WriteTimeout;
        long deadline = EnterWrite(timeout);
        try
        {
            _flush ??= (_, token) => new ValueTask(_stream.FlushAsync(token));
            Writing.Flush(_flush, deadline).Require("a flush", timeout);
        }
        finally
        {
            _writeMutex!.Exit();
        }
    }

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellationToken) => stream.ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public async Task<int> ReadLeftoversAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        _reading is { } reading
            ? (await reading.ReadLeftoversAsync(buffer, cancellationToken).ConfigureAwait(false)).Require("a read", ReadTimeout)
            : 0;

    /// <inheritdoc/>
    public void AllowAsync()
    {
        // They always are.
    }

    /// <inheritdoc/>
    public void HandOut()
    {
        // Others could reach it from the beginning.
    }

    /// <inheritdoc/>
    public void BeginClose()
    {
        // Whoever waits is told by the stream itself.
    }

    private PendingWrite Writing => _writing ??= new PendingWrite(_stream.WriteAsync);

    private long EnterWrite(TimeSpan timeout)
    {
        long deadline = HubClock.After(timeout);
        return MutexOf(ref _writeMutex).TryEnter("its turn to write", deadline) ? deadline : throw TransportResult.TooLate("its turn to write", timeout);
    }

    // Two may make it at the same time; both get that of the first.
    private static FairMutex MutexOf(ref FairMutex? mutex) => mutex ?? Interlocked.CompareExchange(ref mutex, new FairMutex(), null) ?? mutex;

    private static TimeSpan TimeoutOf(Func<Stream, int> timeout, Stream stream)
    {
        try
        {
            return timeout(stream) is > 0 and var milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : Timeout.InfiniteTimeSpan;
        }
        catch (InvalidOperationException)
        {
            return Timeout.InfiniteTimeSpan; // it has none after all, or is closed
        }
    }
}
