using System.Runtime.CompilerServices;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>A test of something that is there on Linux, or was only tried there.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber)
    {
        if (!OperatingSystem.IsLinux())
        {
            Skip = "Only on Linux.";
        }
    }
}
