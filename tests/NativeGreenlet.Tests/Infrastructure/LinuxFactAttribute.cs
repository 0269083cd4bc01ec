namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>A test of something that is there on Linux, or was only tried there.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute()
    {
        if (!OperatingSystem.IsLinux())
        {
            Skip = "Only on Linux.";
        }
    }
}
