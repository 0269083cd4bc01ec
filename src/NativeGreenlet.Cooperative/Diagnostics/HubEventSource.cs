using System.Diagnostics;
using System.Diagnostics.Tracing;

namespace NativeGreenlet.Cooperative.Diagnostics;

/// <summary>Single events of hubs for EventPipe, ETW and LTTng; and what the tool <c>greenlets</c> asks for by keywords, while the
/// process goes on.</summary>
[EventSource(Name = "NativeGreenlet.Cooperative")]
internal sealed class HubEventSource : EventSource
{
    private static readonly Lock s_lock = new();
    private static bool s_isPublished;
    private static HubEventSource? s_log;

    private HubEventSource()
    {
    }

    /// <summary>The source. It takes tens of milliseconds to make, once.</summary>
    public static HubEventSource Log
    {
        get
        {
            lock (s_lock)
            {
                return s_log ??= new HubEventSource();
            }
        }
    }

    /// <summary>Makes it, so that it can be listened to, on a thread of its own: nobody should wait for that.</summary>
    public static void Publish()
    {
        if (Volatile.Read(ref s_isPublished))
        {
            return;
        }

        s_isPublished = true;
        try
        {
            new Thread(Make) { IsBackground = true, Name = "hub events" }.UnsafeStart();
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            s_isPublished = false; // the next hub tries again
        }

        static void Make()
        {
            try
            {
                _ = Log;
            }
            catch (Exception exception)
            {
                Trace.WriteLine($"The event source NativeGreenlet.Cooperative could not be published: {exception}");
            }
        }
    }

    [Event(1, Level = EventLevel.Warning, Message = "{0}: every task of a run waits. {1}")]
    public void DeadlockSuspected(string hub, string waiters) => WriteEvent(1, hub, waiters);

    /// <summary>A hub, as another thread sees it.</summary>
    /// <param name="hub">Its name.</param>
    /// <param name="thread">The managed id of its thread.</param>
    /// <param name="systemThread">What the system calls that; 0 if that is not known.</param>
    /// <param name="tasks">Tasks that have not ended.</param>
    /// <param name="ready">Tasks that can go on.</param>
    /// <param name="switches">Tasks and callbacks that it has continued so far.</param>
    /// <param name="isAsleep">Whether it has nothing to do.</param>
    /// <param name="current">The task that runs.</param>
    /// <param name="round">The number of the round.</param>
    [Event(2, Version = 1, Level = EventLevel.Informational, Keywords = Keywords.Dump | Keywords.Figures)]
    public void HubSeen(string hub, int thread, int systemThread, int tasks, int ready, long switches, bool isAsleep, string current, long round) =>
        WriteEvent(2, hub, thread, systemThread, tasks, ready, switches, isAsleep, current, round);

    /// <summary>A task.</summary>
    /// <param name="thread">The managed id of its hub's thread.</param>
    /// <param name="id">Its number.</param>
    /// <param name="name">Its name; empty if it has none.</param>
    /// <param name="state">What it does.</param>
    /// <param name="waitsFor">What it waits for.</param>
    /// <param name="milliseconds">Since when.</param>
    /// <param name="stack">Where; empty if it has not begun.</param>
    /// <param name="spawned">Where it was spawned, if its hub keeps that.</param>
    /// <param name="round">The number of the round.</param>
    [Event(3, Version = 1, Level = EventLevel.Informational, Keywords = Keywords.Dump | Keywords.Figures)]
    public void TaskSeen(int thread, long id, string name, string state, string waitsFor, double milliseconds, string stack, string spawned, long round) =>
        WriteEvent(3, thread, id, name, state, waitsFor, milliseconds, stack, spawned, round);

    /// <summary>The end of a dump, or of one round of figures.</summary>
    /// <param name="silent">The managed ids of the threads of hubs that have not answered.</param>
    /// <param name="round">The number of the round.</param>
    [Event(4, Version = 1, Level = EventLevel.Informational, Keywords = Keywords.Dump | Keywords.Figures)]
    public void AllSeen(string silent, long round) => WriteEvent(4, silent, round);

    [Event(5, Level = EventLevel.Warning, Message = "There is no thread for what is offloaded. The pool {0} goes on with those it has. {1}")]
    public void OffloadThreadRefused(string pool, string reason) => WriteEvent(5, pool, reason);

    [Event(6, Level = EventLevel.Warning, Message = "{1} blocked {0}. {2} {3}")]
    public void BlockingWait(string hub, string call, string reason, string stack) => WriteEvent(6, hub, call, reason, stack);

    /// <summary>The beginning of a dump, or of one round of figures. Whoever listens gets the rounds of all that listen, and of some
    /// the end only: the number tells them apart.</summary>
    /// <param name="round">The number of the round.</param>
    /// <param name="isDump">Whether it is a dump.</param>
    [Event(7, Level = EventLevel.Informational, Keywords = Keywords.Dump | Keywords.Figures)]
    public void RoundBegun(long round, bool isDump) => WriteEvent(7, round, isDump);

    protected override void OnEventCommand(EventCommandEventArgs command)
    {
        if (command.Command is not (EventCommand.Enable or EventCommand.Update))
        {
            return;
        }

        // Not here: whoever listens waits for this to return. Somebody may listen before there is a hub, and so before the source is
        // complete.
        if (IsEnabled(EventLevel.Informational, Keywords.Dump))
        {
            HubInspection.Begin(this, isRepeated: false);
        }

        if (IsEnabled(EventLevel.Informational, Keywords.Figures))
        {
            HubInspection.Begin(this, isRepeated: true);
        }
    }

    // Public, or EventSource does not find it.
    public static class Keywords
    {
        /// <summary>Every hub and every task, once.</summary>
        public const EventKeywords Dump = (EventKeywords)1;

        /// <summary>Every hub, and the tasks that have waited longest, again and again.</summary>
        public const EventKeywords Figures = (EventKeywords)2;
    }
}
