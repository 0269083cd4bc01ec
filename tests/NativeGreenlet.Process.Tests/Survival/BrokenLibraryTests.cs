using NativeGreenlet.Interop;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Survival;

/// <summary>Would the stress program notice? A library that is broken on purpose must not get through it, for each of the
/// ways in which a stack switch under this runtime can be wrong.</summary>
[Collection(OneAtATime.Name)]
public class BrokenLibraryTests
{
    private const int Seconds = 5;
    private const int Attempts = 3; // one is enough nearly always, but it is a matter of luck what a broken heap does

    [Theory]
    [InlineData("keeper", "hold")]
    [InlineData("lists", "catch")]
    [InlineData("limits", "limits")]
    [InlineData("filters", "filters")]
    [InlineData("locals", "catch")]
    [InlineData("tails", "tailcalls")]
    [InlineData("pins", "loader")]
    [InlineData("pins", "resolver")]
    public void Stress_finds_a_broken_library(string fault, string scenario)
    {
        // Without the search that finds such words whatever becomes of them.
        string arguments = $"--scenario {scenario} --carriers 1 --no-check";
        _ = Stress.Survives(arguments, Seconds);
        _ = Stress.Survives(arguments, Seconds, (NativeEngine.PathVariable, BreakableLibrary.Path));

        for (int i = 0; i < Attempts; i++)
        {
            ChildProcess child = Stress.Run(
                $"{arguments} --seconds {Seconds}",
                (NativeEngine.PathVariable, BreakableLibrary.Path),
                (BreakableLibrary.FaultVariable, fault));
            if (child.ExitCode != 0 || child.IsTimedOut)
            {
                return;
            }
        }

        Assert.Fail($"A library without '{fault}' went through scenario '{scenario}' unnoticed, {Attempts} times.");
    }

    [FactWhere(LeastRuntime = 11)]
    public void Stress_finds_a_library_that_leaves_lists_of_asynchronous_methods_with_the_thread() => Stress_finds_a_broken_library("async", "runtime-async");

    [FactWhere(MostRuntime = 10)]
    public void Stress_finds_a_library_that_lets_native_waits_for_monitors_be_left() => Stress_finds_a_broken_library("pins", "wait");

    [FactWhere(MostRuntime = 10)]
    public void Stress_finds_a_library_that_leaves_the_heads_of_other_lists_with_the_thread() => Stress_finds_a_broken_library("words", "cctor");

    [FactWhere(Cxx = true)]
    public void Stress_finds_a_library_that_leaves_exceptions_of_another_language_with_the_thread() => Stress_finds_a_broken_library("cxx", "cxx");

    [LinuxFact]
    public void Stress_finds_libraries_that_freeze_stacks_wrongly()
    {
        const string Transitions = "transitions"; // no fault: each switch makes one
        foreach ((string scenario, string[] faults) in ((string, string[])[])[("hold", ["slot", "stale", $"{Transitions},slot"]), ("frozen", ["code", "context", $"{Transitions},code", $"{Transitions},context"])])
        {
            string arguments = $"--scenario {scenario} --carriers 1 --no-check --freeze";
            _ = Stress.Survives(arguments, Seconds);
            foreach (string fault in faults)
            {
                ChildProcess child = Stress.Run(
                    $"{arguments} --seconds {Seconds}",
                    (NativeEngine.PathVariable, BreakableLibrary.Path),
                    (BreakableLibrary.FaultVariable, fault));
                Assert.True(child.ExitCode != 0 || child.IsTimedOut, $"'{fault}' went through unnoticed\n{child}");
            }
        }
    }

    // Sharing a record breaks the stack walk of filters only: it is not the sharing as such that goes wrong.
    [Fact]
    public void A_shared_record_is_no_fault_outside_of_filters() =>
        Stress.Survives("--scenario catch --carriers 1", Seconds, (NativeEngine.PathVariable, BreakableLibrary.Path), (BreakableLibrary.FaultVariable, "filters"));
}
