using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>
/// Brings the continuations of <c>await</c> in the body of a task back to its hub, each in a task of its own, so that what comes
/// after an <c>await</c> may wait there, too.
/// </summary>
/// <remarks>
/// <para>Nothing that would go on without this context hangs because of it. When a task blocks the hub's thread, say by
/// <c>task.Result</c>, the runtime asks the context to wait; if that lasts, continuations go to the thread pool instead:
/// soon those of the run that blocks, as it is probably they that it waits for, and then those of all runs of the hub.</para>
/// <para>The same is done with those that come when the run has ended.</para>
/// </remarks>
internal sealed class HubSynchronizationContext : SynchronizationContext
{
    private const int OwnPatience = 20; // milliseconds: more than a lock is waited for
    private const int OthersPatience = 1000;

    private static readonly ContinuationQueue s_none = new(); // of who ended without one

    private readonly GreenTask _owner;
    private Action<GreenTask>? _passOn;
    private Action? _start; // both from the first continuation on: many a run has none
    private ContinuationQueue? _queue; // likewise
    private HashSet<GreenTask>? _running; // continuations that have begun and not ended; only in the hub's thread, as what follows
    private bool _isWaiting; // the owner, only for what its body returned
    private Exception? _delivered; // the last kill
    private Exception? _undelivered; // to be thrown by whichever continuation waits first
    private bool _isDiverted;
    private bool _hasEnded;

    /// <param name="owner">The task with the body.</param>
    public HubSynchronizationContext(GreenTask owner)
    {
        _owner = owner;
        SetWaitNotificationRequired();
    }

    /// <summary>Whether the body has returned its task. One that never does, a lambda that loops for ever or throws, ends as a
    /// plain one.</summary>
    public bool HasReturned { get; private set; }

    private RootTask Root => _owner.Run;

    private HubLoop Loop => _owner.Loop;

    private bool IsDiverted => _isDiverted || _hasEnded;

    public override SynchronizationContext CreateCopy() => this;

    public override void Post(SendOrPostCallback d, object? state)
    {
        Continuation continuation = new(d, state, ExecutionContext.Capture());
        bool isQueued = false;
        ContinuationQueue queue = Volatile.Read(ref _queue) ?? MakeQueue();
        if (queue != s_none)
        {
            lock (queue.Gate)
            {
                isQueued = !IsDiverted;
                if (isQueued)
                {
                    queue.Waiting.Enqueue(continuation);
                }
            }
        }

        if (isQueued)
        {
            Loop.Schedule(new ReadyEntry(_start ??= StartOne));
            Loop.DrainIfEnded();
        }
        else
        {
            continuation.RunOnPool();
        }
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (HubLoop.OfThisThreadOrNull == Loop)
        {
            d(state);
            return;
        }

        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(
            _ =>
            {
                try
                {
                    d(state);
                    done.SetResult();
                }
                catch (Exception exception)
                {
                    done.SetException(exception);
                }
            },
            null);
        if (Hub.IsInside)
        {
            Hub.Await(done.Task);
        }
        else
        {
            done.Task.GetAwaiter().GetResult();
        }
    }

    /// <summary>The runtime, on the thread of a task of the run, when that is about to block.</summary>
    public override int Wait(nint[] waitHandles, bool waitAll, int millisecondsTimeout)
    {
        SynchronizationContext? current = Current;
        SetSynchronizationContext(null);
        HubSynchronizationContext[] diverted = [];
        try
        {
            HubLoop hub = Loop;
            if (hub.BlockedWaits is { } waits && hub == HubLoop.OfThisThreadOrNull && waits.TryWait(waitHandles, waitAll, millisecondsTimeout, current, out int all))
            {
                return all;
            }

            long switches = hub.Switches;
            long start = Environment.TickCount64;
            if (TryWait(OwnPatience, out int result))
            {
                return result;
            }

            // Where greenlets are threads, this may be one that has handed over to another of its task.
            if (hub.Switches == switches)
            {
                diverted = [this, .. hub.Contexts.Where(each => each != this && each.Root == Root)];
                Array.ForEach(diverted, each => each.Divert(true));
                if (TryWait(OthersPatience, out result))
                {
                    return result;
                }
            }

            if (hub.Switches == switches)
            {
                diverted = [.. hub.Runs.Select(run => run.Context).OfType<HubSynchronizationContext>(), .. hub.Contexts];
                Array.ForEach(diverted, each => each.Divert(true));
            }

            TryWait(Timeout.Infinite, out result);
            return result;

            // Whether that is all there is to wait: it has been signalled, or the caller's own time is up.
            bool TryWait(int most, out int result)
            {
                int left = millisecondsTimeout == Timeout.Infinite
                    ? Timeout.Infinite
                    : (int)Math.Max(0, millisecondsTimeout - (Environment.TickCount64 - start));
                bool isLast = most == Timeout.Infinite || (left != Timeout.Infinite && left <= most);
                result = WaitHelper(waitHandles, waitAll, isLast ? left : most);
                return isLast || result != HubThreadContext.TimedOut;
            }
        }
        finally
        {
            Array.ForEach(diverted, each => each.Divert(false));
            SetSynchronizationContext(current);
        }
    }

    /// <summary>Calls the body of the owner, which is the caller, and waits until what it returned has completed.</summary>
    /// <param name="function">The body.</param>
    /// <returns>What it returned, which has completed.</returns>
    /// <exception cref="Exception">What the body threw, or what ended the wait for it.</exception>
    public Task Run(Func<Task> function)
    {
        bool isMain = Root.Context == this;
        if (!isMain)
        {
            Loop.Contexts.Add(this);
        }

        try
        {
            Task task = function() ?? throw new InvalidOperationException("The body of an asynchronous task returned no task.");
            HasReturned = true;
            _isWaiting = true;
            WaitFor(task, isMain);
            task.GetAwaiter().GetResult();
            return task;
        }
        finally
        {
            _isWaiting = false;
            if (!isMain)
            {
                Loop.Contexts.Remove(this);
                End();
            }
        }
    }

    /// <summary>Calls an asynchronous body in the caller's task, which is any, and waits until what it returned has
    /// completed.</summary>
    /// <param name="function">The body.</param>
    public static void RunHere(Func<Task> function)
    {
        SynchronizationContext? before = Current;
        GreenTask self = Hub.RequireTask();
        HubSynchronizationContext context = new(self);
        self.Loop.EnterContext(context);
        try
        {
            context.Run(function);
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    /// <summary>Whether it is the context of the body of a task.</summary>
    internal bool IsOf(GreenTask task) => _owner == task;

    /// <summary>Whether the body waits for something inside of the hubs: a continuation of it is a task, or it has begun a delay of that
    /// time.</summary>
    internal bool WaitsInside(GreenTestTime time) => _running is { Count: > 0 } || time.HasDelayOf(this);

    /// <summary>The owner is killed: its continuations are, in their waits or at the next ones. An <c>await</c> itself cannot be
    /// ended.</summary>
    public void Deliver(Exception exception)
    {
        if (_delivered == exception)
        {
            return;
        }

        _delivered = exception;
        if (_running is { Count: > 0 } running)
        {
            foreach (GreenTask continuation in running.ToArray())
            {
                continuation.KillHere(exception);
            }
        }
        else if (_isWaiting)
        {
            _undelivered = exception;
        }
    }

    /// <summary>The run ends: nothing is queued any more.</summary>
    public void End()
    {
        _hasEnded = true;
        if (Interlocked.CompareExchange(ref _queue, s_none, null) is { } queue && queue != s_none)
        {
            Divert(true);
        }
    }

    private ContinuationQueue MakeQueue()
    {
        ContinuationQueue queue = new();
        return Interlocked.CompareExchange(ref _queue, queue, null) ?? queue;
    }

    private void Divert(bool isDiverted)
    {
        Continuation[] all = [];
        ContinuationQueue queue = Volatile.Read(ref _queue) ?? MakeQueue();
        lock (queue.Gate)
        {
            _isDiverted = isDiverted;
            if (IsDiverted)
            {
                all = [.. queue.Waiting];
                queue.Waiting.Clear();
            }
        }

        Array.ForEach(all, each => each.RunOnPool());
    }

    // In the hub. As many tasks are started as continuations were queued; each takes what is the first then, or nothing.
    private void StartOne()
    {
        lock (_queue!.Gate)
        {
            if (_queue.Waiting.Count == 0)
            {
                return;
            }
        }

        if (Root.IsStopping)
        {
            End(); // no task can be started for it any more
            return;
        }

        ContinuationTask task = new(this) { WhenCompleted = _passOn ??= PassOnIfUnstarted };
        task.Schedule(Root);
        if (_owner.Observer is { } observer)
        {
            task.Observer = observer;
        }
    }

    /// <summary>Runs the first continuation, in its task, if there is one still.</summary>
    internal void RunOne(ContinuationTask self)
    {
        if (!TryTake(out Continuation? continuation))
        {
            return;
        }

        if (_undelivered is { } exception)
        {
            _undelivered = null;
            self.Pend(exception);
        }

        (_running ??= []).Add(self);
        try
        {
            continuation.Run();
        }
        finally
        {
            _running.Remove(self);
            _undelivered ??= self.TakePending();
        }
    }

    // A kill goes to the continuations. Who is the main task never leaves its body, so that nothing is taken away from under it; any
    // other gives it the grace to end.
    private void WaitFor(Task task, bool isMain)
    {
        long due = long.MaxValue;
        Exception? reason = null;
        if (!task.IsCompleted && _owner.TakePending() is { } pending)
        {
            _undelivered = pending;
            (reason, due) = isMain ? (null, due) : (pending, DueOfEnd());
        }

        while (!task.IsCompleted)
        {
            Exception? interruption = TryWaitFor(task, due, out bool isUp);
            if (isUp)
            {
                Hub.Forget(task);
                ExceptionDispatchInfo.Throw(reason!);
            }

            if (interruption is not null && _owner.IsKilledBy(interruption))
            {
                Deliver(interruption);
                if (!isMain && reason is null)
                {
                    (reason, due) = (interruption, DueOfEnd());
                }
            }
        }
    }

    private long DueOfEnd() => Loop.Clock.In(Loop.Options.ShutdownGrace);

    // What ended the wait: a kill, or a timeout that was begun before an await.
    private Exception? TryWaitFor(Task task, long due, out bool isUp)
    {
        isUp = false;
        try
        {
            isUp = !Hub.ParkFor(_owner, task, due);
            return null;
        }
        catch (Exception exception) when (!Loop.HasEnded)
        {
            return exception;
        }
    }

    // There was no stack for it, or it was killed: the continuation must run all the same.
    private void PassOnIfUnstarted(GreenTask task)
    {
        if (!task.HasStarted && TryTake(out Continuation? continuation))
        {
            continuation.RunOnPool();
        }
    }

    private bool TryTake([NotNullWhen(true)] out Continuation? continuation)
    {
        lock (_queue!.Gate)
        {
            return _queue.Waiting.TryDequeue(out continuation);
        }
    }

    private sealed class ContinuationQueue
    {
        public Lock Gate { get; } = new(); // also of whether they are diverted

        public Queue<Continuation> Waiting { get; } = new();
    }

    private sealed class Continuation(SendOrPostCallback callback, object? state, ExecutionContext? context)
    {
        public void Run()
        {
            if (context is null)
            {
                callback(state);
            }
            else
            {
                ExecutionContext.Run(context, new ContextCallback(callback), state);
            }
        }

        public void RunOnPool() => ThreadPool.UnsafeQueueUserWorkItem(static each => each.Run(), this, preferLocal: false);
    }
}
