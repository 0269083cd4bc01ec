using System.Diagnostics.Tracing;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Diagnostics;

/// <summary>Single events for EventPipe, ETW and LTTng. Nothing is formatted or allocated unless someone listens.</summary>
[EventSource(Name = "NativeGreenlet")]
internal sealed class GreenletEventSource : EventSource
{
    private static GreenletEventSource? s_log;

    private GreenletEventSource()
    {
    }

    /// <summary>The source if someone listens to it; null otherwise, until <see cref="Publish"/> has made it, and for greenlets of the
    /// library's own check of freezing.</summary>
    public static GreenletEventSource? IfEnabled
    {
        get
        {
            GreenletEventSource? log = Volatile.Read(ref s_log);
            return log is not null && log.IsEnabled() && !FreezeCheck.IsRunning ? log : null;
        }
    }

    /// <summary>Makes the source. It takes tens of milliseconds, so nobody should wait for it.</summary>
    public static void Publish() => Volatile.Write(ref s_log, new GreenletEventSource());

    [Event(1, Level = EventLevel.Informational, Message = "{0}")]
    public void BackendChosen(string description) => WriteEvent(1, description);

    [Event(2, Level = EventLevel.Informational, Keywords = Keywords.Life)]
    public void Start(string greenlet) => WriteEvent(2, greenlet);

    [Event(3, Level = EventLevel.Informational, Keywords = Keywords.Life)]
    public void Death(string greenlet) => WriteEvent(3, greenlet);

    [Event(4, Level = EventLevel.Warning, Keywords = Keywords.Life)]
    public void Kill(string greenlet, bool isAbandoned) => WriteEvent(4, greenlet, isAbandoned);

    [Event(5, Level = EventLevel.Verbose, Keywords = Keywords.Switch)]
    public void Switch(string origin, string target) => WriteEvent(5, origin, target);

    [Event(6, Level = EventLevel.Warning, Keywords = Keywords.Life)]
    public void Pinned(string reason) => WriteEvent(6, reason);

    /// <summary>A greenlet of a thread that has no hub.</summary>
    /// <param name="thread">The managed id of its thread.</param>
    /// <param name="systemThread">What the system calls that; 0 where it is not known.</param>
    /// <param name="number">Which start of its thread began it; 0 for the main greenlet.</param>
    /// <param name="name">Its name; empty if it has none.</param>
    /// <param name="state">What it does.</param>
    /// <param name="stack">Where it is: lines of a stack trace; or, where its thread has not answered, addresses of code.</param>
    /// <param name="round">The number of the dump: whoever listens gets the dumps of all that listen.</param>
    [Event(7, Version = 1, Level = EventLevel.Informational, Keywords = Keywords.Dump)]
    public void GreenletSeen(int thread, long systemThread, long number, string name, string state, string stack, long round) =>
        WriteEvent(7, thread, systemThread, number, name, state, stack, round);

    /// <summary>The figures of the process; in a dump, its beginning and its end.</summary>
    /// <param name="live">Greenlets that have begun and not ended.</param>
    /// <param name="suspended">Those of them that are suspended.</param>
    /// <param name="frozen">Those of them that are frozen.</param>
    /// <param name="hubs">Threads that have a hub.</param>
    /// <param name="isDump">Whether this is the end of a dump.</param>
    /// <param name="round">The number of the dump that this begins or ends; 0 for figures alone.</param>
    [Event(8, Version = 1, Level = EventLevel.Informational, Keywords = Keywords.Dump | Keywords.Figures)]
    public void ProcessSeen(long live, long suspended, long frozen, int hubs, bool isDump, long round) => WriteEvent(8, live, suspended, frozen, hubs, isDump, round);

    protected override void OnEventCommand(EventCommandEventArgs command)
    {
        CarrierRegistry.LogSwitches(IsEnabled(EventLevel.Verbose, Keywords.Switch));
        if (command.Command is EventCommand.Enable or EventCommand.Update)
        {
            if (IsEnabled(EventLevel.Informational, Keywords.Dump))
            {
                GreenletInspection.Begin(this, isDump: true);
            }
            else if (IsEnabled(EventLevel.Informational, Keywords.Figures))
            {
                GreenletInspection.Begin(this, isDump: false);
            }
        }
    }

    // Public, or EventSource does not find it.
    public static class Keywords
    {
        public const EventKeywords Life = (EventKeywords)1;
        public const EventKeywords Switch = (EventKeywords)2;

        /// <summary>Every greenlet of threads without a hub, once; and the figures of the process.</summary>
        public const EventKeywords Dump = (EventKeywords)4;

        /// <summary>The figures of the process, once.</summary>
        public const EventKeywords Figures = (EventKeywords)8;
    }
}
