namespace NativeGreenlet.Cooperative;

/// <summary>Data of <see cref="Hub.DeadlockSuspected"/>.</summary>
/// <example><code>
/// hub.DeadlockSuspected += (_, e) => logger.LogWarning("{Waiters}", string.Join("; ", e.Waiters));
/// </code></example>
public sealed class HubDeadlockSuspectedEventArgs : EventArgs
{
    internal HubDeadlockSuspectedEventArgs(TimeSpan duration, IReadOnlyList<string> waiters)
    {
        Duration = duration;
        Waiters = waiters;
    }

    /// <summary>Gets for how long every task of the run has waited.</summary>
    public TimeSpan Duration { get; }

    /// <summary>Gets each task of the run, and what it waits for.</summary>
    public IReadOnlyList<string> Waiters { get; }
}
