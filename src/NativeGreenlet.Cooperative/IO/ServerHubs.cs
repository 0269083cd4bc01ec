namespace NativeGreenlet.Cooperative;

/// <summary>The hubs that a server has besides its own, each with a thread: which of all gets a connection, and how many
/// each has.</summary>
internal sealed class ServerHubs : IDisposable
{
    private readonly Hub _own;
    private readonly Hub[] _others;
    private readonly int[] _counts;
    private readonly Lock _gate = new();
    private TaskCompletionSource? _idle;
    private bool _isStopping;

    public ServerHubs(Hub own, int others, string name)
    {
        _own = own;
        _others = new Hub[others];
        _counts = new int[others];
        for (int i = 0; i < others; i++)
        {
            _others[i] = Hub.Start($"{name} {i + 2}");
        }
    }

    /// <summary>Connections that the other hubs serve.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _counts.Sum();
            }
        }
    }

    /// <summary>Serves a connection in the hub with the fewest. False if that is the server's own.</summary>
    /// <param name="own">How many its own has.</param>
    /// <param name="serve">Serves it.</param>
    /// <param name="ended">Called when that has ended, or could not begin, on any thread.</param>
    public bool TryServe(int own, Action serve, Action ended)
    {
        int index;
        lock (_gate)
        {
            if (_others.Length == 0 || own <= _counts.Min())
            {
                return false;
            }

            index = Array.IndexOf(_counts, _counts.Min());
            _counts[index]++;
        }

        _ = _others[index].InvokeAsync(serve).ContinueWith(
            served =>
            {
                ended();
                Leave(index);
                Exception? error = served.Exception?.InnerException; // of one that was killed there is none
                if (error is not null && !_isStopping)
                {
                    _own.Post(() => _own.Report(null, error));
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
            if (_counts.Sum() == 0)
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
        foreach (Hub hub in _others)
        {
            hub.Dispose();
        }
    }

    private void Leave(int index)
    {
        TaskCompletionSource? idle = null;
        lock (_gate)
        {
            _counts[index]--;
            if (_counts.Sum() == 0)
            {
                (idle, _idle) = (_idle, null);
            }
        }

        idle?.TrySetResult();
    }
}
