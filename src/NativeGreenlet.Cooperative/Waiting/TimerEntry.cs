namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>Something that is due at a time. Knows its place in the <see cref="TimerHeap"/>, so that it can be taken out.</summary>
internal abstract class TimerEntry
{
    /// <summary>In ticks of <see cref="HubClock"/>.</summary>
    public long Due { get; set; }

    /// <summary>Among those due at the same time, the one that was added first comes first.</summary>
    public long Order { get; set; }

    /// <summary>Where it is in the heap; -1 if it is in none.</summary>
    public int Index { get; set; } = -1;

    /// <summary>Runs in the hub, out of the heap. Must not wait.</summary>
    public abstract void Fire();
}
