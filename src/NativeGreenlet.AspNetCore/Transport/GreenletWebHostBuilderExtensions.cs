using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using NativeGreenlet.AspNetCore;
using NativeGreenlet.Cooperative;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Adds the transport that has Kestrel's connections on hubs.</summary>
/// <example><code>
/// WebApplicationBuilder builder = WebApplication.CreateBuilder();
/// builder.WebHost.UseGreenletTransport();
/// builder.Services.AddGreenlets();
/// WebApplication web = builder.Build();
/// web.UseGreenlets();
/// web.MapGet("/", () =&gt;
/// {
///     Hub.Sleep(TimeSpan.FromSeconds(1)); // in the hub that has read the request
///     return "hello";
/// });
/// web.Run();
/// </code></example>
public static class GreenletWebHostBuilderExtensions
{
    /// <summary>
    /// Has each of Kestrel's connections live on one hub: it waits for the bytes, Kestrel reads requests there, and those that
    /// <c>UseGreenlets</c> takes run there and are answered, without any other thread.
    /// </summary>
    /// <remarks>
    /// <para>A handler that is not run on greenlets runs in the hub between its tasks until its first <c>await</c>: what blocks or computes
    /// there keeps the hub's other connections from going on, as it does in a handler on greenlets. The connections of a hub that has not
    /// gone on for a second go to other hubs.</para>
    /// <para>Where hubs do not wait for sockets (<see cref="HubSocketEvents.IsSupported"/>), and for endpoints other than TCP and Unix
    /// sockets, the transport of ASP.NET Core is used. Call it after <c>UseSockets</c>, if that is called: Kestrel takes the last one.</para>
    /// </remarks>
    /// <param name="builder">The builder of the web host.</param>
    /// <param name="configure">Sets options.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IWebHostBuilder UseGreenletTransport(this IWebHostBuilder builder, Action<GreenletTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(services =>
        {
            services.AddGreenlets();
            services.AddOptions<GreenletTransportOptions>()
                .Validate(options => options.Backlog > 0, $"{nameof(GreenletTransportOptions.Backlog)} must be positive.")
                .Validate(options => options.MaxReadBufferSize is null or > 0, $"{nameof(GreenletTransportOptions.MaxReadBufferSize)} must be positive, or null.")
                .Validate(options => options.MaxWriteBufferSize is null or > 0, $"{nameof(GreenletTransportOptions.MaxWriteBufferSize)} must be positive, or null.");
            services.AddSingleton<IConnectionListenerFactory, GreenletTransportFactory>();
            if (configure is not null)
            {
                services.Configure(configure);
            }
        });
    }
}
