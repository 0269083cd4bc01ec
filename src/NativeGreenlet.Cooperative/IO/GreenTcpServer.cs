using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Diagnostics;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.IO;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

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

    private static readonly TimeSpan s_silence = TimeSpan.FromMinutes(1); // of the same error

    private readonly IPEndPoint _requested;
    private readonly Action<GreenStream> _handler;
    private readonly GreenPool _pool;
    private readonly int _hubCount = 1;
    private readonly Lock _gate = new(); // of what follows
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<GreenTask> _serving = []; // in the server's own hub; a pool may have others' tasks, too
    private bool _isClosing; // no handler begins any more
    private volatile bool _isStopping; // no connection is accepted any more
    private IPEndPoint? _endPoint;
    private GreenSocket? _listener;
    private GreenTask? _accepting;
    private ServerHubs? _hubs;
    private string? _lastReport; // of the accept loop
    private long _lastReportAt;

    /// <summary>Creates a server; <see cref="Start"/> starts it.</summary>
    /// <param name="endPoint">Where to listen; port 0 for any that is free.</param>
    /// <param name="handler">What to do with a connection. It is closed when this returns. What it throws is reported by
    /// <see cref="Hub.UnhandledException"/>.</param>
    /// <param name="pool">Limits the connections that are served at a time; null for no limit.</param>
    /// <exception cref="ArgumentNullException">The address or the handler is null.</exception>
    public GreenTcpServer(IPEndPoint endPoint, Action<GreenStream> handler, GreenPool? pool = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(handler);
        _requested = endPoint;
        _handler = handler;
        _pool = pool ?? new GreenPool(int.MaxValue);
    }

    /// <summary>Creates a server whose handler is asynchronous; <see cref="Start"/> starts it.</summary>
    /// <param name="endPoint">Where to listen; port 0 for any that is free.</param>
    /// <param name="handler">What to do with a connection. It is closed when what this returned has completed. What comes after
    /// an <c>await</c> is in the hub, too, and may wait there. What it throws is reported by
    /// <see cref="Hub.UnhandledException"/>.</param>
    /// <param name="pool">Limits the connections that are served at a time; null for no limit.</param>
    /// <exception cref="ArgumentNullException">The address or the handler is null.</exception>
    public GreenTcpServer(IPEndPoint endPoint, Func<GreenStream, Task> handler, GreenPool? pool = null)
        : this(endPoint, AsHandler(handler), pool)
    {
    }

    /// <summary>Gets where it listens; before <see cref="Start"/>, where it will; after <see cref="Stop"/>, where it did.</summary>
    public IPEndPoint EndPoint => _endPoint ?? _requested;

    /// <summary>
    /// Gets or sets how many hubs serve the connections: 1, the caller's, unless it is set. More have threads, started as they
    /// are needed; each connection stays in the hub that had the fewest when it came, and the handler runs in several
    /// threads at a time.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not positive.</exception>
    public int HubCount
    {
        get => _hubCount;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            _hubCount = value;
        }
    }

    /// <summary>Gets or sets how many connections may wait to be accepted, if the system allows as many; 512 unless it is
    /// set.</summary>
    public int Backlog { get; init; } = 512;

    /// <summary>Gets the number of connections that are being served.</summary>
    public int ConnectionCount => OwnCount + (_hubs?.Count ?? 0);

    private int OwnCount
    {
        get
        {
            lock (_gate)
            {
                return _serving.Count;
            }
        }
    }

    /// <summary>Listens, and accepts connections in a task of its own, which ends by <see cref="Stop"/> only: what keeps a
    /// connection from being accepted, an error of the system or a lack of descriptors, memory or threads, is reported by
    /// <see cref="Hub.UnhandledException"/>, the same one once a minute at most, and after a pause of 10 milliseconds to a second
    /// it tries again.</summary>
    /// <exception cref="SocketException">The address cannot be had.</exception>
    /// <exception cref="InvalidOperationException">It was started already.</exception>
    /// <exception cref="ObjectDisposedException">It was stopped.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    [SuppressMessage("Reliability", "CA2000:Dispose objects before losing scope", Justification = "Stop does.")]
    public void Start()
    {
        if (_accepting is not null)
        {
            throw new InvalidOperationException("The server was started already.");
        }

        ObjectDisposedException.ThrowIf(_isStopping, this);
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
        _endPoint = (IPEndPoint?)listener.LocalEndPoint;
        _hubs = new ServerHubs(own, _hubCount - 1, $"server {EndPoint}, hub");
        _accepting = Hub.Spawn(() => AcceptAll(listener));
        _accepting.Name = $"accept {EndPoint}";
    }

    /// <summary>Starts the server, if it was not, and waits until it is stopped: until <see cref="Stop"/> is through with it, and
    /// so has given the connections their time.</summary>
    /// <exception cref="SocketException">The address cannot be had.</exception>
    /// <exception cref="ObjectDisposedException">It was stopped before it was started.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public void ServeForever()
    {
        if (_accepting is null)
        {
            Start();
        }

        _accepting!.Join();
        if (!_isStopping)
        {
            _accepting.ThrowIfFailed(); // there was no stack for it, for example
        }

        Hub.Await(_ended.Task);
    }

    /// <inheritdoc cref="ServeForever()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled; the server goes on until it is stopped.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void ServeForever(CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        ServeForever();
    }

    /// <summary>Stops accepting, gives the connections time to end, and then kills those that are left. When it returns, no
    /// handler begins any more and none goes on, but that which is the caller itself, or which spawned it in another hub of the
    /// server: it gets the exit at its next wait.</summary>
    /// <param name="grace">The time; null for none.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, and not
    /// <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and something has to be waited for.</exception>
    public void Stop(TimeSpan? grace = null)
    {
        TimeSpan patience = grace ?? TimeSpan.Zero;
        HubClock.Check(patience, nameof(grace));
        long due = HubClock.After(patience);
        GreenTask? self = HubLoop.OfThisThreadOrNull?.CurrentTask;
        Task? othersEnd = null;
        try
        {
            bool hasTime = false;
            try
            {
                StopAccepting();
                if (self != _accepting)
                {
                    _accepting?.Join();
                }

                hasTime = JoinOwn(self, due) && (_hubs?.Join(Left(due), self) ?? true);
            }
            finally
            {
                Close();
                KillOwn(self);
                othersEnd = _hubs?.BeginEnd(self); // also when this is interrupted
            }

            JoinOwn(self, long.MaxValue);
            if (_hubs is { } hubs)
            {
                Hub.Await(othersEnd!);
                if (!hasTime)
                {
                    hubs.Join(Hub.GraceOfThisThread, self); // what has ended is counted a moment later
                }
            }
        }
        finally
        {
            _hubs?.EndLast(self);
            _ended.TrySetResult();
        }

        if (self is not null && Owns(self))
        {
            self.KillHere(new GreenletExit("The server was stopped."));
        }
    }

    /// <summary>Stops it at once. Outside of hubs it waits, for <see cref="HubOptions.ShutdownGrace"/> at most; a callback in a hub
    /// cannot wait, so handlers that go on may end a moment later.</summary>
    public void Dispose()
    {
        if (_listener is null)
        {
            _isStopping = true;
            return;
        }

        if (Hub.IsInside)
        {
            Stop();
            return;
        }

        StopAccepting();
        Close();
        KillOwn(null);
        IEnumerable<Task> tasks = Own().Append(_accepting!).Select(task => task.AsTask().ContinueWith(static _ => { }, TaskScheduler.Default));
        Task ended = Task.WhenAll(tasks.Append(_hubs!.EndAsync()));
        ended.ContinueWith(_ => _ended.TrySetResult(), TaskScheduler.Default);
        if (Hub.OfThisThreadOrNull is null)
        {
            ended.Wait(Hub.GraceOfThisThread);
        }
    }

    private static Action<GreenStream> AsHandler(Func<GreenStream, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return stream => HubSynchronizationContext.RunHere(() => handler(stream));
    }

    private static TimeSpan Left(long due) => due == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromTicks(Math.Max(0, due - HubClock.Now));

    private void StopAccepting()
    {
        _isStopping = true;
        _accepting?.Kill(timeout: TimeSpan.Zero);
        _listener?.Dispose();
    }

    private void Close()
    {
        lock (_gate)
        {
            _isClosing = true;
        }
    }

    private GreenTask[] Own()
    {
        lock (_gate)
        {
            return [.. _serving];
        }
    }

    private bool Owns(GreenTask task)
    {
        lock (_gate)
        {
            return _serving.Contains(task);
        }
    }

    private void KillOwn(GreenTask? except)
    {
        foreach (GreenTask task in Own())
        {
            if (task != except)
            {
                task.Kill(timeout: TimeSpan.Zero);
            }
        }
    }

    private bool JoinOwn(GreenTask? except, long due)
    {
        foreach (GreenTask task in Own())
        {
            if (task != except && !task.Join(Left(due)))
            {
                return false;
            }
        }

        return true;
    }

    private void AcceptAll(GreenSocket listener)
    {
        TimeSpan pause = s_smallestPause;
        while (!_isStopping)
        {
            if (TryAcceptOne(listener))
            {
                pause = s_smallestPause;
                continue;
            }

            // Out of descriptors, memory or threads, or the network is down: that may pass.
            Hub.Sleep(pause);
            pause = pause * 2 < s_largestPause ? pause * 2 : s_largestPause;
        }
    }

    // Whatever goes wrong with one connection, the others are served.
    private bool TryAcceptOne(GreenSocket listener)
    {
        Exception? failure;
        try
        {
            Serve(listener.Accept());
            return true;
        }
        catch (Exception exception) when (exception is not GreenletExit)
        {
            failure = exception;
        }

        if (!_isStopping)
        {
            Report(failure);
        }

        return false;
    }

    private void Report(Exception failure)
    {
        string kind = failure is SocketException { SocketErrorCode: var code } ? code.ToString() : failure.GetType().Name;
        if (kind != _lastReport || HubClock.Now - _lastReportAt > s_silence.Ticks)
        {
            _lastReport = kind;
            _lastReportAt = HubClock.Now;
            Hub.Current.Report(null, new IOException($"The server at {EndPoint} could not accept a connection, and tries again: {failure.Message}", failure));
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
        GreenStream? stream = null;
        bool isServed = false;
        bool hasPlace = false;
        try
        {
            connection.NoDelay = true;
            stream = connection.GetStream();
            _pool.TakePlace();
            hasPlace = !_isStopping;
            if (_isStopping)
            {
                _pool.ReturnPlace();
                return;
            }

            if (!_hubs!.TryServe(OwnCount, new Handling(this, stream).Run, () => End(stream)))
            {
                hasPlace = false; // it is the task's, whatever becomes of it
                ServeHere(stream);
            }

            isServed = true;
        }
        finally
        {
            if (!isServed)
            {
                if (hasPlace)
                {
                    _pool.ReturnPlace();
                }

                connection.Dispose();
                stream?.Dispose();
            }
        }
    }

    private void ServeHere(GreenStream stream)
    {
        GreenTask task = _pool.SpawnInPlace(new Handling(this, stream).Run);
        lock (_gate)
        {
            _serving.Add(task);
        }

        // Also when it is killed before it starts. Who has joined it finds it gone.
        Action<GreenTask>? leave = task.WhenCompleted;
        task.WhenCompleted = ended =>
        {
            lock (_gate)
            {
                _serving.Remove(ended);
            }

            leave?.Invoke(ended);
            stream.Dispose();
        };
    }

    // The body of a connection's task. No lambda around it: each frame of a parked stack costs each collection.
    private sealed class Handling(GreenTcpServer server, GreenStream stream)
    {
        public void Run()
        {
            // The last place where it can be refused: here, or Stop sees it.
            lock (server._gate)
            {
                if (server._isClosing)
                {
                    return;
                }
            }

            using Activity? activity = HubActivities.StartConnection(server.EndPoint);
            try
            {
                server._handler(stream);
            }
            catch (Exception exception) when (HubActivities.Fail(activity, exception))
            {
                throw;
            }
        }
    }
}
