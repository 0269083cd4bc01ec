using System.Diagnostics;
using NativeGreenlet.Cooperative.Diagnostics;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Hubs;

// What is measured while somebody listens. Nobody asks for it at a switch: whether somebody does is looked at when the hub has slept, and
// every 64 switches.
internal sealed partial class HubLoop
{
    private HubTiming? _timing; // while somebody listens

    /// <summary>When the hub last looked at a clock, by <see cref="Stopwatch.GetTimestamp"/>: when it last woke up, or, while it has
    /// much to do, some switches ago.</summary>
    internal long LookedAt { get; private set; }

    private void LookAround()
    {
        LookedAt = Stopwatch.GetTimestamp();
        _timing = HubMeter.Times is { IsWanted: true } ? _timing ?? new HubTiming(Hub.Name) : null;
    }

    private void RunTimed(HubTiming timing)
    {
        timing.Begin(_ready.Count, LookedAt);
        for (int count = _ready.Count; count > 0; count--)
        {
            ReadyEntry entry = _ready.Dequeue();
            Waiter? waiter = (entry.Target as GreenTask)?.Waiter;
            timing.BeginSlice(entry, waiter);
            Resume(entry);
            LookedAt = timing.EndSlice(waiter, _ready.Count);
        }
    }
}
