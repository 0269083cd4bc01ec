namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>The backends that something is about.</summary>
[Flags]
public enum Backends
{
    None = 0,
    Segments = 1,
    Slices = 2,
    Threads = 4,
}
