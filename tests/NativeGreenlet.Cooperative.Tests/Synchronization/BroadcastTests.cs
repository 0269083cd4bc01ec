using System.Threading.Channels;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>What every subscriber receives, and values that are watched.</summary>
public class BroadcastTests
{
    private const int Items = 2000;

    [Fact]
    public void Every_subscriber_receives_what_was_sent_after_it_subscribed() => InHub.Run(() =>
    {
        GreenBroadcast<int> broadcast = new(10);
        broadcast.Send(0);
        GreenSubscription<int> first = broadcast.Subscribe();
        broadcast.Send(1);
        GreenSubscription<int> second = broadcast.Subscribe();
        GreenTask<int[]> waiting = Hub.Spawn(() => second.ReceiveAll().ToArray());
        Hub.Yield();
        broadcast.Send(2);
        broadcast.Complete();
        broadcast.Complete(new FormatException()); // too late
        Assert.Equal([1, 2], first.ReceiveAll());
        Assert.Equal([2], waiting.Result);
        Assert.False(first.TryReceive(InHub.Long, out _));
        Assert.Throws<ChannelClosedException>(() => first.Receive());
        Assert.Throws<ChannelClosedException>(() => broadcast.Send(3));
    });

    [Fact]
    public void Who_is_too_slow_is_told_how_much_it_missed_and_goes_on() => InHub.Run(() =>
    {
        GreenBroadcast<int> broadcast = new(2);
        GreenSubscription<int> slow = broadcast.Subscribe();
        foreach (int item in Enumerable.Range(0, 5))
        {
            broadcast.Send(item);
        }

        Assert.Equal(3, Assert.Throws<GreenLaggedException>(() => slow.Receive()).Missed);
        Assert.Equal((3, 4), (slow.Receive(), slow.Receive()));
        Assert.False(slow.TryReceive(out _));
        broadcast.Send(5);
        broadcast.Send(6);
        broadcast.Send(7);
        broadcast.Complete(new FormatException());
        Assert.Equal(1, Assert.Throws<GreenLaggedException>(() => new GreenSelect().Receive(slow, _ => { }).Run()).Missed);
        Assert.Equal([6, 7], slow.ReceiveAll().Take(2));
        Assert.IsType<FormatException>(Assert.Throws<ChannelClosedException>(() => slow.ReceiveAll().ToArray()).InnerException);
    });

    [Fact]
    public void Subscribers_of_several_hubs_miss_nothing_within_the_capacity()
    {
        GreenBroadcast<int> broadcast = new(Items);
        Task<int[]>[] all = [.. Enumerable.Range(0, 3).Select(_ => broadcast.Subscribe()).Select(mine => Hub.RunAsync(() => mine.ReceiveAll().ToArray()))];
        for (int i = 0; i < Items; i++)
        {
            broadcast.Send(i);
        }

        broadcast.Complete();
        Assert.True(Task.WhenAll(all).Wait(InHub.Patience));
        Assert.All(all, each => Assert.Equal(Enumerable.Range(0, Items), each.Result));
    }

    [Fact]
    public void A_watcher_sees_the_latest_value() => InHub.Run(() =>
    {
        GreenWatch<int> watch = new(1);
        GreenWatcher<int> watcher = watch.Watch();
        Assert.False(watcher.HasChanged);
        Assert.False(watcher.WaitForChange(InHub.Tick, out _));
        GreenTask<int> waiter = Hub.Spawn(() => watch.Watch().WaitForChange());
        Hub.Yield();
        watch.Value = 2;
        watch.Value = 3;
        Assert.Equal(3, waiter.Result);
        Assert.Equal((true, 3, false), (watcher.HasChanged, watcher.WaitForChange(), watcher.HasChanged));
        watch.Value = 3; // an equal one is a change
        Assert.True(watcher.WaitForChange(TimeSpan.Zero, out _));
        GreenTask<int> conditional = Hub.Spawn(() => watcher.WaitFor(value => value > 4));
        Hub.Yield();
        watch.Value = 4;
        Hub.Yield();
        Assert.False(conditional.IsCompleted);
        watch.Value = 5;
        Assert.Equal((5, 5), (conditional.Result, watcher.WaitFor(value => value == 5)));
        Assert.False(watcher.WaitFor(value => value > 5, InHub.Tick, out _));
    });

    [Fact]
    public void Another_thread_ends_the_wait_for_a_change_and_a_select() => InHub.Run(() =>
    {
        GreenWatch<int> watch = new(0);
        GreenWatcher<int> watcher = watch.Watch();
        for (int i = 1; i <= 200; i++)
        {
            int value = i;
            Task setting = Task.Run(() => watch.Value = value);
            if (i % 2 == 0)
            {
                Assert.Equal(i, watcher.WaitForChange());
            }
            else
            {
                int got = 0;
                Assert.Equal(0, new GreenSelect().Wait(watcher, () => got = watcher.Value).After(InHub.Long).Run());
                Assert.Equal(i, got);
            }

            Hub.Await(setting);
        }
    });
}
