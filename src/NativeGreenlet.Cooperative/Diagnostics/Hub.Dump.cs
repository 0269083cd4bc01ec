using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <content>What it does, for people.</content>
public sealed partial class Hub
{
    /// <summary>Writes every task of the hub: its state, what it waits for, and where.</summary>
    /// <param name="writer">Where to.</param>
    /// <exception cref="InvalidOperationException">The caller is not inside this hub; call it through
    /// <see cref="Post"/>.</exception>
    public void Dump(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (OfThisThreadOrNull != this)
        {
            throw new InvalidOperationException("Only its own thread can look into a hub. Use hub.Post(() => hub.Dump(writer)).");
        }

        writer.WriteLine($"{Name}, thread {ThreadId}: {TaskCount} tasks, {Timers.Count} timers, {_ready.Count} ready");
        foreach (GreenTask task in _runs.SelectMany(run => run.Tasks))
        {
            writer.WriteLine($"  {(task == _currentTask ? $"{task}, the current one" : task.Describe())}");
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
