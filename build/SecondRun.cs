namespace NativeGreenlet.Build;

/// <summary>Runs a test again that failed while others ran, with nothing beside it.</summary>
/// <remarks>Suites share the processors, so a test may fail because it waited for them. Alone, in the same configuration, it must pass
/// twice in a row. A test that a corrupted heap or a lost reference can fail is never run again, nor is one after a crash, and few
/// failures in one run are taken for bad luck. Each is named when everything has run: it needs mending, too.</remarks>
internal static class SecondRun
{
    private const int Rounds = 2;
    private const int MostFailures = 3;

    private static readonly List<TestFailure> s_passedAlone = [];

    /// <summary>The failures that were not repeated.</summary>
    public static IReadOnlyList<TestFailure> PassedAlone => s_passedAlone;

    /// <summary>Whether what failed in some runs passes alone.</summary>
    /// <param name="runs">The runs that failed.</param>
    /// <param name="start">When they began.</param>
    public static bool Passes(IReadOnlyList<TestRun> runs, DateTime start)
    {
        (TestRun Run, TestFailure Failure)[] failures = [.. runs.SelectMany(run => TestResults.Failures(run.Results, start).Select(failure => (run, failure)))];
        foreach ((_, TestFailure failure) in failures)
        {
            Terminal.Say($"Failed: {failure}");
        }

        if (!MayPass([.. failures.Select(each => each.Failure)]) || runs.Any(run => !failures.Any(each => each.Run == run)))
        {
            return false;
        }

        foreach ((TestRun run, TestFailure failure) in failures.DistinctBy(each => (each.Run, each.Failure.Method)))
        {
            TestRun alone = run with { Name = $"{run.Name}, alone", Subjects = [Assembly(run, failure)], Filter = $"FullyQualifiedName={failure.Method}" };
            for (int round = 0; round < Rounds; round++)
            {
                Terminal.Say($"Alone: {failure.Method} ({run.Name}, {round + 1} of {Rounds})");
                if (!alone.Run(needsTests: true))
                {
                    return false;
                }
            }
        }

        s_passedAlone.AddRange(failures.Select(each => each.Failure));
        return true;
    }

    private static string Assembly(TestRun run, TestFailure failure) =>
        run.Assemblies.Single(assembly => Path.GetFileName(assembly).Equals(failure.Assembly, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether the failures are of a kind that may pass alone, and few enough.</summary>
    public static bool MayPass(IReadOnlyList<TestFailure> failures) =>
        failures.Count is > 0 and <= MostFailures && failures.All(failure => failure.Method is { } method && !TestFilters.IsAboutMemory(method));
}
