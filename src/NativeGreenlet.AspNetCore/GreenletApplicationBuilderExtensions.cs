using Microsoft.AspNetCore.Http;
using NativeGreenlet;
using NativeGreenlet.AspNetCore;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Adds greenlets to the pipeline of requests.</summary>
/// <example><code>
/// WebApplicationBuilder builder = WebApplication.CreateBuilder();
/// builder.Services.AddGreenlets();
/// WebApplication web = builder.Build();
/// web.UseGreenlets();
/// web.MapGet("/", () =&gt;
/// {
///     Hub.Sleep(TimeSpan.FromSeconds(1)); // holds no thread
///     return "hello";
/// });
/// web.Run();
/// </code></example>
public static class GreenletApplicationBuilderExtensions
{
    /// <summary>
    /// Runs requests on hubs from here on: what waits in a synchronous way, by <c>Hub.Await</c>, <c>Hub.Sleep</c>, on the
    /// bodies of request and response, parks its greenlet and holds no thread. Asynchronous code works as ever, and comes back
    /// to its hub after an <c>await</c>.
    /// </summary>
    /// <remarks>Place it before whatever is written that way, and after what handles exceptions.</remarks>
    /// <param name="app">The pipeline.</param>
    /// <returns>The pipeline.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="app"/> is null.</exception>
    /// <exception cref="InvalidOperationException"><c>AddGreenlets</c> was not called.</exception>
    /// <exception cref="GreenletException">Greenlets cannot run in this process as it was asked for; the message says
    /// why.</exception>
    public static IApplicationBuilder UseGreenlets(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        RequestRunner runner = RequestRunner.Of(app.ApplicationServices);
        return app.Use(next => context => runner.IsWanted(context.GetEndpoint()) ? runner.RunAsync(context, next) : next(context));
    }
}
