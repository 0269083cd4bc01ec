using Microsoft.Extensions.DependencyInjection;
using NativeGreenlet.Orleans.Engine;
using Orleans;
using Orleans.Hosting;
using Orleans.Runtime;

namespace NativeGreenlet.Orleans;

/// <summary>Adds greenlets to a silo.</summary>
/// <example><code>
/// HostApplicationBuilder builder = Host.CreateApplicationBuilder();
/// builder.UseOrleans(siloBuilder => siloBuilder
///     .UseLocalhostClustering()
///     .AddGreenlets());
/// </code></example>
public static class GreenletSiloBuilderExtensions
{
    /// <summary>Adds hubs that live as long as the silo, on which the calls of what has the attribute <see cref="RunOnGreenletsAttribute"/>
    /// run. Call filters that are added before run outside of them, those that are added later inside.</summary>
    /// <remarks>When the silo starts, an <see cref="InvalidOperationException"/> tells if this is an Orleans that the package does not know, or if
    /// the attribute is where it can do nothing.</remarks>
    /// <param name="siloBuilder">The silo.</param>
    /// <param name="configure">Sets the options; null for what they are.</param>
    /// <returns>The silo.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="siloBuilder"/> is null.</exception>
    public static ISiloBuilder AddGreenlets(this ISiloBuilder siloBuilder, Action<OrleansGreenletOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(siloBuilder);
        IServiceCollection services = siloBuilder.Services;
        services.AddOptions<OrleansGreenletOptions>();
        if (configure is not null)
        {
            services.Configure(configure);
        }

        if (services.All(static service => service.ServiceType != typeof(SiloHubs)))
        {
            services.AddSingleton<SiloHubs>();
            services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>>(static provider => provider.GetRequiredService<SiloHubs>());
            siloBuilder.AddIncomingGrainCallFilter<GreenletCallFilter>();
        }

        return siloBuilder;
    }
}
