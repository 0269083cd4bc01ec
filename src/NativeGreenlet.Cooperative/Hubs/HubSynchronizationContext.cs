using System.Diagnostics.CodeAnalysis;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>
/// Brings the continuations of <c>await</c> back to the hub of a run, each in a task of its own, so that what comes after
/// an <c>await</c> may wait there, too.
/// </summary>
/// <remarks>
/// <para>Nothing that would go on without this context hangs because of it. When a task blocks the hub's thread, say by
/// <c>task.Result</c>, the runtime asks the context to wait; if that lasts, continuations go to the thread pool instead:
/// soon those of the run that blocks, as it is probably they that it waits for, and then those of all runs of the hub.</para>
/// <para>The same is done with those that come when the run has ended.</para>
/// </remarks>
internal sealed class HubSynchronizationContext : SynchronizationContext
{
    private const int TimedOut = 0x102; // what a wait returns
    private const int OwnPatience = 20; // milliseconds: more than a lock is waited for
    private const int OthersPatience = 1000;

    private readonly HubRun _run;
    private readonly Lock _gate = new();
    private Action? _start; // both from the first continuation on: many a run has none
    private Queue<Continuation>? _queue;
    private bool _isDiverted;
    private bool _hasEnded;

    public HubSynchronizationContext(HubRun run)
    {
        _run = run;
        SetWaitNotificationRequired();
    }

    /// <summary>What is to be thrown at the next wait, by whichever task of the run waits first. Only in the hub's
    /// thread.</summary>
    public Exception? Undelivered { get; set; }

    private bool IsDiverted => _isDiverted || _hasEnded;

    public override SynchronizationContext CreateCopy() => this;

    public override void Post(SendOrPostCallback d, object? state)
    {
        Continuation continuation = new(d, state, ExecutionContext.Capture());
        bool isQueued;
        lock (_gate)
        {
            isQueued = !IsDiverted;
            if (isQueued)
            {
                (_queue ??= new Queue<Continuation>()).Enqueue(continuation);
            }
        }

        if (isQueued)
        {
            _run.Hub.Schedule(new ReadyEntry(_start ??= StartOne));
        }
        else
        {
            continuation.RunOnPool();
        }
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (Hub.OfThisThreadOrNull == _run.Hub)
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
            Hub hub = _run.Hub;
            long switches = hub.Switches;
            long start = Environment.TickCount64;
            if (TryWait(OwnPatience, out int result))
            {
                return result;
            }

            // Where greenlets are threads, this may be one that has handed over to another of its task.
            if (hub.Switches == switches)
            {
                diverted = [this];
                Divert(true);
                if (TryWait(OthersPatience, out result))
                {
                    return result;
                }
            }

            if (hub.Switches == switches)
            {
                diverted = [.. hub.Runs.Select(run => run.Context).OfType<HubSynchronizationContext>()];
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
                return isLast || result != TimedOut;
            }
        }
        finally
        {
            Array.ForEach(diverted, each => each.Divert(false));
            SetSynchronizationContext(current);
        }
    }

    /// <summary>The run ends: nothing is queued any more.</summary>
    public void End()
    {
        _hasEnded = true;
        Divert(true);
    }

    private void Divert(bool isDiverted)
    {
        Continuation[] all = [];
        lock (_gate)
        {
            _isDiverted = isDiverted;
            if (IsDiverted && _queue is not null)
            {
                all = [.. _queue];
                _queue.Clear();
            }
        }

        Array.ForEach(all, each => each.RunOnPool());
    }

    // In the hub. As many tasks are started as continuations were queued; each takes what is the first then, or nothing.
    private void StartOne()
    {
        lock (_gate)
        {
            if (_queue!.Count == 0)
            {
                return;
            }
        }

        GreenTask task = new(RunOne) { IsContinuation = true, WhenCompleted = PassOnIfUnstarted };
        task.Schedule(_run);
    }

    private void RunOne()
    {
        if (!TryTake(out Continuation? continuation))
        {
            return;
        }

        GreenTask self = Hub.RequireTask();
        if (Undelivered is { } exception)
        {
            Undelivered = null;
            self.Pend(exception);
        }

        try
        {
            continuation.Run();
        }
        finally
        {
            Undelivered ??= self.TakePending();
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
        lock (_gate)
        {
            return _queue!.TryDequeue(out continuation);
        }
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
