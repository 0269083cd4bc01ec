using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Interop;
using NativeGreenlet.Cooperative.IO;
using NativeGreenlet.Cooperative.IO.Readiness;
using NativeGreenlet.Cooperative.Waiting;

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
    /// <param name="stream">The stream. Its asynchronous methods must be truly asynchronous, and heed their token: what is given
    /// up is cancelled, and its end waited for, for <see cref="Hub.ShutdownGrace"/> at most. Timeouts that it has are this
    /// one's, too.</param>
    /// <param name="leaveOpen">Whether it stays open when this is closed.</param>
    public GreenStream(Stream stream, bool leaveOpen = false)
        : this(stream, null, leaveOpen)
    {
        if (stream.CanTimeout)
        {
            _readTimeout = TimeoutOf(static each => each.ReadTimeout, stream);
            _writeTimeout = TimeoutOf(static each => each.WriteTimeout, stream);
        }
    }

    private GreenStream(Stream stream, PendingOperations? operations, bool leaveOpen)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _stream = stream;
        _ofSocket = operations;
        _leaveOpen = leaveOpen;
    }

    /// <summary>The stream of a socket.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="own">Its socket, if nobody else can reach that.</param>
    /// <param name="channel">How synchronous calls use that, if they can.</param>
    /// <param name="operations">What the socket has begun already.</param>
    internal GreenStream(NetworkStream stream, Socket? own, SocketChannel? channel, PendingOperations operations)
        : this(stream, operations, leaveOpen: false)
    {
        _channel = channel;
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
        get => ToMilliseconds(ReadLimit);
        set
        {
            _readTimeout = Milliseconds(value);
            _ofSocket?.ReceiveTimeout = _readTimeout;
        }
    }

    /// <inheritdoc/>
    public override int WriteTimeout
    {
        get => ToMilliseconds(WriteLimit);
        set
        {
            _writeTimeout = Milliseconds(value);
            _ofSocket?.SendTimeout = _writeTimeout;
        }
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
        TimeSpan timeout = ReadLimit;
        long due = HubClock.After(timeout);
        if (_channel is { } channel && IsDone(channel.ReceiveAlone(buffer, due, out int count), "a read", timeout, count))
        {
            return count;
        }

        count = Reading.Read(_stream, buffer, timeout, due);

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
        TimeSpan timeout = WriteLimit;
        long due = HubClock.After(timeout);
        if (_channel is not { } channel || !IsDone(channel.SendAlone(buffer, due, out int error), "a write", timeout, error))
        {
            Writing.Write(_stream, buffer, timeout, due);
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
            Writing.Flush(_stream, WriteLimit);
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
            CloseStream();
        }

        base.Dispose(disposing);
    }

    // Closing may write what is left, and wait for that.
    private void CloseStream()
    {
        if (_ofSocket is not null || !Hub.IsInside)
        {
            _stream.Dispose();
            return;
        }

        ValueTask closing = _stream.DisposeAsync();
        if (closing.IsCompleted)
        {
            closing.GetAwaiter().GetResult();
        }
        else
        {
            Hub.Await(closing);
        }
    }

    private PendingOperation Reading => _ofSocket?.Reading ?? PendingOperations.Of(ref _reading);

    private PendingOperation Writing => _ofSocket?.Writing ?? PendingOperations.Of(ref _writing);

    // Those of a socket are its own, as they are in .NET.
    private TimeSpan ReadLimit => _ofSocket?.ReceiveTimeout ?? _readTimeout;

    private TimeSpan WriteLimit => _ofSocket?.SendTimeout ?? _writeTimeout;

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

    private static int ToMilliseconds(TimeSpan limit) => (int)Math.Min(int.MaxValue, Math.Ceiling(limit.TotalMilliseconds));

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

    private static TimeSpan Milliseconds(int value)
    {
        if (value is <= 0 and not Timeout.Infinite)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "A timeout is positive, or Timeout.Infinite.");
        }

        return TimeSpan.FromMilliseconds(value);
    }
}
