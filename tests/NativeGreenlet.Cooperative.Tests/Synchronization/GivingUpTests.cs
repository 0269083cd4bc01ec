using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.Synchronization;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>Every place that waits, and every way to give a wait up: the task ends as it should, its cleanup runs, and
/// whoever waits beside it or after it is woken all the same.</summary>
public class GivingUpTests
{
    private enum Order
    {
        /// <summary>It is given up; then another waits and is woken.</summary>
        OneAfterTheOther,

        /// <summary>It is given up, and before it has run the place is woken: that must reach the other, which waits too.</summary>
        GivenUpThenWoken,

        /// <summary>The place is woken, and before the task has run it is given up: the wait has ended, the next one throws.</summary>
        WokenThenGivenUp,
    }

    [Fact]
    public void Kill() => TryAll(static body =>
    {
        GreenTask task = Hub.Spawn(body);
        return new Attempt(
            () => task.Kill(timeout: TimeSpan.Zero),
            () => Assert.True(task.Join(InHub.Long) && task.IsKilled, "it is not killed"));
    });

    [Fact]
    public void Kill_with_an_exception() => TryAll(static body =>
    {
        InvalidTimeZoneException mine = new();
        GreenTask task = Hub.Spawn(body);
        return new Attempt(
            () => task.Kill(mine, TimeSpan.Zero),
            () => Assert.True(task.Join(InHub.Long) && task.Exception == mine, "it is not killed"));
    });

    [Fact]
    public void Cancellation() => TryAll(
        static body =>
        {
            CancellationTokenSource source = new();
            Task task = Hub.Current.InvokeAsync(body, source.Token);
            return new Attempt(source.Cancel, () =>
            {
                OperationCanceledException exception = Assert.ThrowsAny<OperationCanceledException>(() => Assert.True(Hub.Await(task, InHub.Long), "it goes on"));
                Assert.Equal(source.Token, exception.CancellationToken);
                source.Dispose();
            });
        },
        Order.OneAfterTheOther,
        Order.WokenThenGivenUp); // it comes from any thread, so in the hub's next round: a wake-up that is there already is first

    [Fact]
    public void Timeout() => TryAll(
        static body =>
        {
            GreenTask<bool> task = Hub.Spawn(() => GreenTimeout.TryRun(TimeSpan.FromMilliseconds(20), body));
            return new Attempt(() => { }, () => Assert.True(task.Join(InHub.Long) && !task.Result, "it is not timed out"));
        },
        Order.OneAfterTheOther);

    [Fact]
    public void A_limit_of_their_own() => InHub.Run(() =>
    {
        foreach (WaitingPlace place in WaitingPlaces.All())
        {
            if (place.Limited is not { } limited)
            {
                continue;
            }

            using (place)
            {
                Check(place, "limit", () =>
                {
                    Assert.False(limited(TimeSpan.Zero), "it did not wait, and yet got it");
                    Assert.False(limited(TimeSpan.FromMilliseconds(3)), "it is not timed out");
                    WakeAnother(place);
                });
            }
        }
    });

    [Fact]
    public async Task A_hub_is_stopped_while_a_task_waits_at_every_place()
    {
        Hub hub = Hub.Start("stopped");
        int waiting = 0;
        int cleaned = 0;
        TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task main = hub.InvokeAsync(() =>
        {
            WaitingPlace[] places = [.. WaitingPlaces.All()];
            try
            {
                foreach (WaitingPlace place in places)
                {
                    Park(() =>
                    {
                        try
                        {
                            place.Wait(); // for some, who waited for other tasks of the hub, this ends by the death of those
                        }
                        finally
                        {
                            cleaned++;
                            Hub.Yield(); // cleanup may wait
                        }
                    });
                    waiting++;
                }

                all.SetResult();
                Hub.Sleep(System.Threading.Timeout.InfiniteTimeSpan);
            }
            finally
            {
                while (cleaned < waiting)
                {
                    Hub.Yield();
                }

                Array.ForEach(places, place => place.Dispose());
            }
        });
        await all.Task.WaitAsync(InHub.Patience);
        await Task.Run(hub.Dispose).WaitAsync(InHub.Patience);
        await Assert.ThrowsAsync<TaskCanceledException>(() => main);
        Assert.InRange(waiting, 40, int.MaxValue);
        Assert.Equal(waiting, cleaned);
    }

    [Fact]
    public async Task A_deadlock_at_every_object_is_told()
    {
        using Hub hub = Hub.Start("deadlocks");
        ConcurrentQueue<IReadOnlyList<string>> suspicions = [];
        hub.DeadlockSuspected += (_, e) => suspicions.Enqueue(e.Waiters);
        List<string> names = [];
        Task[] runs = [.. WaitingPlaces.Objects().Select(make => hub.InvokeAsync(() =>
        {
            using WaitingPlace place = make();
            names.Add(place.Name);
            GreenTask stuck = Hub.Spawn(place.Wait);
            stuck.Name = place.Name;
            stuck.Join();
        }))];

        // Of a lock it is certain; the others could be used by a thread that has not done so yet.
        Assert.True(SpinWait.SpinUntil(() => suspicions.Count + runs.Count(run => run.IsFaulted) >= runs.Length, InHub.Patience));
        string[] told = [.. suspicions.SelectMany(waiters => waiters), .. runs.Where(run => run.IsFaulted).SelectMany(run => Assert.IsType<GreenDeadlockException>(run.Exception!.InnerException).Waiters)];
        Assert.All(names, name => Assert.Contains(told, waiter => waiter.Contains($"'{name}', running, waits for a", StringComparison.Ordinal) || waiter.Contains($"'{name}', running, waits for one of a", StringComparison.Ordinal)));
        Assert.All(runs.Where(run => run.IsFaulted), run => Assert.Contains("waits for a lock", run.Exception!.Message, StringComparison.Ordinal));
        hub.Dispose();
        await Task.WhenAll(runs).ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(InHub.Patience);
    }

    [Fact]
    public void Every_type_that_waits_is_among_them() => InHub.Run(() =>
    {
        List<string> names = [];
        foreach (WaitingPlace place in WaitingPlaces.All())
        {
            names.Add(place.Name);
            place.Dispose();
        }

        Type[] waiting = [.. typeof(Hub).Assembly.GetExportedTypes().Where(type => type.GetInterfaces().Contains(typeof(IShared)) || typeof(Stream).IsAssignableFrom(type))];
        Assert.InRange(waiting.Length, 11, 100);
        Assert.All(waiting, type => Assert.Contains(names, name => name.StartsWith(type.Name.Split('`')[0], StringComparison.Ordinal)));
    });

    private static void TryAll(Func<Action, Attempt> start, params Order[] orders) => InHub.Run(() =>
    {
        orders = orders.Length != 0 ? orders : Enum.GetValues<Order>();
        foreach (Order order in orders)
        {
            foreach (WaitingPlace place in WaitingPlaces.All())
            {
                using (place)
                {
                    if (order == Order.OneAfterTheOther || (order == Order.GivenUpThenWoken ? place.Wakes != Wakes.Alone : place.WakesAtOnce))
                    {
                        Check(place, order.ToString(), () => TryOne(start, place, order));
                    }
                }
            }
        }
    });

    private static void Check(WaitingPlace place, string how, Action check)
    {
        try
        {
            check();
        }
        catch (Exception exception)
        {
            Assert.Fail($"{place.Name}, {how}: {exception}");
        }
    }

    private static void TryOne(Func<Action, Attempt> start, WaitingPlace place, Order order)
    {
        StrongBox<GreenTask?> self = new();
        bool isCleanedUp = false;
        bool hasReturned = false;
        byte[] content = [1, 2, 3];
        Attempt attempt = start(() =>
        {
            byte[] mine = [.. content];
            self.Value = Hub.Current.Loop.CurrentTask;
            try
            {
                place.Wait();
                hasReturned = true;
                Hub.Sleep(System.Threading.Timeout.InfiniteTimeSpan);
            }
            finally
            {
                Assert.Equal(content, mine);
                isCleanedUp = true;
            }
        });
        UntilParked(() => self.Value);
        GreenTask? other = order == Order.OneAfterTheOther || place.Wakes == Wakes.Alone ? null : Park(place.Wait);
        Assert.False(hasReturned, "it did not wait");
        switch (order)
        {
            case Order.GivenUpThenWoken:
                attempt.GiveUp();
                place.Wake();
                break;
            case Order.WokenThenGivenUp:
                place.Wake();
                attempt.GiveUp();
                break;
            default:
                attempt.GiveUp();
                break;
        }

        attempt.Check();
        Assert.True(isCleanedUp, "its cleanup did not run");
        Assert.Equal(order == Order.WokenThenGivenUp, hasReturned);
        if (order == Order.OneAfterTheOther)
        {
            WakeAnother(place);
            return;
        }

        if (other is not null)
        {
            if (order == Order.WokenThenGivenUp && place.Wakes == Wakes.One)
            {
                Hub.Yield();
                Hub.Yield();
                Assert.False(other.IsCompleted, "one wake-up woke two");
                place.Wake();
            }

            Assert.True(other.Join(InHub.Long), "the wake-up was lost");
            Assert.True(other.IsSuccessful, other.Exception?.ToString());
        }
    }

    private static void WakeAnother(WaitingPlace place)
    {
        if (place.Again is null)
        {
            return;
        }

        GreenTask other = Park(place.Again);
        place.Wake();
        Assert.True(other.Join(InHub.Long), "nothing can wait there any more, or the wake-up was lost");
        Assert.True(other.IsSuccessful, other.Exception?.ToString());
    }

    private static GreenTask Park(Action wait)
    {
        GreenTask task = Hub.Spawn(wait);
        UntilParked(() => task);
        return task;
    }

    // In its wait, or through with it.
    private static void UntilParked(Func<GreenTask?> find)
    {
        do
        {
            Hub.Yield();
        }
        while (find() is not { } task || (!task.IsCompleted && (!task.HasStarted || task.Waiter.IsIdle)));
    }

    private sealed record Attempt(Action GiveUp, Action Check);
}
