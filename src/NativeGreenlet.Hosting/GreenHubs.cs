using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Hosting;

/// <summary>Has the hubs of a host. They are there while the host runs: it starts them first, and ends them last.</summary>
/// <example><code>
/// HostApplicationBuilder builder = Host.CreateApplicationBuilder();
/// builder.Services.AddGreenHosting();
/// using IHost host = builder.Build();
/// await host.StartAsync();
/// GreenHubs hubs = host.Services.GetRequiredService&lt;GreenHubs&gt;();
/// await hubs.Pool.RunAsync(() =&gt; Hub.Sleep(TimeSpan.FromSeconds(1)));
/// </code></example>
public sealed class GreenHubs
{
    private volatile HubPool? _pool;

    internal GreenHubs()
    {
    }

    /// <summary>Gets the hubs. The host ends them; nobody else needs to.</summary>
    /// <exception cref="InvalidOperationException">The host has not started.</exception>
    public HubPool Pool => _pool ?? throw new InvalidOperationException("The hubs are there when the host has started. Use them in hosted services and in what these call.");

    internal HubPool? PoolOrNull => _pool;

    internal void Set(HubPool pool) => _pool = pool;
}
