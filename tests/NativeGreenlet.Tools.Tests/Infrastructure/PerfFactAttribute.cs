using System.Runtime.CompilerServices;

namespace NativeGreenlet.Tools.Tests.Infrastructure;

/// <summary>A test that needs perf, and the right to take samples with it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PerfFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> s_obstacle = new(FindObstacle);

    public PerfFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber) => Skip = s_obstacle.Value;

    private static string? FindObstacle()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "Only on Linux.";
        }

        if (!Tool.Exists("perf"))
        {
            return "perf is not installed (apt-get install linux-perf).";
        }

        (int exitCode, string output) = Tool.Run("perf", "record", "-e", "cpu-clock:u", "-o", "/dev/null", "--", "/bin/true");
        return exitCode == 0 ? null : $"perf may not take samples here (kernel.perf_event_paranoid): {output.Trim()}";
    }
}
