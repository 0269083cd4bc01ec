using Microsoft.Extensions.Time.Testing;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Bridges;

/// <summary>Progress and periodic ticks.</summary>
public class SmallBridgeTests
{
    [Fact]
    public void Progress_arrives_on_the_hub_in_order() => InHub.Run(() =>
    {
        List<int> seen = [];
        Hub here = Hub.Current;
        GreenEvent all = new();
        IProgress<int> progress = new GreenProgress<int>(value =>
        {
            Assert.Same(here, Hub.Current);
            seen.Add(value);
            if (value == 99)
            {
                Hub.Spawn(all.Set); // it belongs to a run
            }
        });
        Hub.Offload(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                progress.Report(i);
            }
        });
        all.Wait();
        Assert.Equal(Enumerable.Range(0, 100), seen);
    });

    [Fact]
    public void Progress_after_the_end_of_the_hub_is_dropped_and_outside_of_hubs_refused()
    {
        IProgress<int>? progress = null;
        bool isCalled = false;
        InHub.Run(() => progress = new GreenProgress<int>(_ => isCalled = true));
        progress!.Report(1);
        Assert.False(isCalled);
        Assert.Throws<MissingHubException>(() => new GreenProgress<int>(_ => { }));
    }

    [Fact]
    public void Ticks_follow_the_time_of_the_hub_and_those_missed_are_one()
    {
        FakeTimeProvider time = new();
        InHub.Run(
            () =>
            {
                using GreenPeriodicTimer timer = new(TimeSpan.FromHours(1));
                int ticks = 0;
                GreenTask task = Hub.Spawn(() =>
                {
                    while (timer.WaitForNextTick())
                    {
                        ticks++;
                    }
                });
                Settle();
                Assert.Equal(0, ticks);
                Advance(1);
                Assert.Equal(1, ticks);
                Advance(2.5);
                Assert.Equal(2, ticks);
                Advance(0.5);
                Assert.Equal(3, ticks);
                timer.Dispose();
                task.Join();
                Assert.Null(task.Exception);
                Assert.Throws<ArgumentOutOfRangeException>(() => new GreenPeriodicTimer(TimeSpan.Zero));
            },
            new HubOptions { TimeProvider = time });

        void Advance(double hours)
        {
            time.Advance(TimeSpan.FromHours(hours));
            Settle();
        }

        static void Settle()
        {
            for (int i = 0; i < 5; i++)
            {
                Hub.Yield();
            }
        }
    }
}
