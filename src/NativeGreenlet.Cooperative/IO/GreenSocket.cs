using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.IO.Transport;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>A socket whose operations park the task instead of blocking the thread.</summary>
/// <remarks>
/// <para>What takes too long throws a <see cref="TimeoutException"/>, on the socket and on its <see cref="GetStream"/>, which share
/// their timeouts. What <see cref="Receive(Span{byte}, SocketFlags)"/> gives up on a connection, by a kill or a timeout, is not lost: the next one gets it,
/// or the stream. After a <see cref="Send(ReadOnlySpan{byte}, SocketFlags)"/> that was given up the next one throws, unless all of it was sent after all, or
/// nothing.</para>
/// <para>Several tasks may receive, or send, also by the stream: they take turns in the order in which they came, and a message
/// stays whole. Nothing is allocated for a receive or a send on a connection.</para>
/// <para>On Linux a connection that nobody else can reach is waited for by the hub of the task that waits, without any other
/// thread; the environment variable <c>NATIVEGREENLET_POLLER=off</c> leaves that to .NET.</para>
/// </remarks>
/// <example><code>
/// Hub.Run(() =>
/// {
///     using GreenSocket socket = GreenSocket.Connect("example.org", 80, TimeSpan.FromSeconds(10));
///     socket.ReceiveTimeout = TimeSpan.FromSeconds(10);
///     socket.Send("HEAD / HTTP/1.0\r\nHost: example.org\r\n\r\n"u8);
///     Span&lt;byte&gt; buffer = stackalloc byte[1024];
///     for (int count; (count = socket.Receive(buffer)) != 0;)
///     {
///         Console.Write(Encoding.ASCII.GetString(buffer[..count]));
///     }
/// });
/// </code></example>
public sealed class GreenSocket : IDisposable
{
    private readonly Connection _connection;

    /// <summary>Wraps a socket and owns it.</summary>
    /// <param name="socket">The socket.</param>
    /// <exception cref="ArgumentNullException">The socket is null.</exception>
    public GreenSocket(Socket socket)
        : this(new Connection(socket ?? throw new ArgumentNullException(nameof(socket)), isHandedOut: true))
    {
    }

    /// <summary>Creates a socket.</summary>
    /// <param name="family">Its address family.</param>
    /// <param name="type">Its type.</param>
    /// <param name="protocol">Its protocol.</param>
    /// <exception cref="SocketException">The system has no such sockets, or no more of them.</exception>
    public GreenSocket(AddressFamily family = AddressFamily.InterNetwork, SocketType type = SocketType.Stream, ProtocolType protocol = ProtocolType.Tcp)
        : this(new Connection(new Socket(family, type, protocol), isHandedOut: false))
    {
    }

    private GreenSocket(Connection connection)
    {
        _connection = connection;
    }

    /// <summary>Gets the wrapped socket, for options. From here on its operations may be started by others, too, or it may be
    /// closed, and so .NET's asynchronous operations are used, which costs more: for the commonest option there is
    /// <see cref="NoDelay"/>.</summary>
    public Socket Socket
    {
        get
        {
            _connection.HandOut();
            return _connection.Socket;
        }
    }

    /// <summary>Gets or sets whether small pieces are sent at once (<see cref="Socket.NoDelay"/>).</summary>
    /// <exception cref="SocketException">The system refused it.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public bool NoDelay
    {
        get => _connection.Socket.NoDelay;
        set => _connection.Socket.NoDelay = value;
    }

    /// <summary>Gets or sets how long <see cref="Receive(Span{byte}, SocketFlags)"/>, or a read by the stream, takes at most, its turn included. Unless it is
    /// set: what the wrapped socket has (<see cref="System.Net.Sockets.Socket.ReceiveTimeout"/>), without a limit if that has
    /// none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative, and not
    /// <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    public TimeSpan ReceiveTimeout
    {
        get => _connection.ReceiveTimeout;
        set
        {
            HubClock.Check(value, nameof(value));
            _connection.ReceiveTimeout = value;
        }
    }

    /// <summary>Gets or sets how long a whole <see cref="Send(ReadOnlySpan{byte}, SocketFlags)"/>, or a write by the stream, takes at most, its turn included. Unless
    /// it is set: what the wrapped socket has (<see cref="System.Net.Sockets.Socket.SendTimeout"/>), without a limit if that has
    /// none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative, and not
    /// <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    public TimeSpan SendTimeout
    {
        get => _connection.SendTimeout;
        set
        {
            HubClock.Check(value, nameof(value));
            _connection.SendTimeout = value;
        }
    }

    /// <summary>Gets the local address; null if it has none yet.</summary>
    /// <exception cref="SocketException">The system refused it.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public EndPoint? LocalEndPoint => _connection.Socket.LocalEndPoint;

    /// <summary>Gets the address of the other side; null if it is not connected.</summary>
    /// <exception cref="SocketException">The system refused it.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public EndPoint? RemoteEndPoint => _connection.Socket.RemoteEndPoint;

    /// <summary>Connects to a host by TCP, trying its addresses one after the other.</summary>
    /// <param name="host">Its name or address.</param>
    /// <param name="port">The port.</param>
    /// <param name="timeout">How long to wait at most, the look-up of the name included; null for no limit.</param>
    /// <returns>The connection.</returns>
    /// <exception cref="ArgumentNullException">The host is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port is none, or the timeout is negative, and not
    /// <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="TimeoutException">It took longer.</exception>
    /// <exception cref="SocketException">The host has no address, or none of them could be connected to.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static GreenSocket Connect(string host, int port, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        TimeSpan time = timeout ?? Timeout.InfiniteTimeSpan;
        HubClock.Check(time, nameof(timeout));
        Hub.EnterWait();
        long deadline = HubClock.After(time);
        ExceptionDispatchInfo? failure = null;
        foreach (IPAddress address in Resolve(host, time).Where(each => each.AddressFamily != AddressFamily.InterNetworkV6 || Socket.OSSupportsIPv6))
        {
            GreenSocket socket = new(address.AddressFamily);
            bool isConnected = false;
            try
            {
                socket._connection.Connect(new IPEndPoint(address, port), deadline).Require("a connection", time);
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

    /// <inheritdoc cref="Connect(string, int, TimeSpan?)" path="/*[not(self::param)]"/>
    /// <param name="host">Its name or address.</param>
    /// <param name="port">The port.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static GreenSocket Connect(string host, int port, CancellationToken cancellationToken) =>
        Connect(host, port, timeout: null, cancellationToken);

    /// <inheritdoc cref="Connect(string, int, TimeSpan?)" path="/*[not(self::param)]"/>
    /// <param name="host">Its name or address.</param>
    /// <param name="port">The port.</param>
    /// <param name="timeout">How long to wait at most, the look-up of the name included; null for no limit.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static GreenSocket Connect(string host, int port, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Connect(host, port, timeout);
    }

    /// <summary>Connects to an address.</summary>
    /// <param name="endPoint">The address.</param>
    /// <exception cref="ArgumentNullException">The address is null.</exception>
    /// <exception cref="SocketException">The other side, or the system, refused it.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public void Connect(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        Hub.EnterWait();
        _connection.Connect(endPoint, long.MaxValue).Require("a connection", Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc cref="Connect(EndPoint)" path="/*[not(self::param)]"/>
    /// <param name="endPoint">The address.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Connect(EndPoint endPoint, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        Connect(endPoint);
    }

    /// <summary>Binds to an address.</summary>
    /// <param name="endPoint">The address.</param>
    /// <exception cref="ArgumentNullException">The address is null.</exception>
    /// <exception cref="SocketException">The address cannot be had.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public void Bind(EndPoint endPoint) => _connection.Socket.Bind(endPoint);

    /// <summary>Listens for connections.</summary>
    /// <param name="backlog">How many connections may wait to be accepted.</param>
    /// <exception cref="SocketException">The system refused it: the socket is not bound, for example.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public void Listen(int backlog = 128) => _connection.Socket.Listen(backlog);

    /// <summary>Waits for a connection.</summary>
    /// <returns>The connection.</returns>
    /// <exception cref="SocketException">The system refused it. What concerns one connection only, or passes, is among the
    /// reasons.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    /// <exception cref="InvalidOperationException">The socket does not listen.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public GreenSocket Accept()
    {
        Hub.EnterWait();
        return new GreenSocket(_connection.Accept());
    }

    /// <inheritdoc cref="Accept()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled. No connection is lost: the next call gets it.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public GreenSocket Accept(CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Accept();
    }

    /// <summary>Receives bytes; waits until there are some.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="flags">How.</param>
    /// <returns>How many; 0 when the other side has closed.</returns>
    /// <exception cref="TimeoutException">It took longer than <see cref="ReceiveTimeout"/>.</exception>
    /// <exception cref="SocketException">The connection is lost, or there is none.</exception>
    /// <exception cref="InvalidOperationException">Asynchronous code waits for bytes that a receive gave up.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed, perhaps during the wait.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public int Receive(Span<byte> buffer, SocketFlags flags = SocketFlags.None)
    {
        Hub.EnterWait();
        TimeSpan timeout = ReceiveTimeout;
        return _connection.Receive(buffer, flags, HubClock.After(timeout)).Require("a read", timeout);
    }

    /// <inheritdoc cref="Receive(Span{byte}, SocketFlags)" path="/*[not(self::param)]"/>
    /// <param name="buffer">Where to.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled. No bytes are lost: the next one gets them.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public int Receive(Span<byte> buffer, CancellationToken cancellationToken) =>
        Receive(buffer, SocketFlags.None, cancellationToken);

    /// <inheritdoc cref="Receive(Span{byte}, SocketFlags)" path="/*[not(self::param)]"/>
    /// <param name="buffer">Where to.</param>
    /// <param name="flags">How.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled. No bytes are lost: the next one gets them.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public int Receive(Span<byte> buffer, SocketFlags flags, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Receive(buffer, flags);
    }

    /// <summary>Sends all bytes.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="flags">How.</param>
    /// <exception cref="TimeoutException">It took longer than <see cref="SendTimeout"/>.</exception>
    /// <exception cref="IOException">An earlier one was given up, and nobody knows how much of it was sent.</exception>
    /// <exception cref="SocketException">The connection is lost, or there is none.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed, perhaps during the wait.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public void Send(ReadOnlySpan<byte> buffer, SocketFlags flags = SocketFlags.None)
    {
        Hub.EnterWait();
        TimeSpan timeout = SendTimeout;
        _connection.Send(buffer, flags, HubClock.After(timeout)).Require("a write", timeout);
    }

    /// <inheritdoc cref="Send(ReadOnlySpan{byte}, SocketFlags)" path="/*[not(self::param)]"/>
    /// <param name="buffer">The bytes.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled. Then it was given up: the next one throws, unless all of it was sent after all, or nothing.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Send(ReadOnlySpan<byte> buffer, CancellationToken cancellationToken) =>
        Send(buffer, SocketFlags.None, cancellationToken);

    /// <inheritdoc cref="Send(ReadOnlySpan{byte}, SocketFlags)" path="/*[not(self::param)]"/>
    /// <param name="buffer">The bytes.</param>
    /// <param name="flags">How.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled. Then it was given up: the next one throws, unless all of it was sent after all, or nothing.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Send(ReadOnlySpan<byte> buffer, SocketFlags flags, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        Send(buffer, flags);
    }

    /// <summary>Receives a datagram; waits for one.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="sender">Who sent it.</param>
    /// <param name="flags">How.</param>
    /// <returns>How many bytes.</returns>
    /// <exception cref="TimeoutException">It took longer than <see cref="ReceiveTimeout"/>.</exception>
    /// <exception cref="SocketException">The system refused it: the datagram is longer than the buffer, for example.</exception>
    /// <exception cref="InvalidOperationException">The socket is not bound.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed, perhaps during the wait.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public int ReceiveFrom(Span<byte> buffer, out EndPoint sender, SocketFlags flags = SocketFlags.None)
    {
        TimeSpan timeout = ReceiveTimeout;
        int count = _connection.ReceiveFrom(buffer, flags, HubClock.After(timeout), out EndPoint? from).Require("a datagram", timeout);
        sender = from!;
        return count;
    }

    /// <inheritdoc cref="ReceiveFrom(Span{byte}, out EndPoint, SocketFlags)" path="/*[not(self::param)]"/>
    /// <param name="buffer">Where to.</param>
    /// <param name="sender">Who sent it.</param>
    /// <param name="flags">How.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public int ReceiveFrom(Span<byte> buffer, out EndPoint sender, SocketFlags flags, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return ReceiveFrom(buffer, out sender, flags);
    }

    /// <summary>Sends a datagram.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="receiver">To whom.</param>
    /// <param name="flags">How.</param>
    /// <returns>How many bytes were sent.</returns>
    /// <exception cref="ArgumentNullException">The receiver is null.</exception>
    /// <exception cref="TimeoutException">It took longer than <see cref="SendTimeout"/>.</exception>
    /// <exception cref="SocketException">The system refused it.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed, perhaps during the wait.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public int SendTo(ReadOnlySpan<byte> buffer, EndPoint receiver, SocketFlags flags = SocketFlags.None)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        TimeSpan timeout = SendTimeout;
        return _connection.SendTo(buffer, flags, receiver, HubClock.After(timeout)).Require("a datagram", timeout);
    }

    /// <inheritdoc cref="SendTo(ReadOnlySpan{byte}, EndPoint, SocketFlags)" path="/*[not(self::param)]"/>
    /// <param name="buffer">The bytes.</param>
    /// <param name="receiver">To whom.</param>
    /// <param name="flags">How.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public int SendTo(ReadOnlySpan<byte> buffer, EndPoint receiver, SocketFlags flags, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return SendTo(buffer, receiver, flags);
    }

    /// <summary>Waits until there is something to receive, and receives nothing. On a connected socket. Tasks that receive have their
    /// turn before it.</summary>
    /// <param name="timeout">How long at most; null for no limit.</param>
    /// <returns>Whether there is: bytes, or the end of the connection. False if the time is up.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is negative, and not
    /// <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="SocketException">The connection is lost, or there is none.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed, perhaps during the wait.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public bool WaitUntilReadable(TimeSpan? timeout = null)
    {
        TimeSpan time = timeout ?? Timeout.InfiniteTimeSpan;
        HubClock.Check(time, nameof(timeout));
        Hub.EnterWait();
        TransportResult result = _connection.WaitReadable(HubClock.After(time));
        return result.Status != TransportStatus.TimedOut && result.Require("a read", time) >= 0;
    }

    /// <inheritdoc cref="WaitUntilReadable(TimeSpan?)" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void WaitUntilReadable(CancellationToken cancellationToken) => WaitUntilReadable(null, cancellationToken);

    /// <inheritdoc cref="WaitUntilReadable(TimeSpan?)" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long at most; null for no limit.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool WaitUntilReadable(TimeSpan? timeout, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return WaitUntilReadable(timeout);
    }

    /// <summary>Ends one or both directions.</summary>
    /// <param name="how">Which.</param>
    /// <exception cref="SocketException">The socket is not connected.</exception>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public void Shutdown(SocketShutdown how) => _connection.Socket.Shutdown(how);

    /// <summary>Makes a stream of the connection. Closing it closes the socket. Several may be made, and used beside the
    /// socket.</summary>
    /// <returns>The stream.</returns>
    /// <exception cref="IOException">The socket is not connected, or was closed, is no connection, or does not block.</exception>
    public GreenStream GetStream() => new(_connection);

    /// <summary>Closes the socket; whoever waits in it gets an <see cref="ObjectDisposedException"/>. From any thread.</summary>
    public void Dispose() => _connection.Dispose();

    private static IPAddress[] Resolve(string host, TimeSpan timeout)
    {
        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            return [address];
        }

        return GreenDns.TryGetHostAddresses(host, timeout, out IPAddress[]? addresses) ? addresses : throw TransportResult.TooLate("a connection", timeout);
    }
}
