using System.Globalization;
using NativeGreenlet.Interop;
using NativeGreenlet.Tests.Infrastructure;
using NativeGreenlet.Tests.Survival;

namespace NativeGreenlet.Tests.Fuzzing;

/// <summary>Random traces, and whether the fuzzer notices a broken library. <c>tests/fuzz --minutes N</c> does the same for longer.
/// </summary>
[Collection(OneAtATime.Name)]
public class FuzzerTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("segments", 40)]
    [InlineData("threads", 15)]
    public void Random_traces_do_the_same_as_on_plain_threads(string backend, int seconds)
    {
        ChildProcess child = FindsNothing(string.Create(CultureInfo.InvariantCulture, $"--seconds {seconds} --traces 40"), backend);

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
            "--seconds 30 --traces 60 --evidence 2 --shrink 0 --no-check",
            (NativeEngine.PathVariable, BreakableLibrary.Path),
            (BreakableLibrary.FaultVariable, fault));
        output.WriteLine(child.ToString());
        Fuzzer.IsBlamedOn(Fuzzer.Ours, "VERDICT greenlets", child);
    }

    [FactWhere(LeastRuntime = 11)]
    public void A_library_that_leaves_lists_of_asynchronous_methods_with_the_thread_is_found_and_blamed() => A_broken_library_is_found_and_blamed("async");

    [FactWhere(Cxx = true)]
    public void A_library_that_leaves_exceptions_of_another_language_with_the_thread_is_found_and_blamed() => A_broken_library_is_found_and_blamed("cxx");

    private ChildProcess FindsNothing(string arguments, string backend)
    {
        ChildProcess child = Fuzzer.Run(arguments, ("NATIVEGREENLET_BACKEND", backend));
        output.WriteLine(child.Output);
        Assert.True(child.ExitCode == 0, child.ExitCode == Fuzzer.NotOurs ? $"A fault of the runtime, not ours.\n{child}" : child.ToString());
        return child;
    }
}
