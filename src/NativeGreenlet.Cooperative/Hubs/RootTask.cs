using System.Diagnostics;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>
/// The scope of a main task and of all that it and its descendants spawn. Ends when the main task has ended and the rest has been
/// killed. A hub may carry several. Only its hub's thread uses it, unless said otherwise.
/// </summary>
internal class RootTask
{
    private const int Kills = 3;

    private GreenTask? _first; // of its tasks: most runs have one
    private List<GreenTask>? _others; // each task knows its place: 0 is the first's
    private CallbackTimer? _check;
    private CallbackTimer? _stopTimer;
    private int _openEnded; // tasks that only others can wake
    private long _stuckSince;
    private TimeSpan _patience;
    private int _kills;
    private long _toldSince; // since when it was stuck when that was last told
    private HashSet<SignalRegistration>? _signals; // any thread may end one; under the lock of Life

    public RootTask(HubLoop loop, GreenTask main)
    {
        Loop = loop;
        Main = main;
        Context = main.OwnContext;
        _patience = loop.Options.DeadlockPatience;
    }

    /// <summary>What runs it.</summary>
    public HubLoop Loop { get; }

    public Hub Hub => Loop.Hub;

    public GreenTask Main { get; }

    /// <summary>Where continuations of all its tasks go, if the main task's body is asynchronous.</summary>
    public HubSynchronizationContext? Context { get; }

    /// <summary>For whom it runs, for people: a request, say. Null if nobody has said.</summary>
    public object? Subject { get; set; }

    /// <summary>Whether a token may still end it.</summary>
    public virtual bool CanBeCanceled => false;

    /// <summary>Stands for the run where something outlives it.</summary>
    public RunLife Life { get; } = new();

    /// <summary>From any thread.</summary>
    public bool HasEnded => Life.HasEnded;

    /// <summary>Whether what is left of it is being killed.</summary>
    public bool IsStopping { get; private set; }

    public IReadOnlyCollection<GreenTask> Tasks => _first is null ? [] : _others is null ? [_first] : [_first, .. _others];

    private int Count => _first is null ? 0 : 1 + (_others?.Count ?? 0);

    /// <summary>Whether a signal that may come starts a task of it.</summary>
    public bool HasSignals
    {
        get
        {
            lock (Life)
            {
                return _signals is { Count: > 0 };
            }
        }
    }

    private bool IsStuck => _openEnded == Count && _openEnded != 0;

    /// <summary>Begins it, if nothing is against that. From any thread once the hub has ended.</summary>
    public virtual bool TryBegin()
    {
        Loop.AddRun(this);
        return true;
    }

    public void Add(GreenTask task)
    {
        Loop.AssertIsHere();
        Debug.Assert(!HasEnded);
        if (IsStopping)
        {
            throw new InvalidOperationException("The main task has ended and what is left is being killed; nothing more can be spawned.");
        }

        task.IndexInRun = Count;
        if (_first is null)
        {
            _first = task;
        }
        else
        {
            (_others ??= []).Add(task);
        }

        Loop.CountTask(1);
    }

    public void Remove(GreenTask task)
    {
        Loop.AssertIsHere();
        if (task.IndexInRun < 0)
        {
            return; // it was given up before
        }

        TakeOut(task);
        if (task == Main)
        {
            EndSignals();
        }

        if (task == Main && !IsStopping && _first is not null)
        {
            Stop();
        }

        if (_first is null)
        {
            End();
        }
        else
        {
            WatchIfStuck();
        }
    }

    /// <summary>A signal starts tasks of it from now on.</summary>
    public void Add(SignalRegistration signal)
    {
        lock (Life)
        {
            (_signals ??= []).Add(signal);
        }
    }

    /// <summary>It does no longer. From any thread.</summary>
    public void Remove(SignalRegistration signal)
    {
        lock (Life)
        {
            _signals?.Remove(signal);
        }
    }

    public void EnterOpenEndedWait()
    {
        Loop.AssertIsHere();
        _openEnded++;
        WatchIfStuck();
    }

    public void LeaveOpenEndedWait()
    {
        Debug.Assert(_openEnded > 0);
        _openEnded--;
    }

    /// <summary>Kills what is left. Cleanup may wait; what takes too long is killed again, and given up in the end.</summary>
    public void Stop()
    {
        Loop.AssertIsHere();
        IsStopping = true;
        Context?.End();
        _kills++;
        if (_kills > Kills)
        {
            foreach (GreenTask task in Tasks)
            {
                TakeOut(task);
                Loop.AddGivenUp(task);
                InvalidOperationException error = GivenUp(task);
                task.GiveUp(error);
                Hub.Report(task, error);
            }

            End();
            return;
        }

        _stopTimer ??= new CallbackTimer(Stop);
        Loop.Timers.Remove(_stopTimer);
        Loop.Timers.Add(_stopTimer, Loop.Clock.In(Loop.Options.ShutdownGrace));
        foreach (GreenTask task in Tasks)
        {
            task.KillHere(new GreenletExit("The main task has ended."));
        }
    }

    /// <summary>What to tell about a task that will not die.</summary>
    public static InvalidOperationException GivenUp(GreenTask task) =>
        new($"{task} did not end although it was killed {Kills} times; it is given up. It waited for {task.Waiter.WaitsFor ?? "nothing"}.");

    private void TakeOut(GreenTask task)
    {
        Debug.Assert(Count > 0 && (task.IndexInRun == 0 ? _first : _others![task.IndexInRun - 1]) == task);
        GreenTask? last = null;
        if (_others is { Count: > 0 } others)
        {
            last = others[^1];
            others.RemoveAt(others.Count - 1);
        }

        if (task.IndexInRun == 0)
        {
            _first = last;
        }
        else if (last != task)
        {
            _others![task.IndexInRun - 1] = last!;
        }

        if (last is not null)
        {
            last.IndexInRun = task.IndexInRun;
        }

        task.IndexInRun = -1;
        Loop.CountTask(-1);
    }

    private void End()
    {
        if (HasEnded)
        {
            return;
        }

        if (!IsStopping)
        {
            IsStopping = true;
            Context?.End();
        }

        Life.End();
        EndSignals();
        if (_check is { Index: >= 0 })
        {
            Loop.ArmedChecks--;
            Loop.Timers.Remove(_check);
        }

        if (_stopTimer is not null)
        {
            Loop.Timers.Remove(_stopTimer);
        }

        Loop.Remove(this);
        OnEnded();
    }

    /// <summary>It has ended; in its hub.</summary>
    private protected virtual void OnEnded()
    {
    }

    private void EndSignals()
    {
        SignalRegistration[] left;
        lock (Life)
        {
            left = _signals is null ? [] : [.. _signals];
        }

        Array.ForEach(left, signal => signal.Dispose());
    }

    private void WatchIfStuck()
    {
        if (!IsStuck || Loop.Options.DeadlockPatience == Timeout.InfiniteTimeSpan)
        {
            return;
        }

        _stuckSince = Loop.Clock.Time;
        _check ??= new CallbackTimer(CheckForDeadlock);
        if (_check.Index < 0)
        {
            _patience = Loop.Options.DeadlockPatience;
            ArmCheck(Loop.Clock.In(_patience));
        }
    }

    private void ArmCheck(long due)
    {
        Loop.Timers.Add(_check!, due);
        Loop.ArmedChecks += _check!.Index < 0 ? 0 : 1;
        Debug.Assert(Loop.ArmedChecks <= Loop.Timers.Count);
    }

    // Runs long enough after the last task had to wait.
    private void CheckForDeadlock()
    {
        Loop.AssertIsHere();
        Debug.Assert(Loop.ArmedChecks > 0);
        Loop.ArmedChecks--;
        if (!IsStuck)
        {
            return; // the next one that gets stuck sets the timer again
        }

        long due = _stuckSince + _patience.Ticks;
        if (due > Loop.Clock.Time)
        {
            ArmCheck(due);
            return;
        }

        Waker waker = DeadlockJudge.Judge(this);
        if (waker == Waker.Nobody)
        {
            if (IsStopping || !Main.Waiter.TryThrow(new GreenDeadlockException(DescribeWaiters())))
            {
                Stop();
            }

            return;
        }

        // Look again: who could wake them may end without doing it. But less and less often.
        _patience = TimeSpan.FromTicks(Math.Min(Math.Max(_patience.Ticks * 2, TimeSpan.TicksPerMillisecond), TimeSpan.TicksPerMinute));
        ArmCheck(Loop.Clock.In(_patience));
        if (waker == Waker.Unknown && !IsStopping && _toldSince != _stuckSince)
        {
            _toldSince = _stuckSince;
            Hub.Suspect(new HubDeadlockSuspectedEventArgs(TimeSpan.FromTicks(Loop.Clock.Time - _stuckSince), DescribeWaiters()));
        }
    }

    private List<string> DescribeWaiters() => [.. Tasks.Select(task => task.Describe())];
}
