using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>What the hub is to do next: continue a task out of one of its waits, start one, call something, or
/// begin a run.</summary>
internal readonly struct ReadyEntry
{
    /// <summary>Continues a task, if it is still in that wait.</summary>
    public ReadyEntry(GreenTask task, long version)
    {
        Target = task;
        Version = version;
    }

    /// <summary>Calls something in the hub itself; it must not wait.</summary>
    public ReadyEntry(Action callback)
    {
        Target = callback;
    }

    /// <summary>Begins a run that was asked for from outside.</summary>
    public ReadyEntry(RootTask run)
    {
        Target = run;
    }

    /// <summary>A <see cref="GreenTask"/>, an <see cref="Action"/> or a <see cref="RootTask"/>.</summary>
    public object Target { get; }

    /// <summary>The number of the wait; 0 for a start.</summary>
    public long Version { get; }
}
