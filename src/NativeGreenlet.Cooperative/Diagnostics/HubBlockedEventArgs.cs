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
    internal HubBlockedEventArgs(Hub hub, GreenTask? task, TimeSpan duration, StackTrace? stackTrace, string? pinnedBy = null)
    {
        Hub = hub;
        Task = task;
        Duration = duration;
        StackTrace = stackTrace;
        PinnedBy = pinnedBy;
    }

    /// <summary>Gets the hub whose thread is blocked.</summary>
    public Hub Hub { get; }

    /// <summary>Gets the task that blocks it; null if the hub itself does, in a callback.</summary>
    public GreenTask? Task { get; }

    /// <summary>Gets for how long the hub has been blocked so far.</summary>
    public TimeSpan Duration { get; }

    /// <summary>Gets where the task next waited, the frames that it shares with the place that blocked included; null in the
    /// first report, while it still blocks: .NET cannot walk the stack of a running thread.</summary>
    public StackTrace? StackTrace { get; }

    /// <summary>Gets the method that native code called, and why, if the task waits where its stack cannot be left
    /// (<see cref="GreenletError.Pinned"/>); null otherwise.</summary>
    public string? PinnedBy { get; }
}
