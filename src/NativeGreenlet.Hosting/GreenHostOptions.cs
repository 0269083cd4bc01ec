using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Hosting;

/// <summary>Options of the hubs of a host. Bound to the section <c>Greenlets:Hubs</c> of the configuration, and checked when the host
/// starts.</summary>
/// <example><code>
/// HostApplicationBuilder builder = Host.CreateApplicationBuilder();
/// builder.Services.AddGreenHosting(options =&gt;
/// {
///     options.Size = 4;
///     options.DrainTime = TimeSpan.FromSeconds(10);
/// });
/// </code></example>
public sealed class GreenHostOptions
{
    /// <summary>Gets or sets how many hubs with a thread each there are; null for one for each processor.</summary>
    public int? Size { get; set; }

    /// <summary>Gets or sets the name of the hubs, which a number follows, and of their threads; <c>hub</c> unless it is
    /// set.</summary>
    public string Name { get; set; } = "hub";

    /// <summary>Gets or sets how long what runs may go on when the host stops, before it is killed; 20 seconds unless it is set. The
    /// host's own limit (<c>HostOptions.ShutdownTimeout</c>, 30 seconds) ends it, too: keep this below.</summary>
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Gets or sets <see cref="HubOptions.ShutdownGrace"/> of the hubs; five seconds unless it is set.</summary>
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Gets or sets <see cref="HubOptions.DeadlockPatience"/> of the hubs, null for hubs that never look for deadlocks. Not
    /// set it is null: in a service, one run may wait for what a later one does.</summary>
    public TimeSpan? DeadlockPatience { get; set; }

    /// <summary>Gets or sets <see cref="HubOptions.KeepsSpawnStacks"/> of the hubs; off unless it is set.</summary>
    public bool KeepsSpawnStacks { get; set; }

    /// <summary>Gets or sets for how long a hub may be kept from going on before the log warns of it; null for no warnings. One second
    /// unless it is set. A thread watches all hubs of the process.</summary>
    public TimeSpan? WarnWhenBlockedFor { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Gets or sets for how long a hub may be kept from going on before the health check says <c>Unhealthy</c>; two seconds
    /// unless it is set. A check takes no longer than that.</summary>
    public TimeSpan UnhealthyWhenBlockedFor { get; set; } = TimeSpan.FromSeconds(2);
}
