namespace NativeGreenlet.AspNetCore;

/// <summary>On a controller, an action, or the handler of an endpoint: whether <c>UseGreenlets</c> runs its requests on
/// greenlets.</summary>
/// <example><code>
/// app.MapGet("/report", [RunOnGreenlet(false)] async () => await MakeReportAsync());
/// </code></example>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class RunOnGreenletAttribute : Attribute, IRunOnGreenletMetadata
{
    /// <summary>Creates the attribute.</summary>
    /// <param name="runOnGreenlet">Whether it does.</param>
    public RunOnGreenletAttribute(bool runOnGreenlet = true)
    {
        RunOnGreenlet = runOnGreenlet;
    }

    /// <inheritdoc/>
    public bool RunOnGreenlet { get; }
}
