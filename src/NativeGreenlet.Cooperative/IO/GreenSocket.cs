using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Interop;
using NativeGreenlet.Cooperative.IO;
using NativeGreenlet.Cooperative.IO.Readiness;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>A socket whose operations park the task instead of blocking the thread. For bytes in a row, take its
/// <see cref="GetStream"/>.</summary>
/// <remarks>
/// <para>What <see cref="Receive"/> gives up on a connection, by a kill or a timeout, is not lost: the next one gets it, or
/// the stream. After a <see cref="Send"/> that was given up the next one throws, unless it was sent after all, or not at
/// all. Several may receive, or send, and come one after the other; nothing is allocated for it.</para>
/// <para>On Linux a connection that nobody else can reach is waited for by the hub of the task that waits, without any other
/// thread; the environment variable <c>NATIVEGREENLET_POLLER=off</c> leaves that to .NET.</para>
/// </remarks>
public sealed class GreenSocket : IDisposable
{
    private readonly Socket _socket;
    private readonly PendingOperations _operations = new(); // without a channel
    private readonly SocketChannel? _channel; // as long as nobody else can reach the socket
    private SocketBytes? _bytes; // of a connection without a channel: how Receive and Send see it
    private bool _isShared;
    private bool _hasStream;
    private volatile bool _isClosed;

    /// <summary>Wraps a socket and owns it.</summary>
    /// <param name="socket">The socket.</param>
    public GreenSocket(Socket socket)
        : this(socket, isShared: true)
    {
    }

    /// <summary>Creates a socket.</summary>
    /// <param name="family">Its address family.</param>
    /// <param name="type">Its type.</param>
    /// <param name="protocol">Its protocol.</param>
    public GreenSocket(AddressFamily family = AddressFamily.InterNetwork, SocketType type = SocketType.Stream, ProtocolType protocol = ProtocolType.Tcp)
        : this(new Socket(family, type, protocol), isShared: false)
    {
    }

    private GreenSocket(Socket socket, bool isShared)
    {
        ArgumentNullException.ThrowIfNull(socket);
        _socket = socket;
        _isShared = isShared;
        _operations.Shared = isShared ? socket : null;
        _channel = isShared ? null : SocketChannel.TryCreate(socket);
    }

    /// <summary>The wrapped socket, for options. From here on its operations may be started by others, too, or it may be
    /// closed, and so .NET's asynchronous operations are used, which costs more: for the commonest option there is
    /// <see cref="NoDelay"/>.</summary>
    public Socket Socket
    {
        get
        {
            if (!_isShared)
            {
                _isShared = true;
                _operations.Shared = _socket;
                _channel?.Release();
                InlineCompletions.TrySet(_socket, false);
            }

            return _socket;
        }
    }

    /// <summary>Whether small pieces are sent at once (<see cref="Socket.NoDelay"/>).</summary>
    public bool NoDelay
    {
        get => _socket.NoDelay;
        set => _socket.NoDelay = value;
    }

    /// <summary>How long <see cref="Receive"/>, or a read by the stream, waits at most. Unless it is set: what the wrapped
    /// socket has (<see cref="System.Net.Sockets.Socket.ReceiveTimeout"/>), without a limit if that has none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative, and not
    /// <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    public TimeSpan ReceiveTimeout
    {
        get => _operations.ReceiveTimeout;
        set
        {
            HubClock.Check(value, nameof(value));
            _operations.ReceiveTimeout = value;
        }
    }

    /// <summary>How long a whole <see cref="Send"/>, or a write by the stream, takes at most. Unless it is set: what the wrapped
    /// socket has (<see cref="System.Net.Sockets.Socket.SendTimeout"/>), without a limit if that has none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative, and not
    /// <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    public TimeSpan SendTimeout
    {
        get => _operations.SendTimeout;
        set
        {
            HubClock.Check(value, nameof(value));
            _operations.SendTimeout = value;
        }
    }

    /// <summary>The local address.</summary>
    public EndPoint? LocalEndPoint => _socket.LocalEndPoint;

    /// <summary>The address of the other side.</summary>
    public EndPoint? RemoteEndPoint => _socket.RemoteEndPoint;

    /// <summary>Connects to a host by TCP, trying its addresses one after the other.</summary>
    /// <param name="host">Its name or address.</param>
    /// <param name="port">The port.</param>
    /// <param name="timeout">How long to wait at most; null for no limit.</param>
    /// <exception cref="TimeoutException">It took longer.</exception>
    public static GreenSocket Connect(string host, int port, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        HubClock.Check(timeout ?? Timeout.InfiniteTimeSpan, nameof(timeout));
        if (Poller.IsSupported)
        {
            return ConnectByChannel(host, port, timeout ?? Timeout.InfiniteTimeSpan);
        }

        GreenSocket socket = new(new Socket(SocketType.Stream, ProtocolType.Tcp), isShared: false);
        bool isConnected = false;
        try
        {
            Perform(token => socket._socket.ConnectAsync(host, port, token).Discard(), timeout ?? Timeout.InfiniteTimeSpan);
            isConnected = true;
            return socket;
        }
        finally
        {
            if (!isConnected)
            {
                socket.Dispose();
            }
        }
    }

    /// <summary>Connects.</summary>
    /// <param name="endPoint">To what.</param>
    public void Connect(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        Hub.EnterWait();
        if (_channel is { } channel && !_isShared && endPoint is IPEndPoint address)
        {
            channel.TryConnect(address, long.MaxValue);
            return;
        }

        Perform(token => _socket.ConnectAsync(endPoint, token).Discard(), Timeout.InfiniteTimeSpan);
    }

    /// <summary>Binds to an address.</summary>
    /// <param name="endPoint">The address.</param>
    public void Bind(EndPoint endPoint) => _socket.Bind(endPoint);

    /// <summary>Listens.</summary>
    /// <param name="backlog">How many connections may wait to be accepted.</param>
    public void Listen(int backlog = 128) => _socket.Listen(backlog);

    /// <summary>Waits for a connection.</summary>
    /// <exception cref="SocketException">The system refused it. What concerns one connection only, or passes, is among the
    /// reasons.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public GreenSocket Accept() => new(
        Hub.Await(token => _socket.AcceptAsync(token).AsTask(), static late => late.Dispose()), // one that came at the last moment
        isShared: false);

    /// <summary>Receives bytes; waits until there are some.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="flags">How.</param>
    /// <returns>How many; 0 when the other side has closed.</returns>
    /// <exception cref="TimeoutException">It took longer than <see cref="ReceiveTimeout"/>.</exception>
    public int Receive(Span<byte> buffer, SocketFlags flags = SocketFlags.None)
    {
        Hub.EnterWait();
        TimeSpan timeout = ReceiveTimeout;
        long due = HubClock.After(timeout);
        if (_channel is { } channel
            && (flags & SocketFlags.OutOfBand) == 0
            && IsDone(channel.Receive(buffer, flags, due, out int count), timeout, count))
        {
            return count;
        }

        if ((flags & SocketFlags.OutOfBand) != 0 || Bytes is not { } bytes)
        {
            return ReceiveApart(buffer, flags, timeout);
        }

        Turn turn = _operations.ReadingTurn;
        if (!turn.Take("its turn to receive", due))
        {
            throw TooLong(timeout);
        }

        try
        {
            PendingOperation reading = _operations.Reading;
            if (flags == SocketFlags.None)
            {
                return Received(reading.Read(bytes, buffer, timeout, due), buffer);
            }

            // What was given up comes first, however it is asked for.
            reading.Settle(timeout, due);
            if (!reading.HasLeftovers)
            {
                return ReceiveApart(buffer, flags, timeout);
            }

            return (flags & SocketFlags.Peek) != 0 ? reading.Peek(buffer) : reading.Read(bytes, buffer, timeout, due);
        }
        catch (IOException exception) when (exception.InnerException is TimeoutException)
        {
            throw TooLong(timeout);
        }
        finally
        {
            turn.Give();
        }
    }

    /// <summary>Sends all bytes.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="flags">How.</param>
    /// <exception cref="TimeoutException">It took longer than <see cref="SendTimeout"/>.</exception>
    /// <exception cref="IOException">An earlier one was given up, and nobody knows how much of it was sent.</exception>
    public void Send(ReadOnlySpan<byte> buffer, SocketFlags flags = SocketFlags.None)
    {
        Hub.EnterWait();
        TimeSpan timeout = SendTimeout;
        long due = HubClock.After(timeout);
        if (_channel is { } channel && IsDone(channel.Send(buffer, flags, due, out int error), timeout, error))
        {
            return;
        }

        Turn turn = _operations.WritingTurn;
        if (!turn.Take("its turn to send", due))
        {
            throw TooLong(timeout);
        }

        try
        {
            if (flags == SocketFlags.None && Bytes is { } bytes)
            {
                _operations.Writing.Write(bytes, buffer, timeout, due);
            }
            else
            {
                SendApart(buffer, flags, timeout, due);
            }
        }
        catch (IOException exception) when (exception.InnerException is TimeoutException)
        {
            throw TooLong(timeout);
        }
        finally
        {
            turn.Give();
        }
    }

    /// <summary>Receives a datagram; waits for one.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="sender">Who sent it.</param>
    /// <param name="flags">How.</param>
    /// <returns>How many bytes.</returns>
    /// <exception cref="TimeoutException">It took longer than <see cref="ReceiveTimeout"/>.</exception>
    public int ReceiveFrom(Span<byte> buffer, out EndPoint sender, SocketFlags flags = SocketFlags.None)
    {
        byte[] own = new byte[buffer.Length];
        EndPoint any = _socket.AddressFamily == AddressFamily.InterNetworkV6 ? new IPEndPoint(IPAddress.IPv6Any, 0) : new IPEndPoint(IPAddress.Any, 0);
        SocketReceiveFromResult received = Perform(token => _socket.ReceiveFromAsync(own, flags, any, token), ReceiveTimeout);
        own.AsSpan(0, received.ReceivedBytes).CopyTo(buffer);
        sender = received.RemoteEndPoint;
        return received.ReceivedBytes;
    }

    /// <summary>Sends a datagram.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="receiver">To whom.</param>
    /// <param name="flags">How.</param>
    /// <returns>How many bytes were sent.</returns>
    /// <exception cref="TimeoutException">It took longer than <see cref="SendTimeout"/>.</exception>
    public int SendTo(ReadOnlySpan<byte> buffer, EndPoint receiver, SocketFlags flags = SocketFlags.None)
    {
        byte[] own = buffer.ToArray();
        return Perform(token => _socket.SendToAsync(own, flags, receiver, token), SendTimeout);
    }

    /// <summary>Waits until there is something to receive, and receives nothing. On a connected socket.</summary>
    /// <param name="timeout">How long at most; null for no limit.</param>
    /// <returns>Whether there is: bytes, or the end of the connection.</returns>
    public bool WaitUntilReadable(TimeSpan? timeout = null)
    {
        Hub.EnterWait();
        if (_channel is { } channel)
        {
            Span<byte> one = stackalloc byte[1];
            ChannelResult result = channel.Receive(one, SocketFlags.Peek, HubClock.After(timeout ?? Timeout.InfiniteTimeSpan), out int error);
            if (result == ChannelResult.TimedOut || IsDone(result, default, error))
            {
                return result == ChannelResult.Done;
            }
        }

        if (_operations.ReadingTurn.TryTake())
        {
            try
            {
                _operations.Reading.Settle(Timeout.InfiniteTimeSpan, long.MaxValue); // it was cancelled: that is soon
                if (_operations.Reading.HasLeftovers)
                {
                    return true;
                }
            }
            finally
            {
                _operations.ReadingTurn.Give();
            }
        }

        return TryPerform(token => _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, token), timeout ?? Timeout.InfiniteTimeSpan, out _);
    }

    /// <summary>Ends one or both directions.</summary>
    /// <param name="how">Which.</param>
    public void Shutdown(SocketShutdown how) => _socket.Shutdown(how);

    /// <summary>The connection as a stream. Closing it closes the socket.</summary>
    public GreenStream GetStream()
    {
        NetworkStream bytes = new(_socket, ownsSocket: true);
        _hasStream = true;
        return new GreenStream(bytes, _isShared ? null : _socket, _isShared ? null : _channel, _operations);
    }

    /// <summary>Closes it; who waits in it gets an exception.</summary>
    public void Dispose()
    {
        _isClosed = true;
        _channel?.Dispose();
        _socket.Dispose();
    }

    // Null if it is no connection: each datagram has its own bounds.
    private SocketBytes? Bytes => _bytes ?? (_socket.SocketType == SocketType.Stream ? MakeBytes() : null);

    // False if it is to be done otherwise.
    private static bool IsDone(ChannelResult result, TimeSpan timeout, int error) => result switch
    {
        ChannelResult.Done => true,
        ChannelResult.Released => false,
        ChannelResult.TimedOut => throw TooLong(timeout),
        _ => throw new SocketException((int)Linux.ToSocketError(error)),
    };

    private static TimeoutException TooLong(TimeSpan timeout) => new($"The operation on the socket took longer than {timeout}.");

    private static GreenSocket ConnectByChannel(string host, int port, TimeSpan timeout)
    {
        long due = HubClock.After(timeout);
        ExceptionDispatchInfo? failure = null;
        foreach (IPAddress address in Resolve(host, timeout).Where(each => each.AddressFamily != AddressFamily.InterNetworkV6 || Socket.OSSupportsIPv6))
        {
            GreenSocket socket = new(address.AddressFamily);
            bool isConnected = false;
            try
            {
                if (!socket._channel!.TryConnect(new IPEndPoint(address, port), due))
                {
                    throw TooLong(timeout);
                }

                isConnected = true;
                return socket;
            }
            catch (SocketException exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception); // perhaps another address
            }
            finally
            {
                if (!isConnected)
                {
                    socket.Dispose();
                }
            }
        }

        failure?.Throw();
        throw new SocketException((int)SocketError.HostNotFound);
    }

    private static IPAddress[] Resolve(string host, TimeSpan timeout)
    {
        Hub.EnterWait();
        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            return [address];
        }

        return GreenDns.TryGetHostAddresses(host, timeout, out IPAddress[]? addresses) ? addresses : throw TooLong(timeout);
    }

    private SocketBytes MakeBytes()
    {
        // With a stream it depends on how that is used.
        if (!_isShared && !_hasStream)
        {
            InlineCompletions.TrySet(_socket, true);
        }

        return _bytes = new SocketBytes(_socket);
    }

    // A socket that is closed here looks closed by the other side for a moment.
    private int Received(int count, Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(count == 0 && _isClosed && !buffer.IsEmpty, this);
        return count;
    }

    // By an operation and a buffer of its own.
    private int ReceiveApart(Span<byte> buffer, SocketFlags flags, TimeSpan timeout)
    {
        byte[] own = new byte[buffer.Length];
        int count = Perform(token => _socket.ReceiveAsync(own.AsMemory(), flags, token), timeout);
        own.AsSpan(0, count).CopyTo(buffer);
        return count;
    }

    // A datagram may be empty, and is sent all the same.
    private void SendApart(ReadOnlySpan<byte> buffer, SocketFlags flags, TimeSpan timeout, long due)
    {
        ReadOnlyMemory<byte> rest = buffer.ToArray();
        do
        {
            ReadOnlyMemory<byte> piece = rest;
            TimeSpan left = due == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromTicks(Math.Max(0, due - HubClock.Now));
            if (!TryPerform(token => _socket.SendAsync(piece, flags, token), left, out int count))
            {
                throw TooLong(timeout);
            }

            rest = rest[count..];
        }
        while (!rest.IsEmpty);
    }

    private static T Perform<T>(Func<CancellationToken, ValueTask<T>> operation, TimeSpan timeout) =>
        TryPerform(operation, timeout, out T? result) ? result : throw TooLong(timeout);

    // The operation has buffers of its own, and is cancelled, and its end waited for, if its task is killed or its time is up.
    private static bool TryPerform<T>(Func<CancellationToken, ValueTask<T>> operation, TimeSpan timeout, [MaybeNullWhen(false)] out T result) =>
        Hub.TryAwait(token => operation(token).AsTask(), timeout, whenGivenUp: null, Hub.ShutdownGrace, out result);
}
