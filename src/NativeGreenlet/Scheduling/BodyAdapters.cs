using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Scheduling;

/// <summary>Bodies of the other shapes as functions of a value: a delegate closed over a delegate, nothing more. Optimized
/// from the first call: unoptimized code would keep `run`, and what it captured, alive while the greenlet lives.</summary>
[StackTraceHidden]
internal static class BodyAdapters
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static object? IgnoreValue(this Func<object?> run, object? value)
    {
        _ = value;
        return run();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static object? ReturnNull(this Action run, object? value)
    {
        _ = value;
        run();
        return null;
    }
}
