using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative.Diagnostics;

/// <summary>Writes what a hub does.</summary>
internal static class HubDump
{
    /// <summary>Writes every task of a hub. In its thread.</summary>
    /// <exception cref="InvalidOperationException">The caller is not inside that hub.</exception>
    public static void Write(HubLoop loop, TextWriter writer)
    {
        if (HubLoop.OfThisThreadOrNull != loop)
        {
            throw new InvalidOperationException("Only its own thread can look into a hub. Use hub.Post(() => hub.Dump(writer)).");
        }

        writer.WriteLine($"{loop.Hub.Name}, thread {loop.ThreadId}: {loop.TaskCount} tasks, {loop.Timers.Count} timers, {loop.ReadyCount} ready");
        foreach (GreenTask task in loop.Runs.SelectMany(run => run.Tasks))
        {
            writer.WriteLine($"  {(task == loop.CurrentTask ? $"{task}, the current one" : task.Describe())}");
            if (task.Waiter.Parked?.GetStackTrace() is { } trace)
            {
                writer.WriteLine(trace);
            }

            if (task.SpawnStack is { } spawned)
            {
                writer.WriteLine("    was spawned");
                writer.WriteLine(spawned);
            }
        }
    }
}
