using System.Diagnostics.CodeAnalysis;
using System.IO.Pipes;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.IO.Transport;
using NativeGreenlet.Cooperative.Tasks;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// Any stream, read and written as if it blocked: a synchronous call parks the task until it is over. So code that knows only
/// <see cref="Stream"/> holds no thread.
/// </summary>
/// <remarks>
/// <para>One task may read while another writes. Several that read, or that write, by synchronous calls take turns in the order in
/// which they came, and what one writes by a call stays whole. Asynchronous calls take no turns. Outside of a hub a synchronous
/// call that would have to wait throws <see cref="MissingHubException"/>; the asynchronous methods work everywhere.</para>
/// <para>A read that is given up, by a kill or a timeout, loses nothing: what it still brings goes to the next read. After
/// a write that was given up the next one throws, unless all of it was sent after all.</para>
/// <para>What takes longer than <see cref="ReadTimeout"/> or <see cref="WriteTimeout"/> throws a <see cref="TimeoutException"/>, as on
/// a <see cref="GreenSocket"/>, and no <see cref="IOException"/>. A stream in between may wrap it: <c>SslStream</c> throws an
/// <see cref="IOException"/> whose inner exception it is.</para>
/// </remarks>
/// <example><code>
/// Hub.Run(() =>
/// {
///     using GreenStream stream = GreenSocket.Connect("example.org", 80).GetStream();
///     stream.ReadTimeout = 10_000;
///     stream.Write("HEAD / HTTP/1.0\r\nHost: example.org\r\n\r\n"u8);
///     using StreamReader reader = new(stream);
///     Console.WriteLine(reader.ReadToEnd());
/// });
/// </code></example>
public class GreenStream : Stream
{
    private readonly IByteStream _source;
    private readonly Stream _stream;
    private readonly bool _leaveOpen;
    private volatile bool _isClosed;

    /// <summary>Wraps a stream.</summary>
    /// <param name="stream">The stream. Its asynchronous methods must be truly asynchronous, and heed their token: what is given
    /// up is cancelled, and its end waited for, for <see cref="HubOptions.ShutdownGrace"/> at most. Timeouts that it has are this
    /// one's, too.</param>
    /// <param name="leaveOpen">Whether it stays open when this is closed.</param>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    public GreenStream(Stream stream, bool leaveOpen = false)
        : this(new WrappedStream(stream ?? throw new ArgumentNullException(nameof(stream))), stream, leaveOpen)
    {
    }

    /// <summary>Makes a stream of a connection.</summary>
    /// <param name="connection">The connection, which its socket and other streams of it share.</param>
    internal GreenStream(Connection connection)
        : this(connection, new NetworkStream(connection.Socket, ownsSocket: true), leaveOpen: false)
    {
        connection.PreferInline();
    }

    private GreenStream(IByteStream source, Stream stream, bool leaveOpen)
    {
        _source = source;
        _stream = stream;
        _leaveOpen = leaveOpen;
    }

    /// <summary>Gets the wrapped stream. That of a socket may be used by others from here on, so .NET's asynchronous operations are
    /// used, as after <see cref="GreenSocket.Socket"/>.</summary>
    public Stream BaseStream
    {
        get
        {
            _source.HandOut();
            return _stream;
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

    /// <summary>Gets or sets how long a synchronous read takes at most, its turn included, in milliseconds;
    /// <see cref="Timeout.Infinite"/> for no limit. That of a socket is the socket's.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not positive, and not <see cref="Timeout.Infinite"/>.</exception>
    public override int ReadTimeout
    {
        get => ToMilliseconds(_source.ReadTimeout);
        set => _source.ReadTimeout = Milliseconds(value);
    }

    /// <summary>Gets or sets how long a whole synchronous write takes at most, its turn included, in milliseconds;
    /// <see cref="Timeout.Infinite"/> for no limit. That of a socket is the socket's.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not positive, and not <see cref="Timeout.Infinite"/>.</exception>
    public override int WriteTimeout
    {
        get => ToMilliseconds(_source.WriteTimeout);
        set => _source.WriteTimeout = Milliseconds(value);
    }

    /// <inheritdoc/>
    public override long Length => throw NoSeek();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw NoSeek();
        set => throw NoSeek();
    }

    /// <summary>Reads; parks until there are bytes.</summary>
    /// <param name="buffer">Gets the bytes.</param>
    /// <returns>How many; 0 at the end.</returns>
    /// <exception cref="TimeoutException">It took longer than <see cref="ReadTimeout"/>.</exception>
    /// <exception cref="IOException">The connection failed; the inner exception is its <see cref="SocketException"/>. Of another
    /// stream: what that throws.</exception>
    /// <exception cref="InvalidOperationException">Asynchronous code waits for bytes that a read gave up.</exception>
    /// <exception cref="ObjectDisposedException">The stream was closed, perhaps during the wait.</exception>
    /// <exception cref="MissingHubException">It has to wait, and the caller is not inside a hub.</exception>
    public override int Read(Span<byte> buffer)
    {
        Hub.ThrowPending();
        int count = _source.Read(buffer);

        // What is closed here may look like its end for a moment.
        ObjectDisposedException.ThrowIf(count == 0 && _isClosed, this);
        return count;
    }

    /// <inheritdoc cref="Read(Span{byte})" path="/*[not(self::param)]"/>
    /// <param name="buffer">Gets the bytes.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled. No bytes are lost: the next read gets them.</param>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public int Read(Span<byte> buffer, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Read(buffer);
    }

    /// <inheritdoc cref="Read(Span{byte})" path="/*[not(self::param)]"/>
    /// <param name="buffer">Gets the bytes.</param>
    /// <param name="offset">From where on.</param>
    /// <param name="count">How many at most.</param>
    /// <exception cref="ArgumentNullException">The buffer is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not in the buffer.</exception>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc cref="Read(Span{byte})" path="/*[not(self::returns)]"/>
    /// <summary>Reads a byte; parks until there is one.</summary>
    /// <returns>The byte; -1 at the end.</returns>
    public override int ReadByte()
    {
        Span<byte> one = stackalloc byte[1];
        return Read(one) == 0 ? -1 : one[0];
    }

    /// <summary>Writes all bytes; parks until they are written.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <exception cref="TimeoutException">It took longer than <see cref="WriteTimeout"/>.</exception>
    /// <exception cref="IOException">An earlier write was given up, and nobody knows how much of it was sent. Or the connection
    /// failed; the inner exception is its <see cref="SocketException"/> then. Of another stream: what that throws.</exception>
    /// <exception cref="ObjectDisposedException">The stream was closed, perhaps during the wait.</exception>
    /// <exception cref="MissingHubException">It has to wait, and the caller is not inside a hub.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Hub.ThrowPending();
        _source.Write(buffer);
    }

    /// <inheritdoc cref="Write(ReadOnlySpan{byte})" path="/*[not(self::param)]"/>
    /// <param name="buffer">The bytes.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled. Then it was given up: the next write throws, unless all of it was sent after all.</param>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Write(ReadOnlySpan<byte> buffer, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        Write(buffer);
    }

    /// <inheritdoc cref="Write(ReadOnlySpan{byte})" path="/*[not(self::param)]"/>
    /// <param name="buffer">Has the bytes.</param>
    /// <param name="offset">From where on.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="ArgumentNullException">The buffer is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not in the buffer.</exception>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc cref="Write(ReadOnlySpan{byte})" path="/*[not(self::param)]"/>
    /// <summary>Writes a byte; parks until it is written.</summary>
    /// <param name="value">The byte.</param>
    public override void WriteByte(byte value) => Write([value]);

    /// <summary>Flushes what the wrapped stream keeps; parks until that is over. A socket keeps nothing.</summary>
    /// <exception cref="TimeoutException">It took longer than <see cref="WriteTimeout"/>.</exception>
    /// <exception cref="IOException">An earlier write was given up, and nobody knows how much of it was sent. Or what the wrapped
    /// stream throws.</exception>
    /// <exception cref="MissingHubException">It has to wait, and the caller is not inside a hub.</exception>
    public override void Flush()
    {
        Hub.ThrowPending();
        _source.Flush();
    }

    /// <inheritdoc cref="Flush()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Flush(CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        Flush();
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Async.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    [SuppressMessage("Performance", "CA1835:Prefer the memory-based overloads", Justification = "This is that overload's other one.")]
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _source.HasLeftovers
            ? new ValueTask<int>(ReadLeftoversAsync(buffer, cancellationToken))
            : _source.ReadAsync(Async, buffer, cancellationToken);

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        Async.WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        Async.WriteAsync(buffer, cancellationToken);

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
            _source.BeginClose();
            CloseStream();
        }

        base.Dispose(disposing);
    }

    // The wrapped stream, for operations whose continuations are its caller's.
    private Stream Async
    {
        get
        {
            _source.AllowAsync();
            return _stream;
        }
    }

    private async Task<int> ReadLeftoversAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        Stream stream = Async;
        int count = await _source.ReadLeftoversAsync(buffer, cancellationToken).ConfigureAwait(false);
        return count != 0 ? count : await _source.ReadAsync(stream, buffer, cancellationToken).ConfigureAwait(false);
    }

    // Closing may write what is left, and wait for that.
    private void CloseStream()
    {
        if (!Hub.IsInside)
        {
            _stream.Dispose();
            return;
        }

        ValueTask closing = _source is not Connection && MayBlockWhenClosed(_stream) ? new ValueTask(Hub.RequireTask().Loop.Options.OffloadPool.Run(_stream.Dispose)) : _stream.DisposeAsync();
        if (closing.IsCompleted)
        {
            closing.GetAwaiter().GetResult();
        }
        else
        {
            Hub.Await(closing);
        }
    }

    // One that has no asynchronous way to be closed, and of which nobody knows that the other is fast: another thread closes it. Apart,
    // because it loads the assembly of pipes: a connection must be closed also where no descriptor is left for that.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool MayBlockWhenClosed(Stream stream) =>
        stream is not (GreenStream or MemoryStream or UnmanagedMemoryStream or NetworkStream or PipeStream)
        && ((Func<ValueTask>)stream.DisposeAsync).Method.DeclaringType == typeof(Stream);

    private static NotSupportedException NoSeek() => new("A GreenStream cannot seek.");

    private static int ToMilliseconds(TimeSpan limit) => (int)Math.Min(int.MaxValue, Math.Ceiling(limit.TotalMilliseconds));

    private static TimeSpan Milliseconds(int value)
    {
        if (value is <= 0 and not Timeout.Infinite)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "A timeout is positive, or Timeout.Infinite.");
        }

        return TimeSpan.FromMilliseconds(value);
    }
}
