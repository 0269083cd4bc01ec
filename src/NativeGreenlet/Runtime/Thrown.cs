namespace NativeGreenlet.Runtime;

/// <summary>How an entry for an exception in flight keeps it.</summary>
/// <param name="Offset">Where in the entry.</param>
/// <param name="IsHandle">A handle to it, which the entry owns; else the reference itself.</param>
internal readonly record struct Thrown(uint Offset, bool IsHandle);
