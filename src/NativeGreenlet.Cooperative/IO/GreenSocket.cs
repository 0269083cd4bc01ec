using System.Net;
using System.Net.Sockets;

namespace NativeGreenlet.Cooperative;

/// <summary>A socket whose operations park the task instead of blocking the thread. For bytes in a row, take its
/// <see cref="GetStream"/>.</summary>
public sealed class GreenSocket : IDisposable
{
    /// <summary>Wraps a socket and owns it.</summary>
    /// <param name="socket">The socket.</param>
    public GreenSocket(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Socket = socket;
    }

    /// <summary>Creates a socket.</summary>
    /// <param name="family">Its address family.</param>
    /// <param name="type">Its type.</param>
    /// <param name="protocol">Its protocol.</param>
    public GreenSocket(AddressFamily family = AddressFamily.InterNetwork, SocketType type = SocketType.Stream, ProtocolType protocol = ProtocolType.Tcp)
        : this(new Socket(family, type, protocol))
    {
    }

    /// <summary>The wrapped socket, for options.</summary>
    public Socket Socket { get; }

    /// <summary>How long <see cref="Receive"/> waits at most; without a limit unless it is set.</summary>
    public TimeSpan ReceiveTimeout { get; set; } = Timeout.InfiniteTimeSpan;

    /// <summary>How long <see cref="Send"/> waits at most; without a limit unless it is set.</summary>
    public TimeSpan SendTimeout { get; set; } = Timeout.InfiniteTimeSpan;

    /// <summary>The local address.</summary>
    public EndPoint? LocalEndPoint => Socket.LocalEndPoint;

    /// <summary>The address of the other side.</summary>
    public EndPoint? RemoteEndPoint => Socket.RemoteEndPoint;

    /// <summary>Connects to a host by TCP, trying its addresses one after the other.</summary>
    /// <param name="host">Its name or address.</param>
    /// <param name="port">The port.</param>
    /// <param name="timeout">How long to wait at most; null for no limit.</param>
    /// <exception cref="TimeoutException">It took longer.</exception>
    public static GreenSocket Connect(string host, int port, TimeSpan? timeout = null)
    {
        GreenSocket socket = new(new Socket(SocketType.Stream, ProtocolType.Tcp));
        bool isConnected = false;
        try
        {
            Perform(token => socket.Socket.ConnectAsync(host, port, token).Discard(), timeout ?? Timeout.InfiniteTimeSpan);
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
    public void Connect(EndPoint endPoint) => Perform(token => Socket.ConnectAsync(endPoint, token).Discard(), Timeout.InfiniteTimeSpan);

    /// <summary>Binds to an address.</summary>
    /// <param name="endPoint">The address.</param>
    public void Bind(EndPoint endPoint) => Socket.Bind(endPoint);

    /// <summary>Listens.</summary>
    /// <param name="backlog">How many connections may wait to be accepted.</param>
    public void Listen(int backlog = 128) => Socket.Listen(backlog);

    /// <summary>Waits for a connection.</summary>
    public GreenSocket Accept()
    {
        Task<Socket> accepting = Socket.AcceptAsync(CancellationToken.None).AsTask();
        bool isAccepted = false;
        try
        {
            GreenSocket accepted = new(Hub.Await(accepting));
            isAccepted = true;
            return accepted;
        }
        finally
        {
            if (!isAccepted)
            {
                // Should it still accept one, that must not stay open for ever.
                _ = accepting.ContinueWith(late => late.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            }
        }
    }

    /// <summary>Receives bytes; waits until there are some.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="flags">How.</param>
    /// <returns>How many; 0 when the other side has closed.</returns>
    /// <exception cref="TimeoutException">It took longer than <see cref="ReceiveTimeout"/>.</exception>
    public int Receive(Span<byte> buffer, SocketFlags flags = SocketFlags.None)
    {
        byte[] own = new byte[buffer.Length];
        int count = Perform(token => Socket.ReceiveAsync(own.AsMemory(), flags, token), ReceiveTimeout);
        own.AsSpan(0, count).CopyTo(buffer);
        return count;
    }

    /// <summary>Sends all bytes.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="flags">How.</param>
    /// <exception cref="TimeoutException">It took longer than <see cref="SendTimeout"/>.</exception>
    public void Send(ReadOnlySpan<byte> buffer, SocketFlags flags = SocketFlags.None)
    {
        ReadOnlyMemory<byte> rest = buffer.ToArray();
        while (!rest.IsEmpty)
        {
            ReadOnlyMemory<byte> piece = rest;
            rest = rest[Perform(token => Socket.SendAsync(piece, flags, token), SendTimeout)..];
        }
    }

    /// <summary>Ends one or both directions.</summary>
    /// <param name="how">Which.</param>
    public void Shutdown(SocketShutdown how) => Socket.Shutdown(how);

    /// <summary>The connection as a stream. Closing it closes the socket.</summary>
    public GreenStream GetStream() => new(new NetworkStream(Socket, ownsSocket: true));

    /// <summary>Closes it; who waits in it gets an exception.</summary>
    public void Dispose() => Socket.Dispose();

    // The operation has buffers of its own, and is cancelled if its task is killed or its time is up.
    private static T Perform<T>(Func<CancellationToken, ValueTask<T>> operation, TimeSpan timeout)
    {
        _ = Hub.RequireTask();
        using CancellationTokenSource cancellation = new();
        Task<T> task = operation(cancellation.Token).AsTask();
        bool isDone = false;
        try
        {
            isDone = Hub.Await(task, timeout);
        }
        finally
        {
            if (!isDone && !task.IsCompleted)
            {
                cancellation.Cancel();
            }
        }

        return isDone ? task.GetAwaiter().GetResult() : throw new TimeoutException($"The operation on the socket took longer than {timeout}.");
    }
}
