using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection.Extensions;
using NativeGreenlet.AspNetCore;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds greenlets to SignalR.</summary>
/// <example><code>
/// WebApplicationBuilder builder = WebApplication.CreateBuilder();
/// builder.Services.AddSignalR().AddGreenlets();
/// </code></example>
public static class GreenletSignalRBuilderExtensions
{
    /// <summary>Runs the methods of SignalR's hubs on the hubs of requests: those written synchronously hold no thread while they
    /// wait.</summary>
    /// <param name="builder">What <c>AddSignalR</c> returned.</param>
    /// <returns>The same.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static ISignalRServerBuilder AddGreenlets(this ISignalRServerBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddGreenlets();
        builder.Services.TryAddSingleton<GreenHubFilter>();
        builder.Services.Configure<HubOptions>(options => options.AddFilter<GreenHubFilter>());
        return builder;
    }
}
