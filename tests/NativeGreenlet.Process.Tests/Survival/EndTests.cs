using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Survival;

/// <summary>Ends: of stacks, threads and processes.</summary>
[Collection(OneAtATime.Name)]
public class EndTests
{
    private static readonly TimeSpan s_exitTime = TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData("exit")]
    [InlineData("exit-inside")]
    public void A_process_ends_at_once_with_a_thousand_suspended_greenlets(string scenario)
    {
        ChildProcess child = Stress.Run($"--scenario {scenario}");
        Assert.True(child.ExitCode == 0 && child.Error.Length == 0, child.ToString());
        Assert.True(child.Since("leaving") < s_exitTime, child.ToString());
    }

    [Theory]
    [InlineData("overflow", "OverflowScenario.Recurse(")]
    [InlineData("overflow-pooled", "OverflowScenario.Recurse(")]
    [InlineData("overflow-catch", "OverflowScenario.RecurseInCatch(")]
    [InlineData("overflow-large", "OverflowScenario.RecurseInLargeFrames(")]
    public void Infinite_recursion_ends_like_on_a_thread(string scenario, string frame)
    {
        ChildProcess child = Stress.Run($"--scenario {scenario}");
        Assert.True(!child.IsTimedOut && child.ExitCode != 0, child.ToString());
        Assert.True(OperatingSystem.IsWindows() || child.ExitCode == 134, child.ToString()); // SIGABRT
        Assert.True(child.Error.StartsWith("Stack overflow.", StringComparison.Ordinal), child.ToString());
        Assert.True(child.Error.Contains(frame, StringComparison.Ordinal), child.ToString());
        Assert.True(child.Output.EndsWith("recursing", StringComparison.Ordinal), child.ToString());
    }

    [Fact]
    public void The_runtime_knows_how_much_stack_is_left() => Stress.Survives("--scenario limits");

    [Fact]
    public void Threads_may_end_with_suspended_greenlets() => Stress.Survives("--scenario orphans --seconds 20");
}
