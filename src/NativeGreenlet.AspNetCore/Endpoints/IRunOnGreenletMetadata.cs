namespace NativeGreenlet.AspNetCore;

/// <summary>Metadata of an endpoint: whether <c>UseGreenlets</c> runs its requests on greenlets. The last one
/// counts.</summary>
/// <example><code>
/// bool? wanted = app.Services.GetRequiredService&lt;Microsoft.AspNetCore.Routing.EndpointDataSource&gt;().Endpoints[0]
///     .Metadata.GetMetadata&lt;IRunOnGreenletMetadata&gt;()?.RunOnGreenlet;
/// </code></example>
public interface IRunOnGreenletMetadata
{
    /// <summary>Gets whether <c>UseGreenlets</c> runs the endpoint's requests on greenlets.</summary>
    bool RunOnGreenlet { get; }
}
