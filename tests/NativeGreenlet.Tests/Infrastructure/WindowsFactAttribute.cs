using System.Runtime.CompilerServices;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>A test of what is so on Windows only.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class WindowsFactAttribute : FactAttribute
{
    public WindowsFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        if (!OperatingSystem.IsWindows())
        {
            Skip = "Only on Windows.";
        }
    }
}
