using System.Globalization;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Survival;

/// <summary>Runs the stress program (<c>tests/stress</c>) in a process of its own.</summary>
internal static class Stress
{
    private const string Assembly = "NativeGreenlet.Stress.dll";

    // It ends by itself when nothing moves for a minute.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>The environment of a process whose greenlets are slices.</summary>
    public static (string Name, string Value)[] OnSlices { get; } = [("NATIVEGREENLET_BACKEND", "slices"), ("DOTNET_gcConservative", "1")];

    /// <summary>Runs it, whatever comes of it.</summary>
    public static ChildProcess Run(string arguments, params (string Name, string Value)[] environment) =>
        ChildProcess.Run(Assembly, arguments, s_patience, [("NATIVEGREENLET_BACKEND", "segments"), .. environment]);

    /// <summary>Runs a scenario for so long; everything must be as it should.</summary>
    public static ChildProcess Survives(string arguments, int seconds, params (string Name, string Value)[] environment) =>
        Survives(string.Create(CultureInfo.InvariantCulture, $"{arguments} --seconds {seconds}"), environment);

    /// <summary>Runs it; everything must be as it should.</summary>
    public static ChildProcess Survives(string arguments, params (string Name, string Value)[] environment)
    {
        ChildProcess child = Run(arguments, environment);
        IsOk(child);
        return child;
    }

    /// <summary>Fails unless everything was as it should.</summary>
    public static void IsOk(ChildProcess child)
    {
        Assert.True(!child.IsTimedOut && child.ExitCode == 0, child.ToString());
        Assert.True(child.Output.StartsWith("expect: ok", StringComparison.Ordinal), child.ToString());
        Assert.True(child.Output.Split('\n')[^1].StartsWith("ok", StringComparison.Ordinal), child.ToString());
    }
}
