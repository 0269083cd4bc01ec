namespace NativeGreenlet.Cooperative;

/// <summary>The hubs that a server has besides its own: which of all gets a connection, and how many connections the others
/// have.</summary>
internal sealed class ServerHubs : IDisposable
{
    private readonly Hub _own;
    private readonly HubPool? _others;
    private readonly Lock _gate = new();
    private int _count;
    private TaskCompletionSource? _idle;
    private volatile bool _isStopping;

    public ServerHubs(Hub own, int others, string name)
    {
        _own = own;
        _others = others == 0 ? null : new HubPool(others, name);
    }

    /// <summary>Connections that the other hubs serve.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Serves a connection in the hub with the fewest. False if that is the server's own.</summary>
    /// <param name="own">How many its own has.</param>
    /// <param name="serve">Serves it.</param>
    /// <param name="ended">Called when that has ended, or could not begin, on any thread.</param>
    public bool TryServe(int own, Action serve, Action ended)
    {
        if (_others is null || own <= _others.FewestRuns)
        {
            return false;
        }

        Task serving = _others.RunAsync(serve);
        Change(1);
        _ = serving.ContinueWith(
            served =>
            {
                ended();
                Change(-1);
                Exception? error = served.Exception?.InnerException; // of one that was killed there is none
                if (error is not null && !_isStopping)
                {
                    if (!_own.TryPost(() => _own.Report(null, error)))
                    {
                        _own.Report(null, error);
                    }
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return true;
    }

    /// <summary>Parks until the other hubs serve no connection any more. False if the time is up.</summary>
    public bool Join(TimeSpan timeout)
    {
        Task idle;
        lock (_gate)
        {
            if (_count == 0)
            {
                return true;
            }

            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            idle = _idle.Task;
        }

        return Hub.Await(idle, timeout);
    }

    /// <summary>Kills what they still serve, and ends them.</summary>
    public void Dispose()
    {
        _isStopping = true;
        _others?.Dispose();
    }

    private void Change(int change)
    {
        TaskCompletionSource? idle = null;
        lock (_gate)
        {
            _count += change;
            if (_count == 0)
            {
                (idle, _idle) = (_idle, null);
            }
        }

        idle?.TrySetResult();
    }
}
