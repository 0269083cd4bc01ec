namespace NativeGreenlet;

/// <summary>Which <see cref="ExecutionContext"/> (the values of <see cref="AsyncLocal{T}"/>) a new greenlet has.</summary>
public enum ContextFlow
{
    /// <summary>A copy of its creator's, as for a new thread or task. The default.</summary>
    Capture,

    /// <summary>An empty one, as greenlet does.</summary>
    Empty,

    /// <summary>Its creator's own: changes made in either are seen by both.</summary>
    Share,
}
