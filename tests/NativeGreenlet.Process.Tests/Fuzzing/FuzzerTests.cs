using System.Globalization;
using System.Text.RegularExpressions;
using NativeGreenlet.Interop;
using NativeGreenlet.Tests.Infrastructure;
using NativeGreenlet.Tests.Survival;
using Xunit.Abstractions;

namespace NativeGreenlet.Tests.Fuzzing;

/// <summary>Random traces, and whether the fuzzer would notice. <c>tests/fuzz --minutes N</c> does the same for longer.
/// </summary>
[Collection(OneAtATime.Name)]
public partial class FuzzerTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("segments", 40)]
    [InlineData("threads", 15)]
    public void Random_traces_do_the_same_as_on_plain_threads(string backend, int seconds)
    {
        ChildProcess child = FindsNothing(string.Create(CultureInfo.InvariantCulture, $"--seconds {seconds}"), backend);

        // Every kind of step was among them, where they were many enough.
        if (backend != "segments")
        {
            return;
        }

        string steps = child.Output.Split('\n').Single(line => line.StartsWith("steps: ", StringComparison.Ordinal));
        Assert.Contains("Dispose ", steps, StringComparison.Ordinal);
        Assert.DoesNotContain(steps.Split(", "), step => step.EndsWith(" 0", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("segments")]
    [InlineData("threads")]
    public void Traces_that_once_failed_pass(string backend)
    {
        ChildProcess child = FindsNothing($"--seconds 0 --replay {Fuzzer.Seeds}", backend);
        Assert.Contains("replayed ", child.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("replayed 0 ", child.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("keeper")]
    [InlineData("lists")]
    [InlineData("limits")]
    [InlineData("filters")]
    [InlineData("tails")]
    [InlineData("pins")]
    public void A_broken_library_is_found_and_blamed(string fault)
    {
        ChildProcess child = Fuzzer.Run(
            "--seconds 30 --evidence 2 --shrink 0 --no-check",
            (NativeEngine.PathVariable, BreakableLibrary.Path),
            (BreakableLibrary.FaultVariable, fault));
        output.WriteLine(child.ToString());
        IsBlamedOn(Fuzzer.Ours, "VERDICT greenlets", child);
    }

    [FactWhere(LeastRuntime = 11)]
    public void A_library_that_leaves_lists_of_asynchronous_methods_with_the_thread_is_found_and_blamed() => A_broken_library_is_found_and_blamed("async");

    [FactWhere(Cxx = true)]
    public void A_library_that_leaves_exceptions_of_another_language_with_the_thread_is_found_and_blamed() => A_broken_library_is_found_and_blamed("cxx");

    // Faults of the fuzzer itself, made on purpose, on one side or both.
    [Theory]
    [InlineData("corrupt:greenlets", Fuzzer.Ours, "VERDICT greenlets: CORRUPT")]
    [InlineData("crash:greenlets", Fuzzer.Ours, "VERDICT greenlets: exit code")]
    [InlineData("hang:greenlets", Fuzzer.Ours, "VERDICT greenlets: a trace did not end")]
    [InlineData("differ:greenlets", Fuzzer.Ours, "VERDICT greenlets: greenlets do each time what plain threads never do")]
    [InlineData("corrupt:control", Fuzzer.NotOurs, "VERDICT runtime, not us")]
    [InlineData("corrupt:both", Fuzzer.NotOurs, "VERDICT runtime, not us")]
    [InlineData("crash:both", Fuzzer.NotOurs, "VERDICT runtime, not us")]
    public void A_fault_is_found_and_blamed_on_the_right_side(string fault, int exitCode, string verdict)
    {
        // Only a trace that hangs needs a short patience. On a busy machine a trace on plain threads takes seconds, and must not look like one.
        string patience = fault.StartsWith("hang:", StringComparison.Ordinal) ? "--patience 10 " : string.Empty;
        ChildProcess child = Fuzzer.Run($"--seconds 15 --evidence 1 --shrink 0 {patience}--inject {fault}");
        IsBlamedOn(exitCode, verdict, child);
    }

    [Fact]
    public void A_failing_trace_is_made_smaller()
    {
        ChildProcess child = Fuzzer.Run("--seconds 20 --evidence 1 --shrink 10 --inject corrupt:greenlets");
        IsBlamedOn(Fuzzer.Ours, "VERDICT greenlets", child);
        Match match = Shrunk().Match(child.Output);
        Assert.True(match.Success, child.ToString());
        int before = int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        int after = int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture);
        Assert.True(after < before, child.ToString());

        // The smaller one fails, too: what was printed last to repeat it.
        string command = child.Output.Split('\n').Last(line => line.StartsWith("repeat: ", StringComparison.Ordinal));
        ChildProcess again = Fuzzer.Run($"{command[command.IndexOf("--seed", StringComparison.Ordinal)..]} --evidence 1 --shrink 0");
        IsBlamedOn(Fuzzer.Ours, "VERDICT greenlets: CORRUPT", again);
    }

    [Theory]
    [InlineData("--speed 9", "there is no option '--speed'")]
    [InlineData("--seed elephant", "--seed needs a seed, not 'elephant'")]
    [InlineData("--seed", "--seed needs a value")]
    [InlineData("--inject rain:both", "--inject needs FAULT:WHERE")]
    [InlineData("--print", "need --seed")]
    [InlineData("--seconds 0 --replay no-such-file", "no-such-file")]
    public void Wrong_usage_is_told(string arguments, string complaint)
    {
        ChildProcess child = Fuzzer.Run(arguments);
        Assert.Equal(64, child.ExitCode);
        Assert.Contains(complaint, child.Error, StringComparison.Ordinal);
    }

    [GeneratedRegex("shrunk from (\\d+) steps to (\\d+)")]
    private static partial Regex Shrunk();

    private static void IsBlamedOn(int exitCode, string verdict, ChildProcess child)
    {
        Assert.True(child.ExitCode == exitCode, child.ToString());
        Assert.True(child.Output.Contains(verdict, StringComparison.Ordinal), child.ToString());
        Assert.True(child.Output.Contains("repeat: ", StringComparison.Ordinal), child.ToString());
    }

    private ChildProcess FindsNothing(string arguments, string backend)
    {
        ChildProcess child = Fuzzer.Run(arguments, ("NATIVEGREENLET_BACKEND", backend));
        output.WriteLine(child.Output);
        Assert.True(child.ExitCode == 0, child.ExitCode == Fuzzer.NotOurs ? $"A fault of the runtime, not ours.\n{child}" : child.ToString());
        return child;
    }
}
