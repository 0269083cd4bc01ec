using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>Which hub a connection lives on.</summary>
internal interface IConnectionHubFeature
{
    /// <summary>The hub.</summary>
    Hub Hub { get; }
}
