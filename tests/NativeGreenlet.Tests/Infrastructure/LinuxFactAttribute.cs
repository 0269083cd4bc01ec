namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>A test that needs a facility of Linux, such as its limits of resources or its signals.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute()
    {
        if (!OperatingSystem.IsLinux())
        {
            Skip = "Needs a facility of Linux.";
        }
    }
}
