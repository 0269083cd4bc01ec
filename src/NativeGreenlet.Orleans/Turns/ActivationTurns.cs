using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Orleans.Engine;
using Orleans;
using Orleans.Runtime;

namespace NativeGreenlet.Orleans.Turns;

/// <summary>
/// The turns of one activation. Each slice of a task is one: while it runs, Orleans takes its queue of work to be worked at, puts into it what
/// comes, and lets no thread of the pool do it. What came is done afterwards, in the hub's thread.
/// </summary>
/// <remarks>
/// <para>A hub can have the turn if nobody works at the queue: it says so under the queue's lock, as a thread of the pool does. If somebody does, the
/// task is put aside. It is asked for again in the hub's next rounds; then by a work item, which comes when what was before it is done; at last that
/// work item holds its thread until the slice has run.</para>
/// <para>All tasks of an activation are in one hub, so they exclude each other by themselves.</para>
/// </remarks>
internal sealed class ActivationTurns : IGreenTaskGate
{
    private const int Rounds = 8; // of the hub, between two work items
    private const int WorkItems = 3; // until one of them holds its thread

    [ThreadStatic]
    private static bool t_works; // at the queue of an activation, in the hub's thread

    private readonly IGrainContext _context;
    private readonly IWorkItemScheduler _group;
    private readonly Lock _lock; // of its queue
    private readonly Queue<Task> _queue;
    private readonly TaskScheduler _scheduler;
    private readonly Task _turnTask; // makes its scheduler the current one
    private readonly SiloHub _hub;
    private readonly Action _askAgain;

    // The hub's thread only.
    private readonly HashSet<GreenTask> _mains = [];
    private List<GreenTask> _aside = [];
    private List<GreenTask> _spareAside = [];
    private bool _isAsking; // somebody will ask again
    private int _rounds;
    private IGrainContext? _outerContext;
    private SynchronizationContext? _outerSynchronization;
    private Task? _outerTask;
    private volatile int _workItems; // since the last turn
    private Holder? _offer; // of a work item that holds its thread; any thread's
    private Holder? _holder; // the one whose turn it is

    public ActivationTurns(IGrainContext context, SiloHub hub)
    {
        _context = context;
        _hub = hub;
        _group = context.Scheduler;
        if (!OrleansInternals.IsGroup(_group))
        {
            throw new InvalidOperationException($"The turns of {context.GetType()} are not Orleans' own ({_group.GetType()}), so its methods cannot run on greenlets. Take [RunOnGreenlets] from its class.");
        }

        if (OrleansInternals.Context != context)
        {
            throw new InvalidOperationException($"The caller is in no turn of {context.GrainId}. Call this where Orleans calls the grain, not inside Task.Run and the like.");
        }

        _lock = OrleansInternals.LockOf(_group);
        _queue = OrleansInternals.QueueOf(_group);
        _scheduler = TaskScheduler.Current;
        _turnTask = OrleansInternals.MakeTask(_scheduler, context);
        _askAgain = AskAgain;
    }

    /// <summary>Runs a call of a method.</summary>
    public Task RunAsync(IIncomingGrainCallContext call) => RunAsync(
        () =>
        {
            Task task = call.Invoke();
            if (!task.IsCompletedSuccessfully)
            {
                Hub.Await(task);
            }
        },
        call.Request.GetCancellationToken());

    /// <summary>Runs a body.</summary>
    public Task RunAsync(Action body, CancellationToken cancellationToken) => _hub.Hub.InvokeAsync(
        () =>
        {
            GreenTask task = Hub.CurrentTask;
            try
            {
                Begin(task);
                body();
            }
            finally
            {
                End(task);
            }
        },
        cancellationToken);

    /// <summary>Runs a body with a result.</summary>
    public Task<T> RunAsync<T>(Func<T> body, CancellationToken cancellationToken) => _hub.Hub.InvokeAsync(
        () =>
        {
            GreenTask task = Hub.CurrentTask;
            try
            {
                Begin(task);
                return body();
            }
            finally
            {
                End(task);
            }
        },
        cancellationToken);

    /// <summary>Kills what goes on now and still waits after a while. From any thread.</summary>
    public void KillAfter(TimeSpan grace, DeactivationReason reason)
    {
        if (grace != Timeout.InfiniteTimeSpan)
        {
            TryPost(() =>
            {
                if (_mains.Count != 0)
                {
                    _ = Task.Delay(grace).ContinueWith(_ => TryPost(() => Kill(reason)), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
                }
            });
        }
    }

    public bool MayGoOn(GreenTask task)
    {
        if (TryTake())
        {
            _rounds = 0;
            _workItems = 0;
            return true;
        }

        _hub.Aside++;
        _aside.Add(task);
        if (!_isAsking)
        {
            _isAsking = true;
            if (_rounds++ < Rounds)
            {
                _hub.Hub.Post(_askAgain);
            }
            else
            {
                _rounds = 0;
                Request();
            }
        }

        return false;
    }

    public void GoingOn(GreenTask task)
    {
        _hub.Slices++;
        EnterThread();
    }

    // Where each task has a thread of its own, that has the grain's context as long as the task goes on.
    public void Entering(GreenTask task)
    {
        if (OrleansInternals.Context != _context)
        {
            OrleansInternals.Context = _context;
            OrleansInternals.CurrentTask = _turnTask;
        }

        SynchronizationContext.SetSynchronizationContext(null);
    }

    public void Leaving(GreenTask task)
    {
        if (GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            OrleansInternals.Context = null;
            OrleansInternals.CurrentTask = null;
        }
    }

    public void Parked(GreenTask task)
    {
        LeaveThread();
        if (_holder is { } holder)
        {
            _holder = null;
            holder.Release(); // its work item ends, and the queue is its thread's again
            return;
        }

        lock (_lock)
        {
            if (_queue.Count == 0)
            {
                OrleansInternals.State(_group) = OrleansInternals.Waiting;
                return;
            }
        }

        Work();
    }

    private bool TryTake()
    {
        if (Volatile.Read(ref _offer) is not null && Interlocked.Exchange(ref _offer, null) is { } offer)
        {
            _holder = offer;
            _hub.Held++;
            return true;
        }

        lock (_lock)
        {
            ref byte state = ref OrleansInternals.State(_group);
            if (state != OrleansInternals.Waiting)
            {
                return false;
            }

            state = OrleansInternals.Running;
            return true;
        }
    }

    // What came while the slice ran. Nobody else does it, because Orleans takes it to be under way.
    private void Work()
    {
        SynchronizationContext? synchronization = SynchronizationContext.Current;
        ExecutionContext? execution = ExecutionContext.Capture();
        SynchronizationContext.SetSynchronizationContext(null);
        bool outer = t_works;
        t_works = true;
        try
        {
            ((IThreadPoolWorkItem)_group).Execute();
        }
        finally
        {
            t_works = outer;
            SynchronizationContext.SetSynchronizationContext(synchronization);
            if (execution is not null)
            {
                ExecutionContext.Restore(execution);
            }
        }
    }

    // The observer is not told of this one, because it sets it itself.
    private void Begin(GreenTask task)
    {
        _hub.Calls++;
        _mains.Add(task);
        task.Observer = this; // waits for the first turn
        Entering(task);
    }

    private void End(GreenTask task)
    {
        _hub.Calls--;
        _mains.Remove(task);
    }

    private void EnterThread()
    {
        ref IGrainContext? context = ref OrleansInternals.Context;
        ref Task? current = ref OrleansInternals.CurrentTask;
        _outerContext = context;
        _outerTask = current;
        _outerSynchronization = SynchronizationContext.Current;
        context = _context;
        current = _turnTask;
        SynchronizationContext.SetSynchronizationContext(null);
    }

    private void LeaveThread()
    {
        OrleansInternals.Context = _outerContext;
        OrleansInternals.CurrentTask = _outerTask;
        SynchronizationContext.SetSynchronizationContext(_outerSynchronization);
        _outerContext = null;
        _outerTask = null;
    }

    private void AskAgain()
    {
        _isAsking = false;
        (_aside, _spareAside) = (_spareAside, _aside);
        foreach (GreenTask task in _spareAside)
        {
            task.AskGate();
        }

        _spareAside.Clear();
    }

    private void Request()
    {
        _hub.Requested++;
        _ = Task.Factory.StartNew(static turns => ((ActivationTurns)turns!).OnWorkItem(), this, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _scheduler);
    }

    // In a turn, mostly in a thread of the pool.
    private void OnWorkItem()
    {
        if (t_works || ++_workItems <= WorkItems)
        {
            TryPost(_askAgain);
            return;
        }

        Holder holder = new();
        Volatile.Write(ref _offer, holder);
        bool isPosted = TryPost(() =>
        {
            AskAgain();
            TryPost(() =>
            {
                // Nobody took it: what was aside has ended.
                if (Interlocked.CompareExchange(ref _offer, null, holder) == holder)
                {
                    holder.Release();
                }
            });
        });
        if (isPosted)
        {
            holder.Wait();
        }
    }

    private bool TryPost(Action callback)
    {
        try
        {
            _hub.Hub.Post(callback);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false; // the silo has stopped
        }
    }

    private void Kill(DeactivationReason reason)
    {
        OrleansException exception = new($"The activation of {_context.GrainId} ends ({reason.Description}), and the call still waited.");
        foreach (GreenTask task in _mains.ToArray())
        {
            task.Kill(exception, TimeSpan.Zero);
        }
    }
}
