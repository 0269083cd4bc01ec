namespace NativeGreenlet.Cooperative;

/// <summary>Says which of its reports a <see cref="HubWatchdog"/> makes.</summary>
/// <example><code>
/// using HubWatchdog watchdog = new();
/// watchdog.Blocked += (_, e) =&gt;
/// {
///     if (e.Kind == HubBlock.Crowded)
///     {
///         Console.Error.WriteLine($"{e.Hub.Name}: {e.Resumptions} slices in {e.Duration}, and what waits has not had its turn");
///     }
/// };
/// watchdog.Start();
/// </code></example>
public enum HubBlock
{
    /// <summary>A task keeps the hub from going on, and still does.</summary>
    Lasts,

    /// <summary>The task that did now waits: there is a stack trace.</summary>
    Waits,

    /// <summary>The task that did has ended without another wait.</summary>
    Ended,

    /// <summary>No single task did: many that run for a short time each have kept what can go on from its turn.</summary>
    Crowded,
}
