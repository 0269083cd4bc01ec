using Microsoft.Extensions.Diagnostics.HealthChecks;
using NativeGreenlet.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the health check of hubs.</summary>
/// <example><code>
/// WebApplicationBuilder builder = WebApplication.CreateBuilder();
/// builder.Services.AddHealthChecks().AddGreenHubs(tags: ["live"]);
/// </code></example>
public static class GreenHealthChecksBuilderExtensions
{
    /// <summary>Adds a check that every hub of the process turns (<see cref="GreenHubsHealthCheck"/>).</summary>
    /// <param name="builder">The checks.</param>
    /// <param name="name">The name of the check.</param>
    /// <param name="failureStatus">What it says if one does not; null for <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags, by which endpoints choose checks.</param>
    /// <returns>The checks.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IHealthChecksBuilder AddGreenHubs(this IHealthChecksBuilder builder, string name = "greenlets", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddGreenHosting();
        builder.Services.AddSingleton<GreenHubsHealthCheck>();
        return builder.Add(new HealthCheckRegistration(name, provider => provider.GetRequiredService<GreenHubsHealthCheck>(), failureStatus, tags));
    }
}
