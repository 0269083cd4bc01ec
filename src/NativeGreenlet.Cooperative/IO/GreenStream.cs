using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// Any stream, read and written as if it blocked: a synchronous call starts the wrapped stream's asynchronous operation
/// and parks the task until that is over. So code that knows only <see cref="Stream"/> holds no thread.
/// </summary>
/// <remarks>
/// <para>One task may read while another writes. Outside of a hub a synchronous call that would have to wait throws
/// <see cref="MissingHubException"/>; the asynchronous methods work everywhere.</para>
/// <para>A read that is given up, by a kill or a timeout, loses nothing: what it still brings goes to the next read. After
/// a write that was given up the next one throws, unless it was sent after all.</para>
/// </remarks>
public class GreenStream : Stream
{
    private readonly PendingOperations? _ofSocket;
    private PendingOperation? _reading; // each from its first use on: many a stream is only written to
    private PendingOperation? _writing;
    private readonly bool _leaveOpen;
    private readonly Stream _stream;
    private readonly SocketChannel? _channel; // how synchronous calls use its socket
    private Socket? _own; // what nobody else can reach
    private volatile bool _isClosed;
    private TimeSpan _readTimeout = Timeout.InfiniteTimeSpan;
    private TimeSpan _writeTimeout = Timeout.InfiniteTimeSpan;

    /// <summary>Wraps a stream.</summary>
    /// <param name="stream">The stream. Its asynchronous methods must be truly asynchronous.</param>
    /// <param name="leaveOpen">Whether it stays open when this is closed.</param>
    public GreenStream(Stream stream, bool leaveOpen = false)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _stream = stream;
        _leaveOpen = leaveOpen;
    }

    /// <summary>The stream of a socket.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="own">Its socket, if nobody else can reach that.</param>
    /// <param name="channel">How synchronous calls use that, if they can.</param>
    /// <param name="operations">What the socket has begun already.</param>
    internal GreenStream(NetworkStream stream, Socket? own, SocketChannel? channel, PendingOperations operations)
        : this(stream)
    {
        _channel = channel;
        _ofSocket = operations;
        if (own is not null && channel is null && InlineCompletions.TrySet(own, true))
        {
            _own = own;
        }
    }

    /// <summary>The wrapped stream.</summary>
    public Stream BaseStream
    {
        get
        {
            _channel?.Release();
            return Share();
        }
    }

    /// <inheritdoc/>
    public override bool CanRead => _stream.CanRead;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => _stream.CanWrite;

    /// <inheritdoc/>
    public override bool CanTimeout => true;

    /// <inheritdoc/>
    public override int ReadTimeout
    {
        get => (int)_readTimeout.TotalMilliseconds;
        set => _readTimeout = Milliseconds(value);
    }

    /// <inheritdoc/>
    public override int WriteTimeout
    {
        get => (int)_writeTimeout.TotalMilliseconds;
        set => _writeTimeout = Milliseconds(value);
    }

    /// <inheritdoc/>
    public override long Length => throw NoSeek();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw NoSeek();
        set => throw NoSeek();
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        Hub.ThrowPending();
        if (_channel is { } channel && TryRead(channel, buffer, out int count))
        {
            return count;
        }

        count = Reading.Read(_stream, buffer, _readTimeout);

        // A socket that is closed here looks closed by the other side for a moment.
        ObjectDisposedException.ThrowIf(count == 0 && _isClosed, this);
        return count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override int ReadByte()
    {
        Span<byte> one = stackalloc byte[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Hub.ThrowPending();
        if (_channel is not { } channel || !TryWrite(channel, buffer))
        {
            Writing.Write(_stream, buffer, _writeTimeout);
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override void WriteByte(byte value) => Write([value]);

    /// <inheritdoc/>
    public override void Flush()
    {
        Hub.ThrowPending();
        // A socket has nothing to flush.
        if (_channel is not { IsReleased: false })
        {
            Writing.Flush(_stream, _writeTimeout);
        }
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Share().FlushAsync(cancellationToken);

    /// <inheritdoc/>
    [SuppressMessage("Performance", "CA1835:Prefer the memory-based overloads", Justification = "This is that overload's other one.")]
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        (_ofSocket?.HasLeftovers ?? _reading is { HasLeftovers: true })
            ? new ValueTask<int>(Reading.ReadLeftoversAsync(Share(), buffer, cancellationToken))
            : Share().ReadAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        Share().WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        Share().WriteAsync(buffer, cancellationToken);

    /// <inheritdoc/>
    public override IAsyncResult BeginRead(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state)
    {
        Hub.ThrowPending(); // and not at its end, where there are bytes to lose
        return TaskToAsyncResult.Begin(ReadAsync(buffer, offset, count, CancellationToken.None), callback, state);
    }

    /// <inheritdoc/>
    /// <remarks>Parks until the read is over, if it is not.</remarks>
    public override int EndRead(IAsyncResult asyncResult)
    {
        Task<int> task = TaskToAsyncResult.Unwrap<int>(asyncResult);
        return task.IsCompleted ? task.GetAwaiter().GetResult() : Hub.Await(task);
    }

    /// <inheritdoc/>
    public override IAsyncResult BeginWrite(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state)
    {
        Hub.ThrowPending();
        return TaskToAsyncResult.Begin(WriteAsync(buffer, offset, count, CancellationToken.None), callback, state);
    }

    /// <inheritdoc/>
    /// <remarks>Parks until the write is over, if it is not.</remarks>
    public override void EndWrite(IAsyncResult asyncResult)
    {
        Task task = TaskToAsyncResult.Unwrap(asyncResult);
        if (!task.IsCompleted)
        {
            Hub.Await(task);
        }

        task.GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw NoSeek();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw NoSeek();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _isClosed = true;
        if (disposing && !_leaveOpen)
        {
            _channel?.Dispose();
            _stream.Dispose();
        }

        base.Dispose(disposing);
    }

    private PendingOperation Reading => _ofSocket?.Reading ?? PendingOperations.Of(ref _reading);

    private PendingOperation Writing => _ofSocket?.Writing ?? PendingOperations.Of(ref _writing);

    private bool TryRead(SocketChannel channel, Span<byte> buffer, out int count) =>
        IsDone(channel.ReceiveAlone(buffer, _readTimeout, out count), "a read", _readTimeout, count);

    private bool TryWrite(SocketChannel channel, ReadOnlySpan<byte> buffer) =>
        IsDone(channel.SendAlone(buffer, _writeTimeout, out int error), "a write", _writeTimeout, error);

    // False if it is to be done otherwise.
    private static bool IsDone(ChannelResult result, string what, TimeSpan timeout, int error) => result switch
    {
        ChannelResult.Done => true,
        ChannelResult.Released => false,
        ChannelResult.TimedOut => throw new IOException($"It took longer than {timeout} to wait for {what}.", new TimeoutException()),
        _ => throw OfSocket(what, new SocketException((int)Linux.ToSocketError(error))),
    };

    private static IOException OfSocket(string what, SocketException exception) => new($"The connection failed in {what}: {exception.Message}", exception);

    // Whose continuations may be anything: they are none of the socket thread's.
    private Stream Share()
    {
        if (_own is { } socket)
        {
            _own = null;
            InlineCompletions.TrySet(socket, false);
        }

        return _stream;
    }

    private static NotSupportedException NoSeek() => new("A GreenStream cannot seek.");

    private static TimeSpan Milliseconds(int value)
    {
        if (value is <= 0 and not Timeout.Infinite)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "A timeout is positive, or Timeout.Infinite.");
        }

        return TimeSpan.FromMilliseconds(value);
    }
}
