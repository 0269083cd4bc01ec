using System.Runtime.CompilerServices;

namespace NativeGreenlet.Tools.Tests.Infrastructure;

/// <summary>A test that needs gdb, one that can run Python and may debug other processes.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GdbFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> s_obstacle = new(FindObstacle);

    public GdbFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber) => Skip = s_obstacle.Value;

    private static string? FindObstacle()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "Only on Linux.";
        }

        if (!Tool.Exists("gdb"))
        {
            return "gdb is not installed (apt-get install gdb).";
        }

        string output = Tool.Run("gdb", "-nx", "-batch", "-ex", "python print('py' + 'thon')", "-ex", "run", "--args", "/bin/true").Output;
        if (!output.Contains("python", StringComparison.Ordinal))
        {
            return "This gdb is built without Python.";
        }

        return output.Contains("exited normally", StringComparison.Ordinal) ? null : $"gdb may not debug other processes here: {output.Trim()}";
    }
}
