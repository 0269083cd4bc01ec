namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>A test of what is so on Windows only.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class WindowsFactAttribute : FactAttribute
{
    public WindowsFactAttribute()
    {
        if (!OperatingSystem.IsWindows())
        {
            Skip = "Only on Windows.";
        }
    }
}
