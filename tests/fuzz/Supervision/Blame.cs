namespace NativeGreenlet.Fuzz.Supervision;

/// <summary>Whose fault a failure is.</summary>
internal enum Blame
{
    /// <summary>It shows on greenlets, and not on plain threads.</summary>
    Greenlets,

    /// <summary>It shows on plain threads, where nothing of the library is even loaded.</summary>
    Runtime,

    /// <summary>It showed once, in a process that had both. Counts as ours.</summary>
    Unknown,
}
