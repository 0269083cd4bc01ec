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

    /// <summary>The source if someone listens to it; null otherwise, and until <see cref="Publish"/> has made it.</summary>
    public static GreenletEventSource? IfEnabled
    {
        get
        {
            GreenletEventSource? log = Volatile.Read(ref s_log);
            return log is not null && log.IsEnabled() ? log : null;
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

    protected override void OnEventCommand(EventCommandEventArgs command) =>
        CarrierRegistry.LogSwitches(IsEnabled(EventLevel.Verbose, Keywords.Switch));

    // Public, or EventSource does not find it.
    public static class Keywords
    {
        public const EventKeywords Life = (EventKeywords)1;
        public const EventKeywords Switch = (EventKeywords)2;
    }
}
