namespace NativeGreenlet.AspNetCore;

/// <summary>Metadata of an endpoint: whether <c>UseGreenlets</c> runs its requests on greenlets. The last one
/// counts.</summary>
public interface IRunOnGreenletMetadata
{
    /// <summary>Whether it does.</summary>
    bool RunOnGreenlet { get; }
}
