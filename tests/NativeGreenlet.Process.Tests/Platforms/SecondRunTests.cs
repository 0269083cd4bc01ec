using NativeGreenlet.Build;

namespace NativeGreenlet.Tests.Platforms;

/// <summary>What a run of tests says of those that failed, and which of them may pass when they run alone.</summary>
public sealed class SecondRunTests : IDisposable
{
    private const string Waits = "NativeGreenlet.Cooperative.Tests.Hubs.SleepTests.It_waits";

    private readonly DirectoryInfo _results = Directory.CreateTempSubdirectory("results");

    public void Dispose() => _results.Delete(recursive: true);

    [Fact]
    public void A_few_tests_that_wait_may_pass_alone()
    {
        Assert.True(SecondRun.MayPass([Failure(Waits)]));
        Assert.True(SecondRun.MayPass([Failure(Waits), Failure($"{Waits}(times: 3)"), Failure("NativeGreenlet.Cooperative.Tests.Faults.TableTests.It_is_told")]));
        Assert.True(SecondRun.MayPass([Failure("NativeGreenlet.Tests.Fuzzing.FuzzerVerdictTests.Wrong_usage_is_told(arguments: \"--speed 9\")")]));
    }

    [Fact]
    public void Many_failures_are_no_bad_luck() => Assert.False(SecondRun.MayPass([.. Enumerable.Repeat(Failure(Waits), 4)]));

    [Theory]
    [InlineData("NativeGreenlet.Tests.Survival.CrowdTests.Greenlets_survive")]
    [InlineData("NativeGreenlet.Tests.Fuzzing.FuzzerTests.Random_traces(backend: \"segments\")")]
    [InlineData("NativeGreenlet.Tests.Slices.SliceTests.It_lives")]
    [InlineData("NativeGreenlet.Tests.Leaks.LeakTests.Nothing_leaks")]
    [InlineData("NativeGreenlet.Cooperative.Tests.Leaks.GrowthTests.It_is_flat")]
    [InlineData(null)]
    public void Neither_a_test_of_memory_nor_a_crash_has_a_second_chance(string? test) =>
        Assert.False(SecondRun.MayPass([Failure(Waits), Failure(test)]));

    [Fact]
    public void A_run_that_failed_without_a_failing_test_has_none() => Assert.False(SecondRun.MayPass([]));

    [Fact]
    public void Result_files_say_what_failed_and_which_process_ended()
    {
        File.WriteAllText(Path.Combine(_results.FullName, "some.trx"), """
            <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
              <Results>
                <UnitTestResult testName="A.B.Passes" outcome="Passed" />
                <UnitTestResult testName="A.B.Fails(count: 3)" outcome="Failed"><Output><ErrorInfo><Message>first
            second
            third
            fourth
            fifth
            exit code 134</Message></ErrorInfo></Output></UnitTestResult>
              </Results>
              <TestDefinitions><UnitTest storage="bin/a.tests.dll" /></TestDefinitions>
              <ResultSummary><RunInfos>
                <RunInfo outcome="Error"><Text>The test host
            crashed</Text></RunInfo>
              </RunInfos></ResultSummary>
            </TestRun>
            """);

        IReadOnlyList<TestFailure> failures = TestResults.Failures(_results.FullName, DateTime.UtcNow - TimeSpan.FromDays(1));

        Assert.Equal(["A.B.Fails", null], failures.Select(failure => failure.Method));
        Assert.All(failures, failure => Assert.Equal("a.tests.dll", failure.Assembly));
        Assert.StartsWith("A.B.Fails(count: 3): first | ... | third | fourth | fifth | exit code 134 (", failures[0].ToString(), StringComparison.Ordinal);
        Assert.StartsWith("a.tests.dll: The test host crashed (", failures[1].ToString(), StringComparison.Ordinal);
        Assert.Empty(TestResults.Failures(_results.FullName, DateTime.UtcNow + TimeSpan.FromDays(1)));
    }

    private static TestFailure Failure(string? test) => new("a.dll", test, "too late", "some.trx");
}
