using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>
/// A socket as the tasks of hubs use it. A <see cref="GreenSocket"/> and the streams that are made of it share one: its timeouts,
/// its order of readers and of writers, what a receive left that was given up, and the transport.
/// </summary>
/// <remarks>
/// <para>The transport is the <see cref="ReadinessTransport"/> if there can be one, and the <see cref="AsyncTransport"/> from the
/// time on at which the socket is handed out. Whoever waits by the first then goes on by the second, in the same turn: so nobody
/// overtakes a message that is half sent.</para>
/// <para>Asynchronous methods of a stream do not take turns: they are those of .NET's stream.</para>
/// </remarks>
internal sealed class Connection : IByteStream, IDisposable
{
    private readonly Socket _socket;
    private readonly FairMutex _receiveMutex = new();
    private readonly FairMutex _sendMutex = new();
    private readonly ReadinessTransport? _readiness;
    private volatile SocketTransport _transport;
    private AsyncTransport? _async; // from the first use on
    private readonly Lock _inlineGate = new(); // of what follows
    private volatile bool _mayBeInline; // nothing but synchronous calls of tasks has begun operations so far
    private volatile bool _isInline;
    private volatile bool _isHandedOut;
    private volatile bool _isClosed;
    private volatile bool _hasGivenUpAccept; // since a connection came
    private ConcurrentQueue<Socket>? _lateAccepted; // after the wait was given up; from the first on, as a queue takes most of a kilobyte
    private TimeSpan? _receiveTimeout;
    private TimeSpan? _sendTimeout;

    /// <summary>Makes a connection of a socket.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="isHandedOut">Whether others can reach it already.</param>
    public Connection(Socket socket, bool isHandedOut)
    {
        _socket = socket;
        _isHandedOut = isHandedOut;
        _readiness = isHandedOut ? null : ReadinessTransport.TryCreate(socket);
        _mayBeInline = !isHandedOut && _readiness is null && socket.SocketType == SocketType.Stream;
        _transport = _readiness ?? (SocketTransport)Async;
    }

    /// <summary>The socket, for what does not wait. It is not handed out by that.</summary>
    public Socket Socket => _socket;

    /// <summary>How long a receive takes at most: what was set here, or else on a socket that was handed out.</summary>
    public TimeSpan ReceiveTimeout
    {
        get => _receiveTimeout ?? OfOption(_isHandedOut ? _socket.ReceiveTimeout : 0);
        set => _receiveTimeout = value;
    }

    /// <summary>How long a whole send takes at most: what was set here, or else on a socket that was handed out.</summary>
    public TimeSpan SendTimeout
    {
        get => _sendTimeout ?? OfOption(_isHandedOut ? _socket.SendTimeout : 0);
        set => _sendTimeout = value;
    }

    /// <inheritdoc/>
    TimeSpan IByteStream.ReadTimeout
    {
        get => ReceiveTimeout;
        set => ReceiveTimeout = value;
    }

    /// <inheritdoc/>
    TimeSpan IByteStream.WriteTimeout
    {
        get => SendTimeout;
        set => SendTimeout = value;
    }

    /// <inheritdoc/>
    public bool HasLeftovers => _async is { HasLeftovers: true };

    // Who was given the socket may close it, too. Asked only when something has ended.
    private bool IsClosed
    {
        get
        {
            if (_isClosed || !_isHandedOut)
            {
                return _isClosed;
            }

            try
            {
                _ = _socket.Available;
                return false;
            }
            catch (SocketException)
            {
                return false; // it is not connected, say
            }
            catch (ObjectDisposedException)
            {
                return true;
            }
        }
    }

    private AsyncTransport Async => _async ?? Interlocked.CompareExchange(ref _async, new AsyncTransport(_socket), null) ?? _async;

    private ConcurrentQueue<Socket> LateAccepted => _lateAccepted ?? Interlocked.CompareExchange(ref _lateAccepted, new ConcurrentQueue<Socket>(), null) ?? _lateAccepted;

    /// <summary>Receives the bytes that have come; parks until some have.</summary>
    /// <param name="buffer">Gets the bytes.</param>
    /// <param name="flags">How to receive them.</param>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public TransportResult Receive(Span<byte> buffer, SocketFlags flags, long deadline)
    {
        if ((flags & SocketFlags.OutOfBand) != 0)
        {
            return Checked(Async.ReceiveApart(buffer, flags, deadline)); // it overtakes what others wait for
        }

        if (!_receiveMutex.TryEnter("its turn to receive", deadline))
        {
            return TransportResult.TimedOut;
        }

        try
        {
            PreferInline();
            TransportResult result;
            do
            {
                result = _transport.Receive(buffer, flags, deadline);
            }
            while (result.Status == TransportStatus.HandedOver);

            // A socket that is closed here looks closed by the other side for a moment.
            ObjectDisposedException.ThrowIf(result is { Status: TransportStatus.Done, Count: 0 } && !buffer.IsEmpty && IsClosed, typeof(GreenSocket));
            return Checked(result);
        }
        finally
        {
            _receiveMutex.Exit();
        }
    }

    /// <summary>Sends all bytes; parks whenever the socket takes no more.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="flags">How to send them.</param>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    /// <exception cref="IOException">An earlier send was given up in the middle.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public TransportResult Send(ReadOnlySpan<byte> buffer, SocketFlags flags, long deadline)
    {
        if (!_sendMutex.TryEnter("its turn to send", deadline))
        {
            return TransportResult.TimedOut;
        }

        try
        {
            ObjectDisposedException.ThrowIf(_isClosed, typeof(GreenSocket));
            if (_readiness is { } readiness && readiness.TakeCutOff())
            {
                throw TransportResult.Incomplete();
            }

            PreferInline();
            TransportResult result;
            do
            {
                result = _transport.Send(buffer, flags, deadline);
            }
            while (result.Status == TransportStatus.HandedOver);
            return Checked(result);
        }
        finally
        {
            _sendMutex.Exit();
        }
    }

    /// <summary>Connects; parks until that is over.</summary>
    /// <param name="endPoint">The address.</param>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public TransportResult Connect(EndPoint endPoint, long deadline)
    {
        if (!_sendMutex.TryEnter("its turn to connect", deadline))
        {
            return TransportResult.TimedOut;
        }

        try
        {
            TransportResult result = _transport.Connect(endPoint, deadline);
            return Checked(result.Status == TransportStatus.HandedOver ? Async.Connect(endPoint, deadline) : result);
        }
        finally
        {
            _sendMutex.Exit();
        }
    }

    /// <summary>Parks until there is something to receive, and receives nothing.</summary>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public TransportResult WaitReadable(long deadline)
    {
        if (!_receiveMutex.TryEnter("its turn to receive", deadline))
        {
            return TransportResult.TimedOut;
        }

        try
        {
            TransportResult result;
            do
            {
                result = _transport.WaitReadable(deadline);
            }
            while (result.Status == TransportStatus.HandedOver);
            return Checked(result);
        }
        finally
        {
            _receiveMutex.Exit();
        }
    }

    /// <summary>Waits for a connection to this socket, which listens. Where the socket was handed out, or hubs have no poller, that
    /// is an operation of .NET, which is cancelled when the wait is given up. One that comes all the same is for the next
    /// call. After a wait that was given up the next ones first wait by <see cref="SocketWatch"/>.</summary>
    /// <exception cref="SocketException">The system refused it.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public Connection Accept()
    {
        if (_lateAccepted is not { } late || !late.TryDequeue(out Socket? accepted))
        {
            accepted = AcceptWhenReady() ?? AcceptByOperation();
        }

        return new Connection(accepted, isHandedOut: false);
    }

    /// <summary>Receives a datagram; parks until one has come.</summary>
    /// <param name="buffer">Gets its bytes.</param>
    /// <param name="flags">How to receive it.</param>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    /// <param name="sender">Who sent it.</param>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public TransportResult ReceiveFrom(Span<byte> buffer, SocketFlags flags, long deadline, out EndPoint? sender) =>
        Checked(Async.ReceiveFrom(buffer, flags, deadline, out sender));

    /// <summary>Sends a datagram; parks until the system has taken it.</summary>
    /// <param name="buffer">Its bytes.</param>
    /// <param name="flags">How to send it.</param>
    /// <param name="receiver">To whom.</param>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public TransportResult SendTo(ReadOnlySpan<byte> buffer, SocketFlags flags, EndPoint receiver, long deadline) =>
        Checked(Async.SendTo(buffer, flags, receiver, deadline));

    /// <inheritdoc/>
    public int Read(Span<byte> buffer)
    {
        TimeSpan timeout = ReceiveTimeout;
        return RequireOfStream(Receive(buffer, SocketFlags.None, HubClock.After(timeout)), "a read", timeout);
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> buffer)
    {
        TimeSpan timeout = SendTimeout;
        RequireOfStream(Send(buffer, SocketFlags.None, HubClock.After(timeout)), "a write", timeout);
    }

    /// <inheritdoc/>
    public void Flush()
    {
        // A socket has nothing to flush.
    }

    /// <inheritdoc/>
    public ValueTask<int> ReadAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellationToken) => Async.ReadAsync(stream, buffer, cancellationToken);

    /// <inheritdoc/>
    public async Task<int> ReadLeftoversAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        RequireOfStream(await Async.ReadLeftoversAsync(buffer, cancellationToken).ConfigureAwait(false), "a read", ReceiveTimeout);

    /// <inheritdoc/>
    /// <remarks>So the thread that completes the operations of all sockets does not run them any more.</remarks>
    public void AllowAsync()
    {
        if (!_mayBeInline)
        {
            return;
        }

        lock (_inlineGate)
        {
            _mayBeInline = false;
            if (_isInline)
            {
                _isInline = false;
                InlineCompletions.TrySet(_socket, false);
            }
        }
    }

    /// <summary>Lets .NET's socket thread complete operations itself, as long as only synchronous calls begin any.</summary>
    public void PreferInline()
    {
        if (!_mayBeInline || _isInline)
        {
            return;
        }

        lock (_inlineGate)
        {
            if (_mayBeInline)
            {
                _isInline = _mayBeInline = InlineCompletions.TrySet(_socket, true);
            }
        }
    }

    /// <inheritdoc/>
    public void HandOut()
    {
        if (!_isHandedOut)
        {
            _transport = Async;
            _readiness?.Release();
            AllowAsync();
            _isHandedOut = true;
        }
    }

    /// <inheritdoc/>
    public void BeginClose()
    {
        _isClosed = true;
        _readiness?.Dispose();
        CloseLate();
    }

    /// <summary>Closes the socket; whoever waits is told.</summary>
    public void Dispose()
    {
        BeginClose();
        _socket.Dispose();
    }

    // Null if the other transport has to do it.
    private Socket? AcceptWhenReady()
    {
        if (_readiness is not { } readiness || _isHandedOut)
        {
            return null;
        }

        _ = _receiveMutex.TryEnter("its turn to accept", long.MaxValue);
        try
        {
            TransportResult result = Checked(readiness.Accept(out Socket? accepted));
            result.Error?.Throw();
            return accepted;
        }
        finally
        {
            _receiveMutex.Exit();
        }
    }

    private Socket AcceptByOperation()
    {
        if (_hasGivenUpAccept)
        {
            WaitForConnection();
        }

        Task<Socket>? begun = null;
        bool isTaken = false;
        try
        {
            Socket accepted = Hub.Await(token => begun = _socket.AcceptAsync(token).AsTask());
            isTaken = true;
            return accepted;
        }
        catch (SocketException exception) when (IsClosed)
        {
            throw new ObjectDisposedException("The socket was closed.", exception);
        }
        finally
        {
            if (!isTaken && begun is not null)
            {
                GiveUpAccept(begun);
            }
        }
    }

    private void GiveUpAccept(Task<Socket> begun)
    {
        _hasGivenUpAccept |= SocketWatch.KeepsCancelled && !begun.IsCompletedSuccessfully; // cancelled it is, or has failed
        _ = begun.ContinueWith(
            late =>
            {
                LateAccepted.Enqueue(late.Result);
                if (_isClosed)
                {
                    CloseLate();
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private void CloseLate()
    {
        Interlocked.MemoryBarrier(); // who closes says so and then looks; who brings one puts it in and then asks
        while (_lateAccepted is { } queue && queue.TryDequeue(out Socket? late))
        {
            late.Dispose();
        }
    }

    private void WaitForConnection()
    {
        _ = _receiveMutex.TryEnter("its turn to accept", long.MaxValue);
        try
        {
            if (_hasGivenUpAccept)
            {
                SocketWatch.Wait(_socket, SelectMode.SelectRead, "a connection", long.MaxValue);
                _hasGivenUpAccept = false;
            }
        }
        finally
        {
            _receiveMutex.Exit();
        }
    }

    // What fails because the socket was closed here fails in many ways.
    private TransportResult Checked(TransportResult result)
    {
        ObjectDisposedException.ThrowIf(result.Status == TransportStatus.Failed && IsClosed, typeof(GreenSocket));
        return result;
    }

    // The exceptions of streams: IOException, as that of .NET's stream for a socket.
    private static int RequireOfStream(TransportResult result, string what, TimeSpan timeout) =>
        result.Error?.SourceException is SocketException exception
            ? throw new IOException($"The connection failed in {what}: {exception.Message}", exception)
            : result.Require(what, timeout);

    // On a socket, 0 is no limit.
    private static TimeSpan OfOption(int milliseconds) => milliseconds > 0 ? TimeSpan.FromMilliseconds(milliseconds) : Timeout.InfiniteTimeSpan;
}
