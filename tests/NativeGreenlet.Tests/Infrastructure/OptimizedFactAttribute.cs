using System.Runtime.CompilerServices;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>A test of what the collector sees inside running methods. Skipped in debug builds, which keep every variable
/// alive to the end of its method.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OptimizedFactAttribute : FactAttribute
{
    /// <summary>Why it is skipped.</summary>
    internal const string Reason = "A debug build keeps variables alive to the end of their method.";

#if DEBUG
    internal static bool IsDebug => true;
#else
    internal static bool IsDebug => false;
#endif

    public OptimizedFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        if (IsDebug)
        {
            Skip = Reason;
        }
    }
}
