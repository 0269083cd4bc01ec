using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Diagnostics;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Interop;
using NativeGreenlet.Cooperative.IO.Readiness;
using NativeGreenlet.Cooperative.Waiting;
using NativeGreenlet.Scheduling;
using NativeGreenlet.Stacks;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>
/// What a hub does: decides what runs next. Has the queue of tasks that can go on, the inbox for other threads, the timers, the
/// poller and the current task.
/// </summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The end of the loop does; the bell may still be rung then.")]
internal sealed partial class HubLoop
{
    private const int SwitchesBetweenPolls = 64;
    private const int MostPosted = 1024; // that are taken in one round

    // On the Threads backend every greenlet has a thread of its own: each task sets it there.
    [ThreadStatic]
    private static HubLoop? t_loop;

    private static readonly TimeSpan s_longestAlarm = TimeSpan.FromDays(40); // that a timer can be set to
    private static readonly TimeSpan s_refusalPause = TimeSpan.FromMilliseconds(5);

    private readonly Queue<ReadyEntry> _ready = new(); // its own thread's
    private readonly ConcurrentQueue<ReadyEntry> _inbox = new(); // all others'
    private readonly AutoResetEvent _bell = new(false); // as long as there is no poller
    private volatile Poller? _poller; // from the first socket on that a task waits for
    private long _polledAt; // by its switches
    private long _pollTime; // by Environment.TickCount64
    private ITimer? _alarm; // where the time is not the system's
    private readonly HashSet<RootTask> _runs = [];
    private readonly TaskCompletionSource _endedSource = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isAsleep;
    private int _pendingRuns; // that were asked for, from outside
    private volatile int _asked; // how often, by those who cannot wait until a task parks by itself
    private int _taskCount;
    private HashSet<GreenTask>? _givenUp; // tasks that have ended for all but themselves
    private bool _isStopping;
    private bool _endsWhenIdle; // when no run is left
    private volatile bool _hasEnded;
    private readonly Lock _endGate = new(); // who posts something, and the end
    private Carrier _carrier = null!; // its thread's
    private GreenTask? _currentTask;
    private long _switches;
    private RootTask? _callbackRun;
    private bool _hasObservers; // some of its tasks have, or had, one
    private IGreenTaskObserver? _observer; // who was told that the current task goes on
    private bool _usesContexts; // some of its runs have a SynchronizationContext of their own
    private readonly GreenTestTime? _testTime; // if that is its time
    private readonly HubThreadContext _threadContext; // where it has no other one
    private volatile bool _isOutside = true; // a task waits for something outside; while it sleeps, in such a time
    private Task[] _awaitedInside = []; // what its tasks wait for that ends inside; in such a time

    public HubLoop(Hub hub, HubOptions options)
    {
        Hub = hub;
        Options = options;
        Clock = new HubClock(options.TimeProvider);
        _testTime = options.TimeProvider as GreenTestTime;
        _threadContext = BlockedWaits.IsTold(options) ? HubThreadContext.Told : HubThreadContext.Instance;
    }

    /// <summary>The hub of this loop, for its users.</summary>
    internal Hub Hub { get; }

    /// <summary>How the hub behaves. Nobody changes them any more.</summary>
    internal HubOptions Options { get; }

    /// <summary>The hub's time.</summary>
    internal HubClock Clock { get; }

    /// <summary>What is done about waits that would block its thread; null if nothing. In its thread.</summary>
    internal BlockedWaits? BlockedWaits { get; private set; }

    internal int ThreadId { get; private set; }

    /// <summary>The core's view of its thread.</summary>
    internal Carrier Carrier => _carrier;

    /// <summary>Completes when the loop has ended.</summary>
    internal Task Ended => _endedSource.Task;

    /// <summary>Whether everything is being killed, so that nothing can begin any more.</summary>
    internal bool IsStopping => _isStopping;

    /// <summary>Where the bodies of tasks have their continuations, if those of the whole run go elsewhere. In its thread.</summary>
    internal HashSet<HubSynchronizationContext> Contexts { get; } = [];

    /// <summary>How many entries can go on. In its thread.</summary>
    internal int ReadyCount => _ready.Count;

    /// <summary>The caller's loop. As cheap as a thread static, but for raw greenlets of tasks on the Threads backend.</summary>
    internal static HubLoop? OfThisThreadOrNull
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => t_loop ?? (HubOfRawGreenlet.HasAny ? HubOfRawGreenlet.Find() : null);
    }

    /// <summary>Whether the caller may be in a task. If not, its stack tells that for certain, which costs less than a thread static.</summary>
    internal static bool MayBeInTask
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            bool may = StackRange.MayHoldCaller;
            Debug.Assert(may || OfThisThreadOrNull?.CurrentTask is null, "a task runs outside of the range of stacks");
            return may;
        }
    }

    /// <summary>The greenlet in which the loop runs, the parent of all tasks.</summary>
    internal Greenlet Greenlet { get; private set; } = null!;

    internal TimerHeap Timers { get; } = new();

    /// <summary>How many of the timers look for deadlocks: they move no <see cref="GreenTestTime"/>.</summary>
    internal int ArmedChecks { get; set; }

    /// <summary>Whether a <see cref="GreenTestTime"/> must not move yet: a task can go on, or waits for something outside. From any
    /// thread.</summary>
    internal bool HoldsTestTime => Volatile.Read(ref _isAsleep) == 0 || !_inbox.IsEmpty || _isOutside
        || Array.Exists(Volatile.Read(ref _awaitedInside), IsGoingOn);

    /// <summary>Where it waits for sockets; null if the system has none. Only in its thread.</summary>
    internal Poller? Poller => _poller ??= _hasEnded ? null : Poller.TryCreate();

    /// <summary>The task that runs; null while the hub itself does.</summary>
    internal GreenTask? CurrentTask => _currentTask;

    /// <summary>Which task holds which lock of woven code: kept here, where it is found fast.</summary>
    internal object? WovenLocks { get; set; }

    /// <summary>What woven code keeps for the greenlet that runs, which need not be the task's own; the greenlet's end drops it.</summary>
    internal object? WovenLocals
    {
        get => _carrier.Current.Locals;
        set => _carrier.Current.Locals = value;
    }

    /// <summary>The run on whose behalf the thread works.</summary>
    internal RootTask? CurrentRun => _currentTask?.Run ?? _callbackRun;

    /// <summary>Runs that go on or wait to begin; from any thread.</summary>
    internal int PendingRuns => Volatile.Read(ref _pendingRuns);

    internal bool HasEnded => _hasEnded;

    internal bool IsAsleep => Volatile.Read(ref _isAsleep) != 0 && _pinnedTask is null;

    /// <summary>Whether nothing is left for it to do unless somebody asks for it. From any thread.</summary>
    internal bool IsIdle => IsAsleep && TaskCount == 0 && Timers.Count == 0 && PendingRuns == 0 && _inbox.IsEmpty;

    /// <summary>Whether there is something that it does next. In its thread.</summary>
    internal bool HasWork => _ready.Count != 0 || !_inbox.IsEmpty;

    /// <summary>What Linux calls its thread; 0 where that cannot be told.</summary>
    internal int SystemThreadId { get; private set; }

    /// <summary>How often it continued a task or a callback; from any thread, for the watchdog.</summary>
    internal long Switches => Volatile.Read(ref _switches);

    internal IReadOnlyCollection<RootTask> Runs => _runs;

    /// <summary>Tasks that have not ended; as of a moment ago for other threads.</summary>
    internal int TaskCount => Volatile.Read(ref _taskCount);

    /// <summary>A run that was asked for has ended, or will not begin.</summary>
    internal void EndPendingRun() => Interlocked.Decrement(ref _pendingRuns);

    internal void CountTask(int change)
    {
        AssertIsHere();
        Volatile.Write(ref _taskCount, _taskCount + change);
        Debug.Assert(_taskCount >= 0);
    }

    /// <summary>Asserts that the caller is on the thread of this hub, which alone may use most of it. What is left when it ends is
    /// called wherever that is.</summary>
    [Conditional("DEBUG")]
    internal void AssertIsHere() => Debug.Assert(OfThisThreadOrNull == this || _hasEnded, $"{Hub.Name} is used by another thread than its own.");

    /// <summary>Lets something run soon; from any thread.</summary>
    internal void Schedule(ReadyEntry entry)
    {
        if (t_loop == this)
        {
            _ready.Enqueue(entry);
            return;
        }

        _inbox.Enqueue(entry);

        // The hub tells that it falls asleep and looks again; we put something in and look. One of the two sees the other.
        // Should it have got a poller just now, it was awake, and has seen what we put in.
        Wake();
    }

    /// <summary>Leaves the stack of a task. Returns what the hub continues it with: its waiter, if it was the hub.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal object? SwitchOut(GreenTask task)
    {
        AssertIsHere();
        if (_hasEnded)
        {
            throw new ObjectDisposedException(Hub.Name, "The hub has ended; nothing can wait in it any more.");
        }

        if (task.IsAskedWhere)
        {
            TellWhere(task);
        }

        // The context is the thread's. So each task takes its own away with it, whatever it is.
        bool usesContexts = _usesContexts;
        SynchronizationContext? context = null;
        if (usesContexts)
        {
            context = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(_threadContext);
        }

        _currentTask = null;
        try
        {
            return Greenlet.Switch();
        }
        catch (GreenletException refusal) when (refusal.Reason == GreenletError.Pinned)
        {
            return WaitPinned(task, refusal);
        }
        finally
        {
            _currentTask = task;
            if (usesContexts)
            {
                SynchronizationContext.SetSynchronizationContext(context);
            }
        }
    }

    /// <summary>Called by the task when it is on its own stack: the hub is known there, too.</summary>
    internal HubLoop? EnterStack(HubSynchronizationContext? context)
    {
        HubLoop? previous = t_loop;
        t_loop = this;
        if (_observer is null || previous is null || context is not null)
        {
            EnterContext(context); // else it is what the observer left
        }

        return previous;
    }

    /// <summary>The caller's task has a context of its own from now on; null for the hub's.</summary>
    internal void EnterContext(HubSynchronizationContext? context)
    {
        _usesContexts |= context is not null;
        SynchronizationContext.SetSynchronizationContext((SynchronizationContext?)context ?? _threadContext);
    }

    /// <summary>Called by the task at its end.</summary>
    internal void LeaveStack(HubLoop? previous)
    {
        _currentTask = null;
        t_loop = previous;

        // Where greenlets are threads, this one goes back to where it came from.
        SynchronizationContext.SetSynchronizationContext(previous is null ? null : _threadContext);
    }

    /// <summary>Begins a run in this hub. From any thread.</summary>
    internal void Begin(RootTask run)
    {
        Interlocked.Increment(ref _pendingRuns);
        Schedule(new ReadyEntry(run));
        DrainIfEnded();
    }

    /// <summary>Runs a main task on this thread until it has ended, and what it spawned.</summary>
    internal void RunHere(GreenTask main)
    {
        SynchronizationContext? context = SynchronizationContext.Current;
        try
        {
            Enter();
            _endsWhenIdle = true;
            AddRun(new RootTask(this, main));
            _ready.Enqueue(new ReadyEntry(main, 0));
            Run();
        }
        finally
        {
            Leave();
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    internal void AddRun(RootTask run)
    {
        AssertIsHere();
        _runs.Add(run);
        run.Main.Attach(run);
    }

    internal void Remove(RootTask run)
    {
        AssertIsHere();
        _runs.Remove(run);
    }

    /// <summary>A task does not end although it was killed, and its run does not wait for it any more. As long as the hub goes on it can
    /// go on, too.</summary>
    internal void AddGivenUp(GreenTask task) => (_givenUp ??= []).Add(task);

    /// <summary>It has ended after all.</summary>
    internal void RemoveGivenUp(GreenTask task) => _givenUp?.Remove(task);

    /// <summary>Ends it before it has had a thread.</summary>
    internal void EndUnstarted()
    {
        lock (_endGate)
        {
            _hasEnded = true;
        }

        _endedSource.TrySetResult();
    }

    /// <summary>Asks it to end. From any thread.</summary>
    internal Task EndAsync()
    {
        TryPostUrgently(StopAll);
        return Ended;
    }

    /// <summary>In the hub: ends a task that switched away from its stack by itself.</summary>
    internal void ThrowInto(GreenTask task, Exception exception)
    {
        AssertIsHere();
        if (task.IsStranded)
        {
            if (task.Gate is not null && !AskGate(task))
            {
                PostFor(task.Run, () => ThrowInto(task, exception));
                return;
            }

            Continue(task);
            try
            {
                task.Greenlet!.Throw(exception);
            }
            finally
            {
                if (_observer is not null)
                {
                    TellParked(task);
                }
            }
        }
    }

    /// <summary>Tells of an exception that nobody gets. In the hub's thread.</summary>
    internal void Report(GreenTask? task, Exception exception) => Hub.Report(task, exception);

    // Inlined it would not be a frame, and one that tells where would be left out.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void TellWhere(GreenTask task)
    {
        task.TakeTellWhere()?.Invoke(new StackTrace(1, fNeedFileInfo: true));
    }

    internal void Enter()
    {
        SynchronizationContext.SetSynchronizationContext(_threadContext);
        t_loop = this;
        ThreadId = Environment.CurrentManagedThreadId;
        SystemThreadId = Linux.CurrentThreadId;
        Greenlet = Greenlet.Current;
        _carrier = Carrier.OfThisThread;
        _carrier.Nudge = Wake;
        HubOfRawGreenlet.Add(this);
        HubRegistry.Add(this);
        _testTime?.Add(this);
        HubMeter.Publish();
        HubEventSource.Publish();
        LookAround();
        BlockedWaits = BlockedWaits.Of(this);
    }

    internal void Leave()
    {
        AssertIsHere();
        Debug.Assert(_currentTask is null);
        lock (_endGate)
        {
            _hasEnded = true;
        }

        if (_givenUp is not null)
        {
            foreach (GreenTask task in _givenUp)
            {
                task.Waiter.Retire(); // who handed it something just now has done so for another
            }
        }

        BlockedWaits?.Dispose();
        BlockedWaits = null;
        _carrier.Nudge = null;
        HubRegistry.Remove(this);
        _testTime?.Remove(this);
        HubOfRawGreenlet.Remove(this);
        _poller?.Dispose();
        _alarm?.Dispose();
        t_loop = null;
        DrainIfEnded();
        _endedSource.TrySetResult();
    }

    // What came too late: those who sent it are told.
    internal void DrainIfEnded()
    {
        if (!_hasEnded)
        {
            return;
        }

        while (_inbox.TryDequeue(out ReadyEntry entry))
        {
            if (entry.Target is not GreenTask)
            {
                CallAfterEnd(entry.Target);
            }
        }
    }

    private void CallAfterEnd(object target)
    {
        Exception? failure = null;
        try
        {
            Call(target);
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        if (failure is not null)
        {
            Report(null, failure);
        }
    }

    internal void StopAll()
    {
        if (_hasEnded)
        {
            return;
        }

        AssertIsHere();
        _isStopping = true;
        foreach (RootTask run in _runs.ToArray())
        {
            run.Stop();
        }
    }

    // Optimized from the first call: unoptimized code would keep the last task or callback alive while the hub sleeps.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Run()
    {
        while (true)
        {
            // Not without an end: others may put in more than is taken out.
            for (int count = 0; count < MostPosted && _inbox.TryDequeue(out ReadyEntry posted); count++)
            {
                _ready.Enqueue(posted);
            }

            FireTimers();

            // No longer than it is now: the inbox and the timers have their turn between two rounds.
            if (_timing is { } timing)
            {
                RunTimed(timing);
            }
            else
            {
                for (int count = _ready.Count; count > 0; count--)
                {
                    Resume(_ready.Dequeue());
                }
            }

            if (_ready.Count != 0 && !IsLeftToGivenUp())
            {
                PollNowAndThen();
            }
            else if (_isStopping && _runs.Count == 0)
            {
                return; // what comes too late is told that
            }
            else if (_inbox.IsEmpty)
            {
                if (_endsWhenIdle && _runs.Count == 0)
                {
                    return;
                }

                SleepUntilSomething();
            }
        }
    }

    // Whether it may end, and only tasks that were given up could go on: they yield for ever, say.
    private bool IsLeftToGivenUp() => _runs.Count == 0 && (_isStopping || _endsWhenIdle) && _ready.All(static entry => entry.Target is GreenTask);

    private void FireTimers()
    {
        if (Timers.Count != 0)
        {
            long now = Clock.Time;
            while (Timers.TakeDue(now) is { } timer)
            {
                timer.Fire();
            }
        }
    }

    private void SleepUntilSomething()
    {
        if (_carrier.IsFreezingDue)
        {
            _carrier.FreezeSome(); // nobody waits for the thread; but sockets may by now
            _poller?.Wait(0);
            LookAround();
            return;
        }

        int patience = Timeout.Infinite;
        long due = Timers.NextDue;
        if (due < long.MaxValue)
        {
            long ticks = due - Clock.Time;
            if (ticks <= 0)
            {
                return;
            }

            patience = (int)Math.Min(int.MaxValue, (ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond);
        }

        Interlocked.Exchange(ref _isAsleep, 1);
        if (_inbox.IsEmpty && (Clock.IsSystem || TrySetAlarm(due, ref patience)))
        {
            if (_poller is { } poller)
            {
                long start = Environment.TickCount64;
                poller.Wait(patience);
                if (Environment.TickCount64 != start)
                {
                    WaitForBell(0); // which costs a tenth of a short sleep
                }
            }
            else
            {
                WaitForBell(patience);
            }

            if (patience != Timeout.Infinite && !Clock.IsSystem)
            {
                LetTestTimePass(due);
            }
        }

        LookAround();
        _isOutside = true; // until it sleeps again
        Volatile.Write(ref _isAsleep, 0);
    }

    // Where the time is another's, that says when the next timer is due. False if it is by now.
    private bool TrySetAlarm(long due, ref int patience)
    {
        int realPatience = patience;
        patience = Timeout.Infinite;
        if (_testTime is { AutoAdvance: true } && Timers.Count == ArmedChecks)
        {
            _alarm?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            patience = realPatience; // to look for a deadlock
            TellTestTime();
            return true;
        }

        if (due == long.MaxValue)
        {
            return true;
        }

        _alarm ??= Options.TimeProvider.CreateTimer(static loop => ((HubLoop)loop!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        long now;
        do
        {
            // Time that goes on just now would be lost: the alarm counts from when it is set.
            now = Clock.Time;
            if (due <= now)
            {
                return false;
            }

            _alarm.Change(TimeSpan.FromTicks(Math.Min(due - now, s_longestAlarm.Ticks)), Timeout.InfiniteTimeSpan);
        }
        while (Clock.Time - now >= TimeSpan.TicksPerMillisecond);
        TellTestTime();
        return true;
    }

    // About to sleep: the time may move if no task waits for something outside.
    private void TellTestTime()
    {
        if (_testTime is not { } time)
        {
            return;
        }

        List<Task> inside = [];
        bool isOutside = _runs.Any(run => run.Tasks.Any(task => task.IsAside || IsOutside(task.Waiter.WaitsFor, task, time, inside)));
        Volatile.Write(ref _awaitedInside, [.. inside]);
        _isOutside = isOutside;
        time.MoveIfAllWait();
    }

    // Whoever waits for it is about to be told, or .NET code is between two waits.
    private bool IsGoingOn(Task task) => task.IsCompleted || (task.AsyncState is TimedOperation operation && !operation.WaitsInside(_testTime!));

    private bool IsOutside(object? waitsFor, GreenTask task, GreenTestTime time, List<Task> inside)
    {
        switch (waitsFor)
        {
            case null or IShared or IGreenWaitable or Hub.SleepText or Hub.YieldText or Hub.SignalText:
                return false;

            case WaitGroup several:
                return several.Objects.Any(each => IsOutside(each, task, time, inside));

            case Task awaited when time.IsDelay(awaited) || awaited.AsyncState == HubClock.Inside || awaited.AsyncState is TimedOperation || (awaited.AsyncState is HubClock clock && clock.IsOf(time)):
                inside.Add(awaited);
                return false;

            case Task awaited:
                HubSynchronizationContext? body = task.OwnContext ?? Contexts.FirstOrDefault(context => context.IsOf(task));
                return awaited.IsCompleted || body is null || !body.WaitsInside(time);

            default:
                return true; // a socket, a file, a program
        }
    }

    // It slept for as long as a look for deadlocks is due, in real time, and nothing happened.
    private void LetTestTimePass(long due)
    {
        if (_testTime is { AutoAdvance: true } time && Timers.Count == ArmedChecks && due != long.MaxValue)
        {
            time.MoveIfNothingIsDue(TimeSpan.FromTicks(Math.Max(0, due - Clock.Time)));
        }
    }

    private void Wake()
    {
        if (Interlocked.Exchange(ref _isAsleep, 0) != 0)
        {
            Ring();
        }
    }

    // Thread.Interrupt may meet a hub that sleeps: that is no task's wait, and nobody's business. Also one that came while
    // the poller slept, which does not notice it, is taken here, so that no lock of the library ever meets it.
    private void WaitForBell(int patience)
    {
        try
        {
            _bell.WaitOne(patience);
        }
        catch (ThreadInterruptedException)
        {
            // The loop looks what there is to do, and comes back.
        }
    }

    private void Ring()
    {
        if (_poller is { } poller)
        {
            poller.Ring();
        }
        else
        {
            _bell.Set();
        }
    }

    // Tasks that never let it sleep must not keep it from those who wait for sockets. A look is a call of the system.
    private void PollNowAndThen()
    {
        if (_switches - _polledAt >= SwitchesBetweenPolls || (_poller is not null && Environment.TickCount64 != _pollTime))
        {
            _polledAt = _switches;
            _pollTime = Environment.TickCount64;
            _poller?.Wait(0);
            LookAround();
        }
    }

    // Calls something, or lets a run begin: its main task is started at once then.
    private static GreenTask? Call(object target)
    {
        if (target is RootTask run)
        {
            return run.TryBegin() ? run.Main : null;
        }

        ((Action)target)();
        return null;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Resume(ReadyEntry entry)
    {
        AssertIsHere();
        Debug.Assert(_currentTask is null || _pinnedTask is not null); // a pinned task calls what is no task while it waits
        _switches++;
        Exception? failure = null;
        GreenTask? task = entry.Target as GreenTask;
        try
        {
            task ??= Call(entry.Target);
            if (_hasObservers && task?.Gate is not null && !task.TryPassGate(entry.Version))
            {
                return;
            }

            if (entry.Version == 0)
            {
                if (task?.TryPrepareStart() is { } greenlet)
                {
                    Continue(task!);
                    greenlet.Switch(task);
                }
            }
            else if (task!.Waiter.TryResume(entry.Version))
            {
                Continue(task);
                task.Waiter.Parked!.Switch(task.Waiter);
            }
        }
        catch (Exception exception)
        {
            failure = exception; // of a callback, or of a raw greenlet whose parent is the hub; or there is no stack
        }

        _currentTask = null;
        _callbackRun = null;
        if (_observer is not null)
        {
            TellParked(task!);
        }

        if (failure is null || (task?.TryFailStart(failure) ?? false))
        {
            return;
        }

        if (failure is GreenletException { Reason: GreenletError.OutOfStacks } && task is not null && entry.Version != 0 && task.Waiter.IsStillToBeResumed(entry.Version))
        {
            ResumeLater(entry);
            return;
        }

        Report(task, failure);
    }

    private void Continue(GreenTask task)
    {
        if (_hasObservers)
        {
            TellGoingOn(task);
        }

        _currentTask = task;
        if (_asked != 0)
        {
            task.LookAtHub();
        }
    }

    /// <summary>Another observer is told of a task from now on.</summary>
    internal void ChangeObserver(GreenTask task, IGreenTaskObserver? before, IGreenTaskObserver? after)
    {
        AssertIsHere();
        _hasObservers |= after is not null;
        if (before == after || _currentTask != task)
        {
            return;
        }

        bool mayGoOn = true;
        _currentTask = null; // who is told must not wait
        try
        {
            if (_observer is not null)
            {
                TellParked(task);
            }

            mayGoOn = after is not IGreenTaskGate || AskGate(task);
            if (mayGoOn)
            {
                TellGoingOn(task);
            }
        }
        finally
        {
            _currentTask = task;
        }

        if (!mayGoOn)
        {
            Hub.Yield(); // asks again, and puts it aside
        }
    }

    /// <summary>Asks the gate of a task whether it may go on now.</summary>
    internal bool AskGate(GreenTask task)
    {
        Exception? failure = null;
        try
        {
            return task.Gate!.MayGoOn(task);
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        Report(task, failure);
        return true;
    }

    /// <summary>Tells of a task that begins, on its own stack.</summary>
    internal void TellEntering(GreenTask task)
    {
        if (_observer is not null)
        {
            Tell(task, static (observer, own) => observer.Entering(own));
        }
    }

    /// <summary>Tells of a task that has ended, on its own stack.</summary>
    internal void TellLeaving(GreenTask task)
    {
        if (_observer is not null)
        {
            Tell(task, static (observer, own) => observer.Leaving(own));
        }
    }

    private void Tell(GreenTask task, Action<IGreenTaskObserver, GreenTask> tell)
    {
        _currentTask = null; // who is told must not wait
        Exception? failure = null;
        try
        {
            tell(_observer!, task);
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        _currentTask = task;
        if (failure is not null)
        {
            Report(task, failure);
        }
    }

    private void TellGoingOn(GreenTask task)
    {
        _observer = task.Observer;
        Exception? failure = null;
        try
        {
            _observer?.GoingOn(task);
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        if (failure is not null)
        {
            Report(task, failure);
        }
    }

    private void TellParked(GreenTask task)
    {
        IGreenTaskObserver observer = _observer!;
        _observer = null;
        Exception? failure = null;
        try
        {
            observer.Parked(task);
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        if (failure is not null)
        {
            Report(task, failure);
        }
    }

    // The hub itself could not leave its stack, for want of a thread record, say. That passes.
    private void ResumeLater(ReadyEntry entry) =>
        Timers.Add(new CallbackTimer(() => _ready.Enqueue(entry)), Clock.In(s_refusalPause));

    /// <summary>Calls something in the hub, from any thread. False if that has ended: then it is not called.</summary>
    internal bool TryPost(Action callback)
    {
        // What is put in before the end is called: the hub looks for the last time afterwards.
        lock (_endGate)
        {
            if (_hasEnded)
            {
                return false;
            }

            Schedule(new ReadyEntry(callback));
            return true;
        }
    }

    /// <summary>As <see cref="TryPost"/>, and soon: a task that never parks, because it finds all that it waits for, lets the hub
    /// have its turn at its next wait.</summary>
    internal bool TryPostUrgently(Action callback)
    {
        Interlocked.Increment(ref _asked);
        if (!TryPost(() =>
        {
            Interlocked.Decrement(ref _asked);
            callback();
        }))
        {
            return false;
        }

        Interlocked.MemoryBarrierProcessWide(); // a task that is being continued just now sees this, or is seen here
        Volatile.Read(ref _currentTask)?.LookAtHub();
        return true;
    }

    /// <summary>At a wait of a task: the hub has its turn first, if somebody has asked for it.</summary>
    internal void LetOthersAsk(GreenTask task)
    {
        // Once to take it in, once to call it.
        while (_asked != 0 && !_hasEnded && task.Waiter.IsIdle && _currentTask == task)
        {
            Hub.Yield();
        }
    }

    /// <summary>Calls something on behalf of a run, in the hub, from any thread. False if that has ended: then it is not
    /// called.</summary>
    internal bool PostFor(RootTask run, Action callback) => TryPost(() =>
    {
        _callbackRun = run;
        callback();
    });

    /// <summary>The same for what must be called even if the hub has ended: then in the caller's hub, or else on a thread of the
    /// pool.</summary>
    internal void Tell(RootTask run, Action callback)
    {
        if (PostFor(run, callback))
        {
            return;
        }

        if (OfThisThreadOrNull is { HasEnded: false } here)
        {
            here.Schedule(new ReadyEntry(callback));
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(_ => CallOnPool(), null);
        }

        void CallOnPool()
        {
            Exception? failure = null;
            try
            {
                callback();
            }
            catch (Exception exception)
            {
                failure = exception;
            }

            if (failure is not null)
            {
                Report(null, failure);
            }
        }
    }

    private volatile GreenTask? _pinnedTask;
    private volatile string? _pinnedBy;

    /// <summary>The task that waits on a stack that cannot be left; from any thread, for the watchdog.</summary>
    internal GreenTask? PinnedTask => _pinnedTask;

    /// <summary>Why it cannot be left.</summary>
    internal string? PinnedBy => _pinnedBy;

    /// <summary>Native code below the caller keeps pointers into this stack, so no other task can run until it returns. Waits for
    /// just this wait: timers, sockets and what other threads send go on; tasks that are ready stay so, in their order.</summary>
    private Waiter WaitPinned(GreenTask task, GreenletException refusal)
    {
        GreenTask? outer = _pinnedTask;
        string? outerReason = _pinnedBy;
        _pinnedBy = refusal.Message;
        _pinnedTask = task;
        bool isObserved = _observer is not null;
        if (isObserved)
        {
            TellParked(task);
        }

        try
        {
            while (!TryTakeEntryOf(task))
            {
                if (_inbox.IsEmpty)
                {
                    SleepUntilSomething();
                }

                FireTimers();
            }

            return task.Waiter;
        }
        finally
        {
            _pinnedTask = outer;
            _pinnedBy = outerReason;
            if (isObserved)
            {
                TellGoingOn(task);
            }
        }
    }

    // Goes once through what is ready: takes the entry that ends the task's wait, calls what is no task, and leaves the rest.
    private bool TryTakeEntryOf(GreenTask task)
    {
        while (_inbox.TryDequeue(out ReadyEntry posted))
        {
            _ready.Enqueue(posted);
        }

        bool isTaken = false;
        bool hasCalled = false;
        for (int count = _ready.Count; count > 0; count--)
        {
            ReadyEntry entry = _ready.Dequeue();
            if (!isTaken && entry.Target == task && entry.Version != 0)
            {
                isTaken = (task.Gate is null || task.TryPassGate(entry.Version)) && task.Waiter.TryResume(entry.Version);
            }
            else if (entry.Target is GreenTask or RootTask || isTaken)
            {
                _ready.Enqueue(entry);
            }
            else
            {
                Resume(entry);
                hasCalled = true;
            }
        }

        // What was called may have ended the wait.
        return isTaken || (hasCalled && TryTakeEntryOf(task));
    }
}
