using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Timeouts, alone and nested.</summary>
public class TimeoutTests
{
    [Fact]
    public void A_timeout_silences_only_itself() => InHub.Run(() =>
    {
        Assert.False(GreenTimeout.TryRun(InHub.Tick, () => Hub.Sleep(InHub.Long)));
        Assert.True(GreenTimeout.TryRun(InHub.Long, () => Hub.Sleep(InHub.Tick)));
        bool innerReturned = false;
        Assert.False(GreenTimeout.TryRun(InHub.Tick, () =>
        {
            _ = GreenTimeout.TryRun(InHub.Long, () => Hub.Sleep(InHub.Long));
            innerReturned = true;
        }));
        Assert.False(innerReturned); // the outer one's exception went through the inner one
    });

    [Fact]
    public void A_task_tells_whether_a_timeout_goes_on_in_it() => InHub.Run(() =>
    {
        GreenTask self = Hub.CurrentTask;
        Assert.False(self.IsLimited);
        GreenTimeout outer = new(InHub.Long);
        using (new GreenTimeout(InHub.Long))
        {
            Assert.True(self.IsLimited);
        }

        Assert.True(self.IsLimited);
        outer.Dispose();
        Assert.False(self.IsLimited);
    });

    [Fact]
    public void A_timeout_throws_its_own_exception() => InHub.Run(() =>
    {
        using GreenTimeout outer = new(InHub.Long);
        GreenTimeoutException exception = Assert.Throws<GreenTimeoutException>(() =>
        {
            using GreenTimeout mine = new(InHub.Tick);
            Hub.Sleep(InHub.Long);
        });
        Assert.NotSame(outer, exception.Timeout);
        Assert.True(exception.Timeout!.IsExpired && exception.Timeout.Owns(exception) && !outer.IsExpired);
        Assert.Throws<InvalidTimeZoneException>(() =>
        {
            using GreenTimeout mine = new(InHub.Tick, new InvalidTimeZoneException());
            Hub.Sleep(InHub.Long);
        });
        Assert.Throws<GreenTimeoutException>(() => GreenTimeout.Run(InHub.Tick, () => Hub.Await(new TaskCompletionSource<int>().Task)));
    });

    [Fact]
    public void One_that_is_over_throws_nothing() => InHub.RunInStillTime(time =>
    {
        using (new GreenTimeout(InHub.Tick))
        {
            time.Advance(InHub.Tick * 20); // due, but nothing waits
        }

        Hub.Yield();
        GreenEvent signal = new();
        Hub.Spawn(() =>
        {
            signal.Set();
            time.Advance(InHub.Tick * 600); // due, but the wait is over already
        });
        using (new GreenTimeout(InHub.Tick * 500))
        {
            signal.Wait();
        }

        InHub.Elapse(time, InHub.Tick * 600);
    });

    [Fact]
    public void One_that_was_due_while_nothing_waited_throws_at_the_next_wait() => InHub.RunInStillTime(time =>
    {
        GreenEvent signal = new();
        Hub.Spawn(() =>
        {
            signal.Set();
            time.Advance(InHub.Tick * 600);
        });
        using GreenTimeout timeout = new(InHub.Tick * 500);
        signal.Wait(); // over before the time is
        GreenTimeoutException exception = Assert.Throws<GreenTimeoutException>((Action)YieldForEver);
        Assert.Same(timeout, exception.Timeout);

        static void YieldForEver()
        {
            while (true)
            {
                Hub.Yield();
            }
        }
    });

    [Fact]
    public void They_may_end_in_any_order() => InHub.RunInStillTime(time =>
    {
        GreenEvent signal = new();
        Hub.Spawn(() =>
        {
            signal.Set();
            time.Advance(InHub.Tick * 600);
        });
        using GreenTimeout outer = new(InHub.Tick * 500);
        GreenTimeout middle = new(InHub.Long);
        using GreenTimeout inner = new(InHub.Long);
        middle.Dispose();
        signal.Wait(); // over before the outer one is due
        GreenTimeoutException exception = Assert.Throws<GreenTimeoutException>((Action)YieldOften);
        Assert.Same(outer, exception.Timeout);

        static void YieldOften()
        {
            for (int i = 0; i < 1000; i++)
            {
                Hub.Yield();
            }
        }
    });

    [Fact]
    public void What_is_not_needed_any_more_leaves_no_timer() => InHub.Run(() =>
    {
        int before = Hub.Current.Loop.Timers.Count;
        Hub.SpawnLater(InHub.Long, () => { }).Kill();
        new GreenTimeout(InHub.Long).Dispose();
        GreenTask sleeping = Hub.Spawn(() => Hub.Sleep(InHub.Long));
        Hub.Yield();
        Assert.Equal(before + 1, Hub.Current.Loop.Timers.Count);
        sleeping.Kill(timeout: TimeSpan.Zero);
        Assert.False(new GreenEvent(isSet: false).Wait(InHub.Tick));
        Assert.Equal(before, Hub.Current.Loop.Timers.Count);
    });

    [Fact]
    public void Timers_come_in_the_order_of_their_times_and_else_as_they_were_added()
    {
        Random random = new(20261128);
        TimerHeap heap = new();
        List<(long Due, int Number, CallbackTimer Timer)> expected = [];
        List<int> fired = [];
        for (int i = 0; i < 5000; i++)
        {
            int number = i;
            if (expected.Count != 0 && random.Next(3) == 0)
            {
                int index = random.Next(expected.Count);
                heap.Remove(expected[index].Timer);
                heap.Remove(expected[index].Timer); // it is out
                expected.RemoveAt(index);
            }
            else if (random.Next(5) == 0)
            {
                long now = random.Next(10);
                (long Due, int Number, CallbackTimer Timer)[] due = [.. expected.Where(each => each.Due <= now).OrderBy(each => each.Due).ThenBy(each => each.Number)];
                fired.Clear();
                while (heap.TakeDue(now) is { } timer)
                {
                    timer.Fire();
                }

                Assert.Equal(due.Select(each => each.Number), fired);
                expected.RemoveAll(each => each.Due <= now);
            }
            else
            {
                CallbackTimer timer = new(() => fired.Add(number));
                long due = random.Next(12);
                heap.Add(timer, due);
                expected.Add((due, number, timer));
            }

            Assert.Equal(expected.Count, heap.Count);
            Assert.Equal(expected.Count == 0 ? long.MaxValue : expected.Min(each => each.Due), heap.NextDue);
        }
    }
}
