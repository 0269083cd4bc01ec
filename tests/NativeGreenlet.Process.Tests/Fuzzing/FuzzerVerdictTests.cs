using System.Globalization;
using System.Text.RegularExpressions;
using NativeGreenlet.Tests.Infrastructure;
using NativeGreenlet.Tests.Survival;

namespace NativeGreenlet.Tests.Fuzzing;

/// <summary>What the fuzzer makes of faults, of a failing trace and of its arguments. The library is sound here.</summary>
[Collection(OneAtATime.Name)]
public partial class FuzzerVerdictTests
{
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
        ChildProcess child = Fuzzer.Run($"--seconds 15 --traces 40 --evidence 1 --shrink 0 {patience}--inject {fault}");
        Fuzzer.IsBlamedOn(exitCode, verdict, child);
    }

    [Fact]
    public void A_failing_trace_is_made_smaller()
    {
        ChildProcess child = Fuzzer.Run("--seconds 20 --traces 40 --evidence 1 --shrink 1 --inject corrupt:greenlets");
        Fuzzer.IsBlamedOn(Fuzzer.Ours, "VERDICT greenlets", child);
        Match match = Shrunk().Match(child.Output);
        Assert.True(match.Success, child.ToString());
        int before = int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        int after = int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture);
        Assert.True(after < before, child.ToString());

        // The smaller one fails, too: what was printed last to repeat it.
        string command = child.Output.Split('\n').Last(line => line.StartsWith("repeat: ", StringComparison.Ordinal));
        ChildProcess again = Fuzzer.Run($"{command[command.IndexOf("--seed", StringComparison.Ordinal)..]} --evidence 1 --shrink 0");
        Fuzzer.IsBlamedOn(Fuzzer.Ours, "VERDICT greenlets: CORRUPT", again);
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
}
