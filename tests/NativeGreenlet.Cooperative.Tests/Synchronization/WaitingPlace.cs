namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>Whom a wake-up reaches.</summary>
internal enum Wakes
{
    /// <summary>One of those who wait.</summary>
    One,

    /// <summary>All of them, or one after the other without another wake-up.</summary>
    All,

    /// <summary>Only one may wait at a time.</summary>
    Alone,
}

/// <summary>A place that waits, made anew for every try.</summary>
/// <param name="Name">What it is; begins with its type.</param>
/// <param name="Wakes">Whom a wake-up reaches.</param>
/// <param name="Wait">Waits there.</param>
/// <param name="Wake">Ends the wait; must not wait itself.</param>
internal sealed record WaitingPlace(string Name, Wakes Wakes, Action Wait, Action Wake) : IDisposable
{
    /// <summary>Waits there for the second time; null if it cannot be used again.</summary>
    public Action? Again { get; init; } = Wait;

    /// <summary>Waits there no longer than a time; whether it was woken.</summary>
    public Func<TimeSpan, bool>? Limited { get; init; }

    /// <summary>Makes that a wait there need not park; by default <see cref="Wake"/> does.</summary>
    public Action Ready { get; init; } = Wake;

    /// <summary>Waits there when that was done; null if it would last.</summary>
    public Action? WhenReady { get; init; } = Wait;

    /// <summary>Whether the wake-up has its effect when <see cref="Wake"/> returns.</summary>
    public bool WakesAtOnce { get; init; } = true;

    /// <summary>What is to be done at its end.</summary>
    public Action? End { get; init; }

    public void Dispose() => End?.Invoke();
}
