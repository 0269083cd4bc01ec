using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO;

/// <summary>The hubs that a server has besides its own: which of all gets a connection, and how many connections the others
/// have.</summary>
internal sealed class ServerHubs
{
    private readonly Hub _own;
    private readonly HubPool? _others;
    private readonly Lock _gate = new();
    private int _count;
    private TaskCompletionSource? _changed;
    private volatile bool _isStopping;

    public ServerHubs(Hub own, int others, string name)
    {
        _own = own;
        HubOptions options = own.Loop.Options.Copy(); // the same time and patience as the server's own
        options.Name = name;
        _others = others == 0 ? null : new HubPool(options, others);
    }

    /// <summary>Connections that the other hubs serve.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Serves a connection in the hub with the fewest. False if that is the server's own, or if there is no thread for
    /// another.</summary>
    /// <param name="own">How many its own has.</param>
    /// <param name="serve">Serves it.</param>
    /// <param name="ended">Called when that has ended, or could not begin, on any thread.</param>
    public bool TryServe(int own, Action serve, Action ended)
    {
        if (_others is null || own <= _others.FewestRuns)
        {
            return false;
        }

        Task serving;
        try
        {
            serving = _others.RunAsync(serve);
        }
        catch (Exception exception) when (HubPool.IsWantOfThread(exception))
        {
            return false; // there is no thread for the first of them: that may pass
        }

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

    /// <summary>Parks until the other hubs serve no connection any more, but the caller's if it is one. False if the time is
    /// up.</summary>
    public bool Join(TimeSpan timeout, GreenTask? self)
    {
        int own = IsMember(self) ? 1 : 0;
        long due = HubClock.After(timeout);
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_count <= own)
                {
                    return true;
                }

                _changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                changed = _changed.Task;
            }

            TimeSpan left = due == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromTicks(Math.Max(0, due - HubClock.Now));
            if (!Hub.Await(changed, left))
            {
                return Count <= own;
            }
        }
    }

    /// <summary>Begins to kill what they still serve, and to end them: all but the caller's own hub, if it is one of them, whose end the task
    /// is. There the others are killed.</summary>
    public Task BeginEnd(GreenTask? self)
    {
        if (!IsMember(self))
        {
            return EndAsync();
        }

        _isStopping = true;
        Hub here = self!.Hub;
        Task ended = _others!.EndAsync(here);
        here.Post(() =>
        {
            foreach (RootTask run in here.Runs.ToArray())
            {
                if (run != self.Run)
                {
                    run.Stop();
                }
            }
        });
        return ended;
    }

    /// <summary>Ends the caller's own hub, if it is one of them: its next wait throws.</summary>
    public void EndLast(GreenTask? self)
    {
        if (IsMember(self))
        {
            _ = self!.Hub.EndAsync();
        }
    }

    /// <summary>Begins to end all of them; from any thread.</summary>
    public Task EndAsync()
    {
        _isStopping = true;
        return _others?.EndAsync(null) ?? Task.CompletedTask;
    }

    private bool IsMember(GreenTask? task) => task is not null && task.Hub != _own && (_others?.Has(task.Hub) ?? false);

    private void Change(int change)
    {
        TaskCompletionSource? changed;
        lock (_gate)
        {
            _count += change;
            (changed, _changed) = (_changed, null);
        }

        changed?.TrySetResult();
    }
}
