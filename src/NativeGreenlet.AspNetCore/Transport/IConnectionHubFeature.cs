using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>Which hub a connection lives on.</summary>
internal interface IConnectionHubFeature
{
    /// <summary>The hub.</summary>
    Hub Hub { get; }

    /// <summary>Takes the bodies of its last request, if nobody has; null if there are none.</summary>
    GreenBodies? TakeBodies();

    /// <summary>Keeps the bodies of a request that has ended for the next one.</summary>
    void ReturnBodies(GreenBodies bodies);
}
