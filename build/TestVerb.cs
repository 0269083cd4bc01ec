namespace NativeGreenlet.Build;

/// <summary><c>test</c>: what is named and nothing else; or all that guards correctness; or everything.</summary>
internal static class TestVerb
{
    private const int MatrixSeconds = 8;
    private const int OtherMatrixSeconds = 4; // on another runtime
    private const int FuzzSeconds = 30;
    private const string Named = "named tests";

    private static readonly string[] s_asserting = ["NativeGreenlet.Tests", "NativeGreenlet.Cooperative.Tests"];
    private static readonly Shell.Variables s_checked = new() { ["NATIVEGREENLET_CHECK"] = "1" };
    private static readonly Shell.Variables s_unfrozen = new() { ["NATIVEGREENLET_FREEZE"] = "off" };
    private static readonly Shell.Variables s_onThreads = new() { ["NATIVEGREENLET_BACKEND"] = "threads" };
    private static readonly Shell.Variables s_onSlices = new() { ["NATIVEGREENLET_BACKEND"] = "slices", ["DOTNET_gcConservative"] = "1" };

    /// <summary>Runs the verb.</summary>
    /// <param name="words">Names of tests, then arguments for xunit's runner; or <c>full</c>.</param>
    /// <param name="version">The runtime to run on; null: the SDK's.</param>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> words, string? version)
    {
        DotnetRuntime? runtime = version is null ? null : DotnetRuntime.Get(version);
        bool isFull = words is ["full", ..];
        string[] rest = [.. words.Skip(isFull ? 1 : 0)];
        string[] names = [.. rest.TakeWhile(word => !word.StartsWith('-'))];
        string[] arguments = rest[names.Length..];
        if (isFull && rest.Length != 0)
        {
            throw new StopException($"test full runs everything, and takes no '{rest[0]}'.");
        }

        return rest.Length != 0 ? RunSome(names, arguments, runtime)
            : runtime is not null ? RunParts([.. BuildParts(), .. RuntimeParts(runtime)])
            : RunParts(isFull ? [.. FullParts()] : [.. ShortParts()]);
    }

    /// <summary>Everything, whatever other parts did; then the first failure decides.</summary>
    public static int RunParts(Part[] parts)
    {
        List<string> failed = [];
        for (int i = 0; i < parts.Length; i++)
        {
            Terminal.SayPart(i + 1, parts.Length, parts[i].Name);
            if (!parts[i].Run())
            {
                failed.Add(parts[i].Name);
            }
        }

        foreach (TestFailure failure in SecondRun.PassedAlone)
        {
            Terminal.Say($"Failed beside others, passed alone, needs mending: {failure}");
        }

        if (failed.Count == 0)
        {
            return 0;
        }

        foreach (FailedProgram program in FailedProgram.All)
        {
            program.Show();
        }

        foreach (TestFailure failure in TestResults.Failures(TestResults.Directory).Except(SecondRun.PassedAlone))
        {
            Terminal.Say($"Failed: {failure}");
        }

        throw new StopException($"FAILED: {string.Join("; ", failed)}");
    }

    /// <summary>The tests that a runtime must pass, the stress and the fuzzer on it.</summary>
    public static IEnumerable<Part> RuntimeParts(DotnetRuntime runtime) =>
        [.. RuntimeStressParts(runtime), RuntimeTestPart(runtime)];

    private static IEnumerable<Part> BuildParts()
    {
        Toolchain.Current.Need();
        yield return new Part("Build", () =>
        {
            Native.Build(Native.Release);
            Managed.Build(Managed.Solution);
            return true;
        });
    }

    // A build that fails ends everything: nothing after it would say more.
    private static IEnumerable<Part> ShortParts() =>
    [
        .. PreparationParts(),
        TestsPart(),
        EditorsPart(),
    ];

    private static IEnumerable<Part> FullParts()
    {
        DotnetRuntime[] runtimes = [.. DotnetRuntime.Tested.Select(DotnetRuntime.Get)];
        if (OperatingSystem.IsLinux())
        {
            Install(["debuggers", "servers"]);
        }

        return
        [
            .. PreparationParts(),
            .. OperatingSystem.IsLinux() ? [new Part("Checks of the C library", () => Shell.Run("native/check.sh", ["--optional", "quick"]) == 0)] : Array.Empty<Part>(),
            new Part("Stress in every configuration", () => StressMatrix.Run(MatrixSeconds, null)),
            .. runtimes.SelectMany(RuntimeStressParts),
            TestsPart(),
            LongTestsPart(runtimes),
            .. OperatingSystem.IsLinux() ? [new Part("Packages: templates and the README's server", () => CheckVerb.Run(["package", "contents", "templates", "production"]) == 0)] : Array.Empty<Part>(),
            new Part("Managed tests, Release: what measures", () => TestMeasured(null)),
            .. runtimes.Select(runtime => new Part($"Managed tests, Release: what measures, on .NET {runtime.Version}", () => TestMeasured(runtime))),
            EditorsPart(),
        ];
    }

    private static IEnumerable<Part> PreparationParts()
    {
        Toolchain.Current.Need();
        yield return new Part("Build", () =>
        {
            Native.Build(Native.Release);
            Native.Build(Native.Debug);
            Managed.Build(Managed.Solution);
            return true;
        });
    }

    // The tests in C and in C#, on every backend.
    private static Part TestsPart() => new("Tests: C in Release and Debug; C# on each backend, side by side", () => TestPool.Run(
        [
            new TestRun("all tests", [Managed.Solution], TestFilters.Short),
            new TestRun("tests on threads", [Managed.Solution], TestFilters.OtherBackend, null, s_onThreads),
            .. OperatingSystem.IsLinux() ? [new TestRun("tests on slices", [Managed.Solution], TestFilters.OtherBackend, null, s_onSlices)] : Array.Empty<TestRun>(),
        ],
        Native.Release,
        Native.Debug));

    // Editors start tests through an adapter. Nothing else here does, so this shows that it finds them.
    private static Part EditorsPart() => new("One test assembly by dotnet test, as editors run it", () => Managed.TestAsEditors(Managed.Assembly("NativeGreenlet.Polly.Tests")));

    private static IEnumerable<Part> RuntimeStressParts(DotnetRuntime runtime) =>
    [
        new Part($"Self-test on .NET {runtime.Version}", () => Managed.Passes($"Self-test on .NET {runtime.Version}", "SelfTest", [], runtime)),
        new Part($"Stress in every configuration on .NET {runtime.Version}", () => StressMatrix.Run(OtherMatrixSeconds, runtime)),
        new Part($"Fuzzer on .NET {runtime.Version}", () => Managed.Passes($"Fuzzer on .NET {runtime.Version}", "NativeGreenlet.Fuzz", ["--seconds", $"{FuzzSeconds}"], runtime)),
    ];

    // Every switch is checked on those that are patches of the SDK's own, which has run the same tests without.
    private static Shell.Variables? Checks(DotnetRuntime runtime) =>
        runtime.Version.StartsWith($"{Environment.Version.Major}.", StringComparison.Ordinal) ? s_checked : null;

    private static Part RuntimeTestPart(DotnetRuntime runtime) => new(
        $"Managed tests, Release: on .NET {runtime.Version}{(Checks(runtime) is null ? string.Empty : ", every switch checked")}",
        () => Test(new TestRun($"tests on .NET {runtime.Version}", [Managed.Solution], TestFilters.OtherRuntime, runtime, Checks(runtime))));

    // Assertions are tested in the two libraries that have any.
    private static Part LongTestsPart(DotnetRuntime[] runtimes) => new(
        $"Managed tests, Release: the long ones; the rest on each backend; without freezing; Debug, with assertions; all on .NET {string.Join(" and ", runtimes.Select(runtime => runtime.Version))}, side by side",
        () =>
        {
            string[] asserting = [.. s_asserting.Select(Managed.BuildWithAssertions)];
            return TestPool.Run(
            [
                new TestRun("long tests of leaks", [.. LeakingAssemblies()], TestFilters.Leaks),
                new TestRun("long tests", [Managed.Solution], TestFilters.LongWithoutLeaks),
                .. runtimes.Select(runtime => new TestRun($"tests on .NET {runtime.Version}", [Managed.Solution], TestFilters.SideBySide, runtime, Checks(runtime))),
                new TestRun("more tests on threads", [Managed.Solution], TestFilters.OtherBackendLong, null, s_onThreads),
                .. OperatingSystem.IsLinux() ? [new TestRun("more tests on slices", [Managed.Solution], TestFilters.OtherBackendLong, null, s_onSlices)] : Array.Empty<TestRun>(),
                new TestRun("tests without freezing", [Managed.Solution], TestFilters.Unfrozen, null, s_unfrozen),
                new TestRun("tests with assertions", asserting, TestFilters.Asserting),
            ]);
        });

    // Those that have tests of leaks, in a folder of that name.
    private static IEnumerable<string> LeakingAssemblies() =>
        from project in RepositoryFiles.TestProjects()
        where Directory.Exists(Path.Combine(Path.GetDirectoryName(project)!, "Leaks"))
        select Managed.Assembly(Path.GetFileNameWithoutExtension(project));

    // With the processors to themselves.
    private static bool TestMeasured(DotnetRuntime? runtime) => Test(new TestRun(
        runtime is null ? "tests that measure" : $"tests that measure on .NET {runtime.Version}",
        [.. TestSelection.OfFilter(TestFilters.Alone).Projects.Select(project => Managed.Assembly(Path.GetFileNameWithoutExtension(project)))],
        TestFilters.Alone,
        runtime,
        runtime is null ? null : Checks(runtime)));

    private static bool Test(TestRun run)
    {
        DateTime start = DateTime.UtcNow;
        return run.Run() || SecondRun.Passes([run], start);
    }

    // The inner loop: as little as can be.
    private static int RunSome(string[] names, string[] arguments, DotnetRuntime? runtime)
    {
        int option = Array.IndexOf(arguments, "--filter");
        string? filter = option >= 0 && option + 1 < arguments.Length ? arguments[option + 1] : null;
        if (names.Length != 0 && filter is not null)
        {
            throw new StopException("test takes names or --filter, not both.");
        }

        TestSelection selection = names.Length != 0 ? TestSelection.Of(names)
            : filter is not null ? TestSelection.OfFilter(filter)
            : new TestSelection([.. RepositoryFiles.TestProjects()], null, []);
        if (OperatingSystem.IsLinux())
        {
            Install(selection.Installations);
        }

        Native.BuildIfOld();
        bool passed = selection.NativeTests.Length == 0 || Native.Test(Native.Release, "-R", string.Join('|', selection.NativeTests));
        if (selection.Projects.Length == 0)
        {
            return passed ? 0 : 1;
        }

        // One build for one project; for several the solution's, which builds what they share once.
        Managed.Build(selection.Projects is [string only] ? only : Managed.Solution, analyzes: false);

        string[] assemblies = [.. selection.Projects.Select(project => Managed.Assembly(Path.GetFileNameWithoutExtension(project)))];
        string[] others = filter is null ? arguments : [.. arguments[..option], .. arguments[(option + 2)..]];
        return Managed.Test(new TestRun(Named, assemblies, filter ?? selection.Filter, runtime), TestProgram.Patience, needsTests: selection.IsExact, others) && passed ? 0 : 1;
    }

    // What cannot be installed is skipped by its tests, with the reason.
    private static void Install(string[] parts)
    {
        if (parts.Length != 0)
        {
            _ = Shell.Run("native/check.sh", ["--optional", .. parts]);
        }
    }

    /// <summary>Something that passes or fails.</summary>
    internal sealed record Part(string Name, Func<bool> Run);
}
