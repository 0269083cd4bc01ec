using Microsoft.Extensions.DependencyInjection.Extensions;
using NativeGreenlet.AspNetCore;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds what <c>UseGreenlets</c> needs.</summary>
/// <example><code>
/// WebApplicationBuilder builder = WebApplication.CreateBuilder();
/// builder.Services.AddGreenlets(options =&gt; options.Hubs = 4);
/// </code></example>
public static class GreenletServiceCollectionExtensions
{
    /// <summary>Adds the hubs on which requests run. They end with the service provider, after the server.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets options.</param>
    /// <returns>The services.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IServiceCollection AddGreenlets(this IServiceCollection services, Action<GreenRequestOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<GreenRequestOptions>()
            .Validate(options => options.Hubs is null or > 0, $"{nameof(GreenRequestOptions.Hubs)} must be positive, or null.")
            .Validate(options => options.MaxConcurrentRequests is null or > 0, $"{nameof(GreenRequestOptions.MaxConcurrentRequests)} must be positive, or null.")
            .Validate(options => options.QueueLimit >= 0, $"{nameof(GreenRequestOptions.QueueLimit)} must not be negative.")
            .Validate(options => options.WarnWhenBlockedFor is null || options.WarnWhenBlockedFor >= TimeSpan.FromMilliseconds(1), $"{nameof(GreenRequestOptions.WarnWhenBlockedFor)} must be at least a millisecond, or null.");
        services.TryAddSingleton<RequestRunner>();
        return configure is null ? services : services.Configure(configure);
    }
}
