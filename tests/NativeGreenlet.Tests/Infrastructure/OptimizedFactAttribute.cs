namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>A test of what the collector sees inside running methods. Skipped in debug builds, which keep every variable
/// alive to the end of its method.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OptimizedFactAttribute : FactAttribute
{
#if DEBUG
    public OptimizedFactAttribute() => Skip = "A debug build keeps variables alive to the end of their method.";
#endif
}
