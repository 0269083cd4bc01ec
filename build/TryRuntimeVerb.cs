namespace NativeGreenlet.Build;

/// <summary><c>try-runtime VERSION</c>: whether the library works on a runtime that nobody has tried yet, in ten minutes.</summary>
internal static class TryRuntimeVerb
{
    private const int StressSeconds = 8;
    private const int FuzzSeconds = 60;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    public static int Run(string version)
    {
        DotnetRuntime runtime = DotnetRuntime.Get(version);
        Toolchain.Current.Need();
        Native.Build(Native.Release);
        Managed.Build(Managed.Solution);

        bool isFast = false;
        List<(string Name, bool Passed)> verdicts = [];
        Try("the self-test", () => Managed.Run("SelfTest", [], runtime) == 0);
        // Greenlets that are OS threads would pass everything, too.
        Try("the backend is Segments (otherwise the self-test above says why not)", () => isFast = IsOnSegments(runtime));
        Try("stress in every configuration", () => StressMatrix.Run(StressSeconds, runtime));
        Try("fuzzer", () => Managed.Run("NativeGreenlet.Fuzz", ["--seconds", $"{FuzzSeconds}"], runtime) == 0);
        Try("tests", () => Managed.Test(new TestRun($"trial on .NET {version}", [Managed.Solution], TestFilters.Trial, runtime), s_patience, needsTests: false));

        Terminal.Say($"On .NET {version}");
        foreach ((string name, bool passed) in verdicts)
        {
            Console.WriteLine($"  {(passed ? "pass" : "FAIL")}  {name}");
        }

        bool all = verdicts.TrueForAll(verdict => verdict.Passed);
        Terminal.Say(all ? $"NativeGreenlet works on .NET {version}."
            : isFast ? $"NativeGreenlet does not work on .NET {version}."
            : $"NativeGreenlet does not know .NET {version}: every greenlet is an OS thread there.");
        return all ? 0 : 1;

        void Try(string name, Func<bool> part)
        {
            Terminal.Say($".NET {version}: {name}");
            verdicts.Add((name, part()));
        }
    }

    private static bool IsOnSegments(DotnetRuntime runtime) =>
        Managed.Run("SelfTest", ["--require", "Segments"], runtime) == 0;
}
