namespace NativeGreenlet.Fuzz.Supervision;

/// <summary>How a child process ended.</summary>
internal enum Ending
{
    /// <summary>All was as it should be.</summary>
    Passed,

    /// <summary>A comparison failed.</summary>
    Corrupt,

    /// <summary>Greenlets and plain threads did not do the same, or a trace not the same each time.</summary>
    Differs,

    /// <summary>The process died.</summary>
    Crashed,

    /// <summary>A trace did not end.</summary>
    Hung,
}
