using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Fuzzing;

/// <summary>Runs the fuzzer (<c>tests/fuzz</c>) in a process of its own.</summary>
internal static class Fuzzer
{
    /// <summary>Its exit code for a failure that plain threads do not show.</summary>
    public const int Ours = 1;

    /// <summary>Its exit code for a failure that plain threads show, too.</summary>
    public const int NotOurs = 3;

    /// <summary>The seeds of traces that once failed.</summary>
    public const string Seeds = "fuzz-seeds.txt";

    private const string Assembly = "NativeGreenlet.Fuzz.dll";

    // It ends by itself, even when a trace does not.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs it, whatever comes of it.</summary>
    public static ChildProcess Run(string arguments, params (string Name, string Value)[] environment) =>
        ChildProcess.Run(Assembly, arguments, s_patience, [("NATIVEGREENLET_BACKEND", "segments"), .. environment]);

    /// <summary>Asserts what it found, whose fault it called that, and that it said how to repeat it.</summary>
    public static void IsBlamedOn(int exitCode, string verdict, ChildProcess child)
    {
        Assert.True(child.ExitCode == exitCode, child.ToString());
        Assert.True(child.Output.Contains(verdict, StringComparison.Ordinal), child.ToString());
        Assert.True(child.Output.Contains("repeat: ", StringComparison.Ordinal), child.ToString());
    }
}
