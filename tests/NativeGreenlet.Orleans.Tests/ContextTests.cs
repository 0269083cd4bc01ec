using NativeGreenlet.Orleans.Tests.Grains;
using NativeGreenlet.Orleans.Tests.Infrastructure;
using Orleans.Runtime;

namespace NativeGreenlet.Orleans.Tests;

/// <summary>A greenlet sees Orleans as asynchronous code does.</summary>
public class ContextTests(TestSilo silo) : IClassFixture<TestSilo>
{
    private static long s_next;

    [Fact]
    public async Task The_context_is_the_activations_in_every_slice_and_in_what_it_starts()
    {
        RequestContext.Set("user", "ann");
        string[] seen = await New().Look().WaitAsync(TestSilo.Long);
        Assert.Equal(10, seen.Length);
        Assert.All(seen, static each => Assert.EndsWith(": True ActivationTaskScheduler none ann", each, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Calls_of_a_grain_that_is_not_reentrant_come_one_after_the_other()
    {
        IProbe probe = New();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(number => probe.Increment(number % 3 != 0))).WaitAsync(TestSilo.Long);
        Assert.Equal(101, await probe.Increment(onGreenlet: false));
    }

    [Fact]
    public async Task Calls_that_only_read_interleave()
    {
        IProbe probe = New();
        int[] counts = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => probe.ReadTogether(5))).WaitAsync(TestSilo.Long);
        Assert.All(counts, static count => Assert.Equal(5, count));
    }

    [Fact]
    public async Task A_call_that_may_always_interleave_gets_in_while_another_waits()
    {
        IProbe probe = New();
        string key = Guid.NewGuid().ToString();
        Task waiting = probe.WaitForEver(key);
        await Signals.Of(key + " waits").WaitAsync(TestSilo.Long);
        Assert.Equal("pong", await probe.Ping().WaitAsync(TestSilo.Long));
        Task<int> next = probe.Increment(onGreenlet: false);
        Assert.Equal("pong", await probe.Ping().WaitAsync(TestSilo.Long));
        Assert.False(next.IsCompleted); // that one may not
        Signals.Set(key + " go on");
        await waiting.WaitAsync(TestSilo.Long);
        Assert.Equal(1, await next.WaitAsync(TestSilo.Long));
    }

    [Fact]
    public async Task A_chain_of_calls_that_allows_it_comes_back()
    {
        Assert.Equal("called back", await New().CallBack(New()).WaitAsync(TestSilo.Long));
    }

    [Fact]
    public async Task A_call_that_is_cancelled_leaves_its_wait_and_cleans_up()
    {
        string key = Guid.NewGuid().ToString();
        using CancellationTokenSource source = new();
        Task waiting = New().WaitUntilCancelled(key, source.Token);
        await Signals.Of(key + " waits").WaitAsync(TestSilo.Long);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(TestSilo.Long));
        await Signals.Of(key + " cleaned").WaitAsync(TestSilo.Long);
    }

    [Fact]
    public async Task An_exception_reaches_the_caller()
    {
        Assert.Equal("from below", (await Assert.ThrowsAsync<FormatException>(() => New().Fail().WaitAsync(TestSilo.Long))).Message);
    }

    [Fact]
    public async Task Calls_that_wait_hold_no_thread()
    {
        const int Calls = 500;
        string key = Guid.NewGuid().ToString();
        Task[] waiting = [.. Enumerable.Range(0, Calls).Select(_ => New().WaitTogether(key, Calls))];
        await Signals.Of(key).WaitAsync(TestSilo.Long); // all wait at the same time
        Assert.InRange(ThreadPool.ThreadCount, 1, 100);
        Signals.Set(key + " go on");
        await Task.WhenAll(waiting).WaitAsync(TestSilo.Long);
    }

    private IProbe New() => silo.Grains.GetGrain<IProbe>(Interlocked.Increment(ref s_next));
}
