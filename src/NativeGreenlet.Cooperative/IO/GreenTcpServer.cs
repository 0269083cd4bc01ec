using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace NativeGreenlet.Cooperative;

/// <summary>Accepts TCP connections and runs a task for each, which reads and writes as if it blocked.</summary>
/// <example><code>
/// Hub.Run(() =>
/// {
///     using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 7), stream => stream.CopyTo(stream));
///     server.ServeForever();
/// });
/// </code></example>
public sealed class GreenTcpServer : IDisposable
{
    private static readonly TimeSpan s_smallestPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_largestPause = TimeSpan.FromSeconds(1);

    private readonly IPEndPoint _requested;
    private readonly Action<GreenStream> _handler;
    private readonly GreenPool _pool;
    private readonly int _hubCount = 1;
    private GreenSocket? _listener;
    private GreenTask? _accepting;
    private ServerHubs? _hubs;

    /// <summary>Creates a server; <see cref="Start"/> starts it.</summary>
    /// <param name="endPoint">Where to listen; port 0 for any that is free.</param>
    /// <param name="handler">What to do with a connection. It is closed when this returns. What it throws is reported by
    /// <see cref="Hub.UnhandledException"/>.</param>
    /// <param name="pool">Limits the connections that are served at a time; null for no limit.</param>
    public GreenTcpServer(IPEndPoint endPoint, Action<GreenStream> handler, GreenPool? pool = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(handler);
        _requested = endPoint;
        _handler = handler;
        _pool = pool ?? new GreenPool(int.MaxValue);
    }

    /// <summary>Where it listens; before <see cref="Start"/>, where it will.</summary>
    public IPEndPoint EndPoint => (IPEndPoint?)_listener?.LocalEndPoint ?? _requested;

    /// <summary>
    /// How many hubs serve the connections: 1, the caller's, unless it is set. More have threads, started as they are needed;
    /// each connection stays in the hub that had the fewest when it came, and the handler runs in several threads at a time.
    /// </summary>
    public int HubCount
    {
        get => _hubCount;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            _hubCount = value;
        }
    }

    /// <summary>How many connections may wait to be accepted, if the system allows as many; 512 unless it is set.</summary>
    public int Backlog { get; init; } = 512;

    /// <summary>Connections that are being served.</summary>
    public int ConnectionCount => _pool.Count + (_hubs?.Count ?? 0);

    /// <summary>Listens, and accepts connections in a task of its own.</summary>
    /// <exception cref="SocketException">The address cannot be had.</exception>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "Stop does.")]
    public void Start()
    {
        if (_accepting is not null)
        {
            throw new InvalidOperationException("The server was started already.");
        }

        Hub own = Hub.RequireTask().Hub;
        GreenSocket listener = new(_requested.AddressFamily);
        bool isListening = false;
        try
        {
            listener.Bind(_requested);
            listener.Listen(Backlog);
            isListening = true;
        }
        finally
        {
            if (!isListening)
            {
                listener.Dispose();
            }
        }

        _listener = listener;
        _hubs = new ServerHubs(own, _hubCount - 1, $"server {EndPoint}, hub");
        _accepting = Hub.Spawn(() => AcceptAll(listener));
        _accepting.Name = $"accept {EndPoint}";
    }

    /// <summary>Starts the server, if it was not, and waits until it is stopped.</summary>
    public void ServeForever()
    {
        if (_accepting is null)
        {
            Start();
        }

        _accepting!.Join();
    }

    /// <summary>Stops accepting, gives the connections time to end, and then kills those that are left.</summary>
    /// <param name="grace">The time; null for none.</param>
    public void Stop(TimeSpan? grace = null)
    {
        _accepting?.Kill(timeout: TimeSpan.Zero);
        _listener?.Dispose();
        TimeSpan patience = grace ?? TimeSpan.Zero;
        long due = HubClock.After(patience);
        if (!_pool.Join(patience))
        {
            _pool.Kill();
        }

        _hubs?.Join(due == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromTicks(Math.Max(0, due - HubClock.Now)));
        if (_hubs is { } hubs)
        {
            hubs.Dispose();
            hubs.Join(Hub.ShutdownGrace); // what has ended is counted a moment later
        }
    }

    /// <summary>Stops it at once.</summary>
    public void Dispose()
    {
        if (_listener is null)
        {
            return;
        }

        if (Hub.IsInside)
        {
            Stop();
        }

        _listener.Dispose();
        _hubs?.Dispose();
    }

    private void AcceptAll(GreenSocket listener)
    {
        TimeSpan pause = s_smallestPause;
        while (true)
        {
            if (TryAccept(listener) is { } connection)
            {
                pause = s_smallestPause;
                Serve(connection);
                continue;
            }

            // Out of handles, for example: that may pass.
            Hub.Sleep(pause);
            pause = pause * 2 < s_largestPause ? pause * 2 : s_largestPause;
        }
    }

    private static GreenSocket? TryAccept(GreenSocket listener)
    {
        try
        {
            return listener.Accept();
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.ConnectionAborted or SocketError.ConnectionReset)
        {
            return null;
        }
    }

    // Of one that another hub served.
    private void End(GreenStream stream)
    {
        stream.Dispose();
        _pool.ReturnPlace();
    }

    private void Serve(GreenSocket connection)
    {
        connection.NoDelay = true;
        GreenStream stream = connection.GetStream();
        bool isSpawned = false;
        try
        {
            _pool.TakePlace();
            isSpawned = true;
            if (!_hubs!.TryServe(_pool.Count, () => _handler(stream), () => End(stream)))
            {
                // Also when it is killed before it starts.
                _pool.SpawnInPlace(() => _handler(stream)).OnCompleted(_ => stream.Dispose());
            }
        }
        finally
        {
            if (!isSpawned)
            {
                stream.Dispose();
            }
        }
    }
}
