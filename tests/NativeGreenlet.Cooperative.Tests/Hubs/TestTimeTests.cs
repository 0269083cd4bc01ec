using System.Diagnostics;
using System.Net;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>A time that moves by itself when every task waits, and not before.</summary>
public class TestTimeTests
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    [Fact]
    public void Sleeps_and_limits_of_hours_take_no_time_and_keep_their_order()
    {
        GreenTestTime time = new();
        InHub.Run(
            () =>
            {
                List<string> order = [];
                Hub.WaitAll(
                    Hub.Spawn(() => Sleep(3, "three")),
                    Hub.Spawn(() => Sleep(1, "one")),
                    Hub.SpawnLater(2 * s_hour, () => order.Add($"two at {time.Elapsed.TotalHours}")));
                Assert.Equal(["one at 1", "two at 2", "three at 3"], order);
                GreenEvent never = new();
                Assert.False(never.Wait(s_hour));
                Assert.Throws<GreenTimeoutException>(() => GreenTimeout.Run<int>(s_hour, () => throw new InvalidOperationException(never.Wait(s_hour + s_hour).ToString())));
                Assert.False(GreenTimeout.TryRun(s_hour, () => never.Wait()));
                Assert.Equal(6 * s_hour, time.Elapsed);
                Assert.Equal(new DateTimeOffset(2000, 1, 1, 6, 0, 0, TimeSpan.Zero), time.GetUtcNow());

                void Sleep(int hours, string name)
                {
                    Hub.Sleep(hours * s_hour);
                    order.Add($"{name} at {time.Elapsed.TotalHours}");
                }
            },
            new HubOptions { TimeProvider = time });
    }

    [Fact]
    public void Waits_for_several_things_are_inside_if_all_of_them_are() => InTime(time =>
    {
        GreenQueue<int> queue = new();
        GreenChannel<int> channel = new();
        GreenSubscription<int> subscription = new GreenBroadcast<int>(1).Subscribe();
        GreenWatcher<int> watcher = new GreenWatch<int>(0).Watch();
        GreenSelect select = new GreenSelect().Receive(queue, _ => { }).Receive(channel, _ => { }).Receive(subscription, _ => { }).Wait(watcher).After(s_hour);
        Assert.Equal(4, select.Run());
        Assert.Equal(s_hour, time.Elapsed);
        Assert.Empty(Hub.Wait([new GreenEvent(), watcher], s_hour));
        Assert.False(subscription.TryReceive(s_hour, out _));
        Assert.False(watcher.WaitForChange(s_hour, out _));
        Assert.Equal(4 * s_hour, time.Elapsed);
        Task outside = Task.Run(() => Thread.Sleep(InHub.Tick * 50));
        Assert.Equal(0, new GreenSelect().Await(outside).After(s_hour).Run());
        Assert.Equal(4 * s_hour, time.Elapsed);
    });

    [Fact]
    public void Tasks_that_can_go_on_are_never_overtaken() => InTime(time =>
    {
        bool isDone = false;
        GreenTask worker = Hub.Spawn(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                Hub.Yield();
            }

            isDone = true;
        });
        Hub.Sleep(InHub.Tick);
        Assert.True(isDone);
    });

    /// <summary>The time stands while something outside is under way, however long that takes.</summary>
    [Fact]
    public void What_is_under_way_outside_holds_the_time() => InTime(time =>
    {
        GreenTask<bool> sleeper = Hub.Spawn(() =>
        {
            Hub.Sleep(s_hour);
            return true;
        });
        Hub.Offload(() => Thread.Sleep(30));
        Assert.Equal(TimeSpan.Zero, time.Elapsed);
        Hub.Await(Task.Delay(30));
        Assert.Equal(TimeSpan.Zero, time.Elapsed);
        using GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using GreenSocket client = new();
        client.Connect(listener.LocalEndPoint!);
        using GreenSocket server = listener.Accept();
        Task sending = Task.Run(async () =>
        {
            await Task.Delay(30);
            Assert.Equal(TimeSpan.Zero, time.Elapsed);
            client.Socket.Send([1]);
        });
        Assert.Equal(1, server.Receive(new byte[1]));
        Assert.Equal(TimeSpan.Zero, time.Elapsed);
        Hub.Await(sending);
        Assert.True(sleeper.Result);
        Assert.Equal(s_hour, time.Elapsed);
    });

    [Fact]
    public void Delays_of_this_time_end_by_it() => InTime(time =>
    {
        Hub.Await(Task.Delay(s_hour, time));
        Hub.Await(token => Task.Delay(s_hour, time, token));
        Hub.Spawn(async () => await Task.Delay(s_hour, time)).Join();
        Hub.Spawn(async () =>
        {
            await Task.Delay(s_hour, time);
            Hub.Sleep(s_hour);
        }).Join();
        Assert.Equal(5 * s_hour, time.Elapsed);
    });

    [Fact]
    public void Runs_of_other_hubs_in_this_time_are_waited_for() => InTime(time =>
    {
        using Hub other = new(new HubOptions { TimeProvider = time });
        for (int i = 1; i <= 50; i++)
        {
            GreenTask slower = Hub.Spawn(() => Hub.Sleep(2 * s_hour));
            Hub.Await(other.InvokeAsync(() => Hub.Sleep(s_hour)));
            Assert.Equal(((2 * i) - 1) * s_hour, time.Elapsed);
            slower.Join();
        }

        GreenQueue<TimeSpan> queue = new();
        Task run = other.InvokeAsync(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                Hub.Sleep(s_hour);
                queue.Put(time.Elapsed);
            }
        });
        for (int i = 0; i < 50; i++)
        {
            TimeSpan put = queue.Get();
            Assert.Equal(time.Elapsed, put); // it has not moved between the two hubs
        }

        Hub.Await(run);
    });

    [Fact]
    public void Without_automatic_advance_only_Advance_moves_it() => InTime(time =>
    {
        time.AutoAdvance = false;
        GreenTask sleeper = Hub.Spawn(() => Hub.Sleep(s_hour));
        Hub.Offload(() => Thread.Sleep(20));
        Assert.False(sleeper.IsCompleted);
        Hub.Offload(() => time.Advance(s_hour));
        sleeper.Join();
        Assert.Equal(s_hour, time.Elapsed);
        Assert.Throws<ArgumentOutOfRangeException>(() => time.Advance(-s_hour));
    });

    [Fact]
    public void Timers_fire_in_order_each_at_its_time()
    {
        GreenTestTime time = new();
        List<double> seen = [];
        using ITimer periodic = time.CreateTimer(_ => seen.Add(time.Elapsed.TotalHours), null, s_hour, s_hour);
        using ITimer once = time.CreateTimer(_ => seen.Add(-time.Elapsed.TotalHours), null, 1.5 * s_hour, Timeout.InfiniteTimeSpan);
        time.Advance(3 * s_hour);
        Assert.Equal([1, -1.5, 2, 3], seen);
        periodic.Dispose();
        time.Advance(s_hour);
        Assert.Equal(4, seen.Count);
        Assert.False(periodic.Change(s_hour, s_hour));
    }

    /// <summary>A deadlock is found by the real time: looking for it moves nothing.</summary>
    [Fact]
    public void A_deadlock_is_still_found()
    {
        GreenTestTime time = new();
        HubOptions options = new() { TimeProvider = time, DeadlockPatience = TimeSpan.FromMilliseconds(20) };
        InHub.OnThread(() => Assert.Throws<GreenDeadlockException>(() => Hub.Run(
            () =>
            {
                GreenTask self = Hub.Current.Loop.CurrentTask!;
                Hub.Spawn(() => self.Join()).Join();
            },
            options)));
    }

    [Fact]
    public void Cleanup_that_hangs_is_given_up_at_once()
    {
        GreenTestTime time = new();
        long start = Stopwatch.GetTimestamp();
        using Hub hub = new(new HubOptions { TimeProvider = time, ShutdownGrace = s_hour });
        Task run = hub.InvokeAsync(() =>
        {
            Hub.Current.UnhandledException += (_, _) => { };
            Hub.Spawn(() =>
            {
                while (true)
                {
                    try
                    {
                        Hub.Sleep(Timeout.InfiniteTimeSpan);
                    }
                    catch (GreenletExit)
                    {
                        // It will not die.
                    }
                }
            });
            Hub.Yield();
        });
        Assert.True(run.Wait(InHub.Patience));
        Assert.Equal(3 * s_hour, time.Elapsed);
        Assert.True(Stopwatch.GetElapsedTime(start) < s_hour);
    }

    private static void InTime(Action<GreenTestTime> body)
    {
        GreenTestTime time = new();
        InHub.Run(() => body(time), new HubOptions { TimeProvider = time });
    }
}
