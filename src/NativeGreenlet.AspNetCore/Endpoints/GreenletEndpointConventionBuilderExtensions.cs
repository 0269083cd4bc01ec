using Microsoft.AspNetCore.Http;
using NativeGreenlet;
using NativeGreenlet.AspNetCore;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Greenlets for single endpoints.</summary>
/// <example><code>
/// app.MapGet("/slow", () =&gt; GreenFile.ReadAllText("greeting.txt")).RequireGreenlets();
/// app.MapGet("/fast", () =&gt; "hello").DisableGreenlets();
/// </code></example>
public static class GreenletEndpointConventionBuilderExtensions
{
    /// <summary>
    /// Runs the requests of these endpoints on greenlets, whether there is <c>UseGreenlets</c> or not. Without it, what comes
    /// before the endpoint runs as ever.
    /// </summary>
    /// <typeparam name="TBuilder">The type of the builder.</typeparam>
    /// <param name="builder">The endpoints.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static TBuilder RequireGreenlets<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint =>
        {
            endpoint.Metadata.Add(new RunOnGreenletAttribute());
            if (endpoint.RequestDelegate is { } inner)
            {
                endpoint.RequestDelegate = context => RequestRunner.Of(context.RequestServices).RunAsync(context, inner);
            }
        });
        return builder;
    }

    /// <summary>Keeps <c>UseGreenlets</c> from running the requests of these endpoints on greenlets.</summary>
    /// <typeparam name="TBuilder">The type of the builder.</typeparam>
    /// <param name="builder">The endpoints.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static TBuilder DisableGreenlets<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint => endpoint.Metadata.Add(new RunOnGreenletAttribute(false)));
        return builder;
    }
}
