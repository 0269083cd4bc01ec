using System.Diagnostics.Tracing;

namespace NativeGreenlet.Cooperative.Diagnostics;

/// <summary>Single events of hubs for EventPipe, ETW and LTTng. Made when there is something to tell.</summary>
[EventSource(Name = "NativeGreenlet.Cooperative")]
internal sealed class HubEventSource : EventSource
{
    private static HubEventSource? s_log;

    private HubEventSource()
    {
    }

    /// <summary>The source. It takes tens of milliseconds to make, once.</summary>
    public static HubEventSource Log
    {
        get
        {
            if (s_log is null)
            {
                HubEventSource made = new();
                if (Interlocked.CompareExchange(ref s_log, made, null) is not null)
                {
                    made.Dispose();
                }
            }

            return s_log;
        }
    }

    [Event(1, Level = EventLevel.Warning, Message = "{0}: every task of a run waits. {1}")]
    public void DeadlockSuspected(string hub, string waiters) => WriteEvent(1, hub, waiters);

    [Event(2, Level = EventLevel.Warning, Message = "There is no thread for what is offloaded. The pool {0} goes on with those it has. {1}")]
    public void OffloadThreadRefused(string pool, string reason) => WriteEvent(2, pool, reason);

    [Event(3, Level = EventLevel.Warning, Message = "{1} blocked {0}. {2} {3}")]
    public void BlockingWait(string hub, string call, string reason, string stack) => WriteEvent(3, hub, call, reason, stack);
}
