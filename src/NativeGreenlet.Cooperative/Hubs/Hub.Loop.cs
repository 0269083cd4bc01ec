using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Diagnostics;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Interop;
using NativeGreenlet.Cooperative.IO.Readiness;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <content>What runs next: the loop, its queues and timers.</content>
public sealed partial class Hub
{
    private const int SwitchesBetweenPolls = 64;
    private const int MostPosted = 1024; // that are taken in one round

    private static readonly TimeSpan s_refusalPause = TimeSpan.FromMilliseconds(5);

    private readonly Queue<ReadyEntry> _ready = new(); // its own thread's
    private readonly ConcurrentQueue<ReadyEntry> _inbox = new(); // all others'
    private readonly AutoResetEvent _bell = new(false); // as long as there is no poller
    private volatile Poller? _poller; // from the first socket on that a task waits for
    private long _polledAt; // by its switches
    private long _pollTime; // by Environment.TickCount64
    private readonly HashSet<HubRun> _runs = [];
    private readonly TaskCompletionSource _endedSource = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly bool _isPooled;
    private int _isAsleep;
    private int _pendingRuns; // that were asked for, from outside
    private volatile int _asked; // how often, by those who cannot wait until a task parks by itself
    private int _taskCount;
    private bool _isStopping;
    private bool _endsWhenIdle; // when no run is left
    private volatile bool _hasEnded;
    private readonly Lock _endGate = new(); // who posts something, and the end
    private GreenTask? _currentTask;
    private long _switches;
    private HubRun? _callbackRun;
    private bool _usesContexts; // some of its runs have a SynchronizationContext of their own

    /// <summary>The caller's hub. As cheap as a thread static, but for raw greenlets of tasks on the Threads backend.</summary>
    internal static Hub? OfThisThreadOrNull
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => t_hub ?? (HubOfRawGreenlet.IsNeeded ? HubOfRawGreenlet.Find() : null);
    }

    /// <summary>The greenlet in which the loop runs, the parent of all tasks.</summary>
    internal Greenlet Greenlet { get; private set; }

    internal TimerHeap Timers { get; } = new();

    /// <summary>Where it waits for sockets; null if the system has none. Only in its thread.</summary>
    internal Poller? Poller => _poller ??= _hasEnded ? null : Poller.TryCreate();

    /// <summary>The task that runs; null while the hub itself does.</summary>
    internal GreenTask? CurrentTask => _currentTask;

    /// <summary>The run on whose behalf the thread works.</summary>
    internal HubRun? CurrentRun => _currentTask?.Run ?? _callbackRun;

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

    internal IReadOnlyCollection<HubRun> Runs => _runs;

    /// <summary>Tasks that have not ended; as of a moment ago for other threads.</summary>
    public int TaskCount => Volatile.Read(ref _taskCount);

    /// <summary>A run that was asked for has ended, or will not begin.</summary>
    internal void EndPendingRun() => Interlocked.Decrement(ref _pendingRuns);

    internal void CountTask(int change) => Volatile.Write(ref _taskCount, _taskCount + change);

    internal static Hub StartThread(string name, bool isPooled)
    {
        Hub hub = new(isPooled, name);
        using SemaphoreSlim hasEntered = new(0);
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            bool runs = hub.TryEnter(out failure);
            hasEntered.Release();
            if (runs)
            {
                hub.LoopToTheEnd();
            }
        })
        {
            IsBackground = true,
            Name = name,
        };
        thread.UnsafeStart();
        WaitUninterrupted(hasEntered);
        failure?.Throw();
        return hub;
    }

    /// <summary>What every wait begins with, also one that need not park: a kill, a cancellation or a timeout that the caller
    /// has not got yet is thrown. Does nothing outside of tasks.</summary>
    internal static void ThrowPending() => OfThisThreadOrNull?._currentTask?.EnterWait();

    /// <summary>The same, where only a task may wait.</summary>
    internal static GreenTask EnterWait()
    {
        GreenTask task = RequireTask();
        task.EnterWait();
        return task;
    }

    // On its new thread, where nobody could catch what is thrown.
    private bool TryEnter(out ExceptionDispatchInfo? failure)
    {
        failure = null;
        try
        {
            Enter();
            return true;
        }
        catch (Exception exception)
        {
            failure = ExceptionDispatchInfo.Capture(exception);
        }

        Leave();
        return false;
    }

    private void LoopToTheEnd()
    {
        try
        {
            Loop();
        }
        finally
        {
            Leave();
        }
    }

    private static void WaitUninterrupted(SemaphoreSlim semaphore)
    {
        bool isInterrupted = false;
        while (!TryWait())
        {
            isInterrupted = true;
        }

        if (isInterrupted)
        {
            Thread.CurrentThread.Interrupt(); // it is for what the caller waits for next
        }

        bool TryWait()
        {
            try
            {
                semaphore.Wait();
                return true;
            }
            catch (ThreadInterruptedException)
            {
                return false;
            }
        }
    }

    /// <summary>The task the caller is in; a wait is only possible there.</summary>
    internal static GreenTask RequireTask()
    {
        Hub hub = OfThisThreadOrNull ?? throw new MissingHubException();
        return hub._currentTask ?? throw new BlockingSwitchOutException();
    }

    /// <summary>Lets something run soon; from any thread.</summary>
    internal void Schedule(ReadyEntry entry)
    {
        if (t_hub == this)
        {
            _ready.Enqueue(entry);
            return;
        }

        _inbox.Enqueue(entry);

        // The hub tells that it falls asleep and looks again; we put something in and look. One of the two sees the other.
        // Should it have got a poller just now, it was awake, and has seen what we put in.
        if (Interlocked.Exchange(ref _isAsleep, 0) != 0)
        {
            Ring();
        }
    }

    /// <summary>Leaves the stack of a task. Returns what the hub continues it with: its waiter, if it was the hub.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal object? SwitchOut(GreenTask task)
    {
        if (_hasEnded)
        {
            throw new ObjectDisposedException(Name, "The hub has ended; nothing can wait in it any more.");
        }

        if (task.TellWhereNext is not null)
        {
            TellWhere(task);
        }

        // The context is the thread's. So each task takes its own away with it, whatever it is.
        bool usesContexts = _usesContexts;
        SynchronizationContext? context = null;
        if (usesContexts)
        {
            context = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(HubThreadContext.Instance);
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
    internal Hub? EnterStack(SynchronizationContext? context)
    {
        Hub? previous = t_hub;
        t_hub = this;
        SynchronizationContext.SetSynchronizationContext(context ?? HubThreadContext.Instance);
        return previous;
    }

    /// <summary>Called by the task at its end.</summary>
    internal void LeaveStack(Hub? previous)
    {
        _currentTask = null;
        t_hub = previous;

        // Where greenlets are threads, this one goes back to where it came from.
        SynchronizationContext.SetSynchronizationContext(previous is null ? null : HubThreadContext.Instance);
    }

    internal void AddRun(HubRun run)
    {
        _runs.Add(run);
        _usesContexts |= run.Context is not null;
        run.Main.Schedule(run);
    }

    internal void Remove(HubRun run) => _runs.Remove(run);

    /// <summary>In the hub: ends a task that switched away from its stack by itself.</summary>
    internal void ThrowInto(GreenTask task, Exception exception)
    {
        if (task.IsStranded)
        {
            _currentTask = task;
            task.Greenlet!.Throw(exception);
        }
    }

    /// <summary>Tells of an exception that nobody gets. In the hub's thread.</summary>
    internal void Report(GreenTask? task, Exception exception)
    {
        EventHandler<HubUnhandledExceptionEventArgs>? handler = UnhandledException;
        if (handler is null)
        {
            WriteError(() => $"{Name}: {task?.ToString() ?? "a callback"} ended with an exception that nobody waits for: {exception}");
            return;
        }

        Exception? failure = null;
        try
        {
            handler(this, new HubUnhandledExceptionEventArgs(task, exception));
        }
        catch (Exception caught)
        {
            failure = caught;
        }

        if (failure is not null)
        {
            WriteError(() => $"{Name}: the handler of {nameof(UnhandledException)} failed: {failure}");
        }
    }

    /// <summary>Tells that a run may be deadlocked. In the hub's thread.</summary>
    internal void Suspect(HubDeadlockSuspectedEventArgs suspicion)
    {
        string waiters = string.Concat(suspicion.Waiters.Select(waiter => $"{Environment.NewLine}  {waiter}"));
        HubEventSource.Log.DeadlockSuspected(Name, waiters);
        EventHandler<HubDeadlockSuspectedEventArgs>? handler = DeadlockSuspected;
        if (handler is null)
        {
            WriteError(() => $"{Name}: warning: every task of a run has waited for {suspicion.Duration.TotalSeconds:F1} s. Unless something outside the hub wakes one, this is a deadlock:{waiters}");
            return;
        }

        Exception? failure = null;
        try
        {
            handler(this, suspicion);
        }
        catch (Exception caught)
        {
            failure = caught;
        }

        if (failure is not null)
        {
            Report(null, failure);
        }
    }

    // A line that cannot be had, or not written, does not end the hub: there may be no descriptor for the standard error at its
    // first use, or nobody who reads it, and an exception's own text may throw.
    private static void WriteError(Func<string> line)
    {
        try
        {
            Console.Error.WriteLine(line());
        }
        catch (Exception)
        {
            // Nobody is left to tell.
        }
    }

    // Inlined it would not be a frame, and one that tells where would be left out.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void TellWhere(GreenTask task)
    {
        Action<StackTrace>? tell = task.TellWhereNext;
        task.TellWhereNext = null;
        tell?.Invoke(new StackTrace(1, fNeedFileInfo: true));
    }

    private void Enter()
    {
        SynchronizationContext.SetSynchronizationContext(HubThreadContext.Instance);
        t_hub = this;
        ThreadId = Environment.CurrentManagedThreadId;
        SystemThreadId = Linux.CurrentThreadId;
        Greenlet = Greenlet.Current;
        HubOfRawGreenlet.Add(this);
        HubRegistry.Add(this);
        HubMeter.Publish();
    }

    private void Leave()
    {
        lock (_endGate)
        {
            _hasEnded = true;
        }

        HubRegistry.Remove(this);
        HubOfRawGreenlet.Remove(this);
        _poller?.Dispose();
        t_hub = null;
        DrainIfEnded();
        _endedSource.TrySetResult();
    }

    // What came too late: those who sent it are told.
    private void DrainIfEnded()
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

    private void StopAll()
    {
        if (_hasEnded)
        {
            return;
        }

        _isStopping = true;
        foreach (HubRun run in _runs.ToArray())
        {
            run.Stop();
        }
    }

    // Optimized from the first call: unoptimized code would keep the last task or callback alive while the hub sleeps.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Loop()
    {
        while (true)
        {
            // Not without an end: others may put in more than is taken out.
            for (int count = 0; count < MostPosted && _inbox.TryDequeue(out ReadyEntry posted); count++)
            {
                _ready.Enqueue(posted);
            }

            if (Timers.Count != 0)
            {
                long now = HubClock.Now;
                while (Timers.TakeDue(now) is { } timer)
                {
                    timer.Fire();
                }
            }

            // No longer than it is now: the inbox and the timers have their turn between two rounds.
            for (int count = _ready.Count; count > 0; count--)
            {
                Resume(_ready.Dequeue());
            }

            if (_ready.Count != 0)
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

    private void SleepUntilSomething()
    {
        int patience = Timeout.Infinite;
        if (Timers.NextDue is var due and < long.MaxValue)
        {
            long ticks = due - HubClock.Now;
            if (ticks <= 0)
            {
                return;
            }

            patience = (int)Math.Min(int.MaxValue, (ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond);
        }

        Interlocked.Exchange(ref _isAsleep, 1);
        if (_inbox.IsEmpty)
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
        }

        Volatile.Write(ref _isAsleep, 0);
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
        if (_poller is { } poller && (_switches - _polledAt >= SwitchesBetweenPolls || Environment.TickCount64 != _pollTime))
        {
            _polledAt = _switches;
            _pollTime = Environment.TickCount64;
            poller.Wait(0);
        }
    }

    private void Call(object target)
    {
        if (target is HubRun run)
        {
            BeginNow(run);
        }
        else
        {
            ((Action)target)();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Resume(ReadyEntry entry)
    {
        _switches++;
        Exception? failure = null;
        GreenTask? task = entry.Target as GreenTask;
        try
        {
            if (task is null)
            {
                Call(entry.Target);
            }
            else if (entry.Version == 0)
            {
                if (task.TryPrepareStart() is { } greenlet)
                {
                    Continue(task);
                    greenlet.Switch(task);
                }
            }
            else if (task.Waiter.TryResume(entry.Version))
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
        _currentTask = task;
        if (_asked != 0)
        {
            task.LookAtHub();
        }
    }

    // The hub itself could not leave its stack, for want of a thread record, say. That passes.
    private void ResumeLater(ReadyEntry entry) =>
        Timers.Add(new CallbackTimer(() => _ready.Enqueue(entry)), HubClock.After(s_refusalPause));

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
            Yield();
        }
    }

    /// <summary>Calls something on behalf of a run, in the hub, from any thread. False if that has ended: then it is not
    /// called.</summary>
    internal bool PostFor(HubRun run, Action callback) => TryPost(() =>
    {
        _callbackRun = run;
        callback();
    });

    /// <summary>The same for what must be called even if the hub has ended: then in the caller's hub, or else on a thread of the
    /// pool.</summary>
    internal void Tell(HubRun run, Action callback)
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
}
