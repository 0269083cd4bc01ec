using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using NativeGreenlet.Orleans.Engine;
using NativeGreenlet.Orleans.Tests.Grains;
using NativeGreenlet.Orleans.Tests.Infrastructure;
using Orleans.Runtime;

namespace NativeGreenlet.Orleans.Tests;

/// <summary>Two slices of one activation never run at once.</summary>
public class TurnTests(TestSilo silo) : IClassFixture<TestSilo>
{
    /// <summary>How many random schedules are tried: more by NATIVEGREENLET_ORLEANS_SCHEDULES.</summary>
    private static readonly int s_schedules = int.TryParse(Environment.GetEnvironmentVariable("NATIVEGREENLET_ORLEANS_SCHEDULES"), CultureInfo.InvariantCulture, out int number) ? number : 40;

    [Fact]
    public async Task No_increment_is_lost_under_random_schedules()
    {
        // A schedule is who waits how after which step; 1,600 steps, or 1 more for each call that ended by one of asynchronous code.
        for (int schedule = 0; schedule < s_schedules; schedule++)
        {
            ICounter counter = silo.Grains.GetGrain<ICounter>(schedule);
            await Task.WhenAll(
                [.. Enumerable.Range(0, 8).Select(number => (number % 2 == 0 ? counter.Blocking(200, schedule + number) : counter.Asynchronous(200, schedule + number)).WaitAsync(TestSilo.Long))]);
            (int count, int overlaps) = await counter.Value();
            Assert.Equal(0, overlaps);
            Assert.InRange(count, 1600, 1604);
        }
    }

    [Fact]
    public async Task Tasks_that_a_call_spawns_keep_turns()
    {
        ICounter counter = silo.Grains.GetGrain<ICounter>(1_000_000);
        await Task.WhenAll(counter.Spawned(100, 8, 1), counter.Asynchronous(400, 2), counter.Asynchronous(400, 3)).WaitAsync(TestSilo.Long);
        (int count, int overlaps) = await counter.Value();
        Assert.Equal(0, overlaps);
        Assert.InRange(count, 1600, 1608);
    }

    [Fact]
    public async Task A_thread_is_held_for_a_turn_hardly_ever()
    {
        SiloHubs hubs = silo.Services.GetRequiredService<SiloHubs>();
        long heldBefore = hubs.Hubs.Sum(static hub => hub.Held);
        long asideBefore = hubs.Hubs.Sum(static hub => hub.Aside);
        long slicesBefore = hubs.Hubs.Sum(static hub => hub.Slices);
        ICounter counter = silo.Grains.GetGrain<ICounter>(2_000_000);
        await Task.WhenAll([.. Enumerable.Range(0, 8).Select(number => number % 2 == 0 ? counter.Blocking(500, number) : counter.Asynchronous(500, number))]).WaitAsync(TestSilo.Long);
        long slices = hubs.Hubs.Sum(static hub => hub.Slices) - slicesBefore;
        Assert.InRange(slices, 1000, long.MaxValue);
        long aside = hubs.Hubs.Sum(static hub => hub.Aside) - asideBefore;
        long held = hubs.Hubs.Sum(static hub => hub.Held) - heldBefore;
        Assert.True(held <= aside / 10 && held <= slices / 50, $"{slices} slices, {aside} times aside, {held} threads held");
    }
}
