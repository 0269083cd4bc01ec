using System.Diagnostics;

namespace NativeGreenlet.Cooperative;

/// <summary>Data of <see cref="HubWatchdog.Blocked"/>.</summary>
/// <example><code>
/// using HubWatchdog watchdog = new();
/// watchdog.Blocked += Report;
/// watchdog.Start();
///
/// static void Report(object? sender, HubBlockedEventArgs e) =&gt;
///     Console.Error.WriteLine($"{e.Hub.Name} has run {e.Task} for {e.Duration.TotalMilliseconds} ms without a wait");
/// </code></example>
public sealed class HubBlockedEventArgs : EventArgs
{
    internal HubBlockedEventArgs(HubBlock kind, Hub hub, GreenTask? task, TimeSpan duration, StackTrace? stackTrace, string? pinnedBy = null)
    {
        Kind = kind;
        Hub = hub;
        Task = task;
        task?.WasHandedOut = true;
        Duration = duration;
        StackTrace = stackTrace;
        PinnedBy = pinnedBy;
    }

    /// <summary>Gets which report this is.</summary>
    public HubBlock Kind { get; }

    /// <summary>Gets the hub whose thread is blocked.</summary>
    public Hub Hub { get; }

    /// <summary>Gets the task that blocks it; null if the hub itself does, in a callback, or if no
    /// single task does (<see cref="HubBlock.Crowded"/>).</summary>
    public GreenTask? Task { get; }

    /// <summary>Gets for how long the hub has been blocked so far.</summary>
    public TimeSpan Duration { get; }

    /// <summary>Gets where the task next waited, the frames that it shares with the place that blocked included; for a
    /// task that has ended, where it was spawned, if <see cref="HubOptions.KeepsSpawnStacks"/> is set. Null otherwise: .NET cannot
    /// walk the stack of a running thread from inside. The tool <c>greenlets</c> can, from outside.</summary>
    public StackTrace? StackTrace { get; }

    /// <summary>Gets the method that native code called, and why, if the task waits where its stack cannot be left
    /// (<see cref="GreenletError.Pinned"/>); null otherwise.</summary>
    public string? PinnedBy { get; }

    /// <summary>Gets how many tasks and callbacks the hub has continued meanwhile, if many keep it from coming to what waits
    /// (<see cref="HubBlock.Crowded"/>); 0 otherwise.</summary>
    public long Resumptions { get; internal init; }
}
