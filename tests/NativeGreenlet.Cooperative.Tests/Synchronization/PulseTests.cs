using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>What is set and cleared at once wakes everyone who waited, and tells them so.</summary>
public class PulseTests
{
    [Fact]
    public void An_event_that_is_set_and_cleared_wakes_every_kind_of_wait() => InHub.Run(() =>
    {
        Func<GreenEvent, bool>[] waits =
        [
            signal =>
            {
                signal.Wait();
                return true;
            },
            signal => signal.Wait(InHub.Long),
            signal => Hub.Wait([signal]).Single() == signal,
            signal => Hub.Wait([signal], InHub.Long).Single() == signal,
            signal => Hub.Wait([new GreenEvent(), signal, new GreenCountdown(1)], count: 1).Single() == signal,
            signal => Hub.Wait([signal, new GreenEvent(isSet: true)]).Count == 2,
            signal => GreenTimeout.Run(InHub.Long, () => Hub.Wait([signal]).Count == 1),
        ];
        GreenEvent pulsed = new();
        GreenTask<bool>[] tasks = [.. waits.Select(wait => Hub.Spawn(() => wait(pulsed)))];
        Hub.Yield();
        pulsed.Set();
        pulsed.Reset();
        Assert.Equal(tasks.Length, Hub.Wait(tasks, InHub.Long).Count);
        Assert.All(tasks, task => Assert.True(task.Result));
        Assert.False(pulsed.IsSet);
    });

    [Fact]
    public void By_another_thread_too() => InHub.Run(() =>
    {
        for (int i = 0; i < 200; i++)
        {
            GreenEvent pulsed = new();
            GreenTask<int> several = Hub.Spawn(() => Hub.Wait([new GreenEvent(), pulsed], InHub.Long, 1).Count);
            GreenTask<bool> one = Hub.Spawn(() => pulsed.Wait(InHub.Long));
            Hub.Yield();
            Task.Run(() =>
            {
                pulsed.Set();
                pulsed.Reset();
            }).Wait();
            Assert.Equal((1, true), (several.Result, one.Result));
        }
    });

    [Fact]
    public void All_of_several_need_not_be_ready_at_the_same_time() => InHub.RunInTestTime(() =>
    {
        GreenEvent[] signals = [new(), new(), new()];
        GreenTask<IReadOnlyList<IGreenWaitable>> all = Hub.Spawn(() => Hub.Wait(signals));
        GreenTask<IReadOnlyList<IGreenWaitable>> some = Hub.Spawn(() => Hub.Wait(signals, InHub.Tick * 20));
        Hub.Yield();
        for (int i = 2; i >= 1; i--)
        {
            signals[i].Set();
            signals[i].Reset();
            Hub.Yield();
        }

        Assert.Equal(signals[1..], some.Result); // what came before the time was up
        Assert.False(all.IsCompleted);
        signals[0].Set();
        signals[0].Reset();
        Assert.Equal(signals, all.Result);
    });

    [Fact]
    public void WaitAny_tells_who_was_the_first() => InHub.Run(() =>
    {
        GreenEvent[] signals = [new(), new()];
        GreenTask slow = Hub.Spawn(signals[0].Wait);
        GreenTask fast = Hub.Spawn(signals[1].Wait);
        GreenTask<GreenTask> first = Hub.Spawn(() => Hub.WaitAny(slow, fast, fast));
        Hub.Yield();
        signals[1].Set();
        signals[0].Set(); // both have ended when it runs
        Assert.Same(fast, first.Result);
        Assert.Same(slow, Hub.WaitAny(slow, fast)); // and later it is the one that was named first
    });

    [Fact]
    public void A_queue_that_was_done_for_a_moment_lets_its_joiners_go() => InHub.Run(() =>
    {
        GreenQueue<int> queue = new();
        queue.Put(1);
        GreenTask<bool> joined = Hub.Spawn(() => queue.Join(InHub.Long));
        Hub.Yield();
        queue.TaskDone();
        queue.Put(2);
        Assert.True(joined.Result);
    });
}
