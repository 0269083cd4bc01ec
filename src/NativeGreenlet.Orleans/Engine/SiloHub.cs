using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Orleans.Engine;

/// <summary>A hub of a silo, and what it counts. It alone writes the counters.</summary>
internal sealed class SiloHub(Hub hub)
{
    public Hub Hub { get; } = hub;

    /// <summary>Calls that go on.</summary>
    public long Calls;

    /// <summary>Turns that it had.</summary>
    public long Slices;

    /// <summary>How often a task was put aside, because another had the turn.</summary>
    public long Aside;

    /// <summary>How often a work item was queued to get a turn.</summary>
    public long Requested;

    /// <summary>How often a thread of the pool was held for a turn.</summary>
    public long Held;
}
