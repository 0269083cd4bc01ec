using Microsoft.Extensions.DependencyInjection;
using NativeGreenlet.Orleans.Engine;
using NativeGreenlet.Orleans.Tests.Grains;
using NativeGreenlet.Orleans.Tests.Infrastructure;

namespace NativeGreenlet.Orleans.Tests;

/// <summary>What can do nothing is refused, with what to do.</summary>
public class BadInputTests
{
    [Fact]
    public void The_attribute_on_a_method_that_returns_no_task_is_refused()
    {
        string message = Assert.Throws<InvalidOperationException>(static () => GrainMethods.Check([typeof(NoTask)])).Message;
        Assert.Contains("NoTask.Compute, which returns Int32", message, StringComparison.Ordinal);
        Assert.Contains("put it there", message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_attribute_on_a_method_that_Orleans_never_calls_is_refused()
    {
        string message = Assert.Throws<InvalidOperationException>(static () => GrainMethods.Check([typeof(NoInterface)])).Message;
        Assert.Contains("NoInterface.OnTick, which is no method of a grain interface", message, StringComparison.Ordinal);
        Assert.Contains("RunOnGreenletsAsync", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Grains_that_are_right_are_not() => GrainMethods.Check([typeof(Probe), typeof(Counter), typeof(BadInputTests)]);

    [Theory]
    [InlineData("10.5.0")]
    [InlineData("9.2.1")]
    [InlineData("unknown")]
    public void Another_Orleans_is_refused(string version)
    {
        string mistake = OrleansInternals.FindMistake(version)!;
        Assert.Equal("it is another version", mistake);
        string message = OrleansInternals.Refuse(version, mistake).Message;
        Assert.Contains("knows Orleans 10.4.x", message, StringComparison.Ordinal);
        Assert.Contains(version, message, StringComparison.Ordinal);
    }

    [Fact]
    public void This_Orleans_is_not() => Assert.Null(OrleansInternals.FindMistake("10.4.2"));

    [Fact]
    public async Task A_silo_without_greenlets_says_how_to_add_them()
    {
        TestSilo silo = new(static _ => { });
        await silo.InitializeAsync();
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(() => silo.Grains.GetGrain<ICallbacks>(1).RunBody());
        Assert.Contains("siloBuilder.AddGreenlets()", exception.Message, StringComparison.Ordinal);
        await silo.DisposeAsync();
    }

    [Fact]
    public async Task A_call_outside_of_a_turn_says_where_to_make_it()
    {
        TestSilo silo = new(static builder => builder.AddGreenlets());
        await silo.InitializeAsync();
        InvalidOperationException exception = await Assert.ThrowsAsync<InvalidOperationException>(() => silo.Grains.GetGrain<ICallbacks>(1).RunBodyOutside());
        Assert.Contains("in no turn of", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Task.Run", exception.Message, StringComparison.Ordinal);
        await silo.DisposeAsync();
    }

    [Fact]
    public void Options_are_checked()
    {
        OrleansGreenletOptions options = new();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.HubCount = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.DeactivationGrace = TimeSpan.FromSeconds(-2));
        options.DeactivationGrace = Timeout.InfiniteTimeSpan;
    }

    private abstract class NoTask : Grain
    {
        [RunOnGreenlets]
        public int Compute() => _ = GetHashCode();
    }

    private abstract class NoInterface : Grain
    {
        [RunOnGreenlets]
        public Task OnTick() => Task.FromResult(GetHashCode());
    }
}
