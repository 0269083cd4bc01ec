using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <content>A wait on a stack that cannot be left: it blocks the hub's thread.</content>
public sealed partial class Hub
{
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
        try
        {
            while (!TryTakeEntryOf(task))
            {
                if (_inbox.IsEmpty)
                {
                    SleepUntilSomething();
                }

                if (Timers.Count != 0)
                {
                    long now = HubClock.Now;
                    while (Timers.TakeDue(now) is { } timer)
                    {
                        timer.Fire();
                    }
                }
            }

            return task.Waiter;
        }
        finally
        {
            _pinnedTask = outer;
            _pinnedBy = outerReason;
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
            if (!isTaken && entry.Target == task && entry.Version != 0 && task.Waiter.TryResume(entry.Version))
            {
                isTaken = true;
            }
            else if (entry.Target is GreenTask or HubRun || isTaken)
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
