using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>Conditions, barriers, countdowns, stacks, lazy maps: what each promises.</summary>
public class CoordinationTests
{
    [Fact]
    public void A_condition_gives_the_lock_back_while_it_waits() => InHub.Run(() =>
    {
        GreenCondition condition = new();
        Assert.Throws<SynchronizationLockException>(() => condition.Wait());
        List<string> order = [];
        GreenTask[] waiting = [.. Enumerable.Range(0, 3).Select(i => Hub.Spawn(() =>
        {
            using (condition.Gate.EnterScope())
            using (condition.Gate.EnterScope())
            {
                order.Add($"waits {i}");
                condition.Wait();
                Assert.True(condition.Gate.IsHeldByCurrentTask);
                order.Add($"woken {i}");
                Hub.Yield();
                order.Add($"leaves {i}");
            }
        }))];
        Hub.Yield();
        condition.Pulse();
        waiting[0].Join();
        Assert.Equal(["waits 0", "waits 1", "waits 2", "woken 0", "leaves 0"], order);
        condition.PulseAll();
        Hub.WaitAll(waiting);
        Assert.Equal(["woken 1", "leaves 1", "woken 2", "leaves 2"], order[5..]); // one after the other: the lock
        Assert.All(waiting, task => Assert.True(task.IsSuccessful, task.Exception?.ToString()));
        Assert.True(condition.Gate.TryEnter());
        Assert.False(condition.Wait(InHub.Tick));
        Assert.False(condition.Wait(TimeSpan.Zero));
        condition.Gate.Exit();
        Assert.False(condition.Gate.IsHeldByCurrentTask);
    });

    [Fact]
    public void A_wait_of_no_time_lets_others_have_the_lock() => InHub.Run(() =>
    {
        GreenCondition condition = new();
        List<string> order = [];
        GreenTask other;
        using (condition.Gate.EnterScope())
        {
            other = Hub.Spawn(() =>
            {
                using (condition.Gate.EnterScope())
                {
                    order.Add("other");
                }
            });
            Hub.Yield();
            order.Add("mine");
            Assert.False(condition.Wait(TimeSpan.Zero));
            Assert.True(condition.Gate.IsHeldByCurrentTask);
            order.Add("mine again");
        }

        other.Join();
        Assert.Equal(["mine", "other", "mine again"], order);
    });

    [Fact]
    public void Who_is_killed_in_a_condition_holds_the_lock_and_passes_the_signal_on() => InHub.Run(() =>
    {
        GreenCondition condition = new();
        bool held = false;
        GreenTask victim = Hub.Spawn(() =>
        {
            using (condition.Gate.EnterScope())
            {
                try
                {
                    condition.Wait();
                }
                finally
                {
                    held = condition.Gate.IsHeldByCurrentTask;
                }
            }
        });
        GreenTask other = Hub.Spawn(() =>
        {
            using (condition.Gate.EnterScope())
            {
                condition.Wait();
            }
        });
        Hub.Yield();
        condition.Gate.Enter();
        condition.Pulse();
        victim.Kill(timeout: TimeSpan.Zero); // it is woken, and then has to wait for the lock: there the exit is thrown
        Hub.Yield();
        Assert.False(victim.IsCompleted);
        victim.Kill(timeout: TimeSpan.Zero);
        Hub.Yield();
        condition.Gate.Exit();
        Assert.True(other.Join(InHub.Long), "the signal was lost");
        Assert.True(victim.IsKilled && held);
        Assert.True(condition.Gate.TryEnter());
    });

    [Fact]
    public void A_barrier_lets_all_through_together() => InHub.Run(() =>
    {
        GreenBarrier barrier = new(3);
        int through = 0;
        GreenTask[] tasks = [.. Enumerable.Range(0, 2).Select(_ => Hub.Spawn(() =>
        {
            barrier.SignalAndWait();
            through++;
            barrier.SignalAndWait();
            through++;
        }))];
        Hub.Yield();
        Assert.Equal((1, 0L), (barrier.ParticipantsRemaining, barrier.CurrentPhase));
        Assert.True(barrier.SignalAndWait(TimeSpan.Zero)); // the last need not wait
        Hub.Yield();
        Assert.Equal((2, 1L, 1), (through, barrier.CurrentPhase, barrier.ParticipantsRemaining));
        tasks[0].Kill();
        Assert.Equal(2, barrier.ParticipantsRemaining); // it has not arrived after all
        Assert.False(barrier.SignalAndWait(InHub.Tick));
        Assert.Equal(2, barrier.ParticipantsRemaining);
        barrier.AddParticipant();
        barrier.RemoveParticipant();
        barrier.RemoveParticipant();
        Assert.Equal(2, barrier.ParticipantCount);
        barrier.RemoveParticipant(); // the only one who has not arrived: the other goes on
        tasks[1].Join();
        Assert.Equal((3, 2L), (through, barrier.CurrentPhase));
        Assert.Throws<InvalidOperationException>(barrier.RemoveParticipant);
        barrier.SignalAndWait();
    });

    [Fact]
    public void Who_is_killed_when_the_last_arrives_has_arrived() => InHub.Run(() =>
    {
        GreenBarrier barrier = new(3);
        GreenTask victim = Hub.Spawn(barrier.SignalAndWait);
        GreenTask other = Hub.Spawn(barrier.SignalAndWait);
        Hub.Yield();
        victim.Kill(timeout: TimeSpan.Zero);
        Assert.True(barrier.SignalAndWait(TimeSpan.Zero));
        Hub.WaitAll(victim, other);
        Assert.True(victim.IsKilled && other.IsSuccessful && !other.IsKilled);
        Assert.Equal(3, barrier.ParticipantsRemaining);
    });

    [Fact]
    public void A_countdown_counts() => InHub.Run(() =>
    {
        GreenCountdown countdown = new(2);
        GreenTask waiting = Hub.Spawn(countdown.Wait);
        Assert.False(countdown.Signal());
        countdown.AddCount(2);
        Assert.False(countdown.Signal(2));
        Assert.False(countdown.Wait(InHub.Tick));
        Assert.Throws<InvalidOperationException>(() => countdown.Signal(2));
        Assert.False(waiting.IsCompleted);
        Assert.True(countdown.Signal());
        waiting.Join();
        Assert.True(countdown.IsSet && countdown.Wait(TimeSpan.Zero));
        Assert.Throws<InvalidOperationException>(() => countdown.AddCount());
        Assert.Single(Hub.Wait([countdown]));
        Assert.True(new GreenCountdown(0).IsSet);
    });

    [Fact]
    public void A_stack_gives_the_last_first() => InHub.Run(() =>
    {
        GreenStack<int> stack = new(3);
        GreenTask putting = Hub.Spawn(() =>
        {
            for (int i = 0; i < 5; i++)
            {
                stack.Put(i);
            }

            stack.Complete();
        });
        Hub.Yield();
        Assert.Equal([2, 1, 0, 4, 3], [stack.Get(), stack.Get(), stack.Get(), .. Rest()]);

        IEnumerable<int> Rest()
        {
            putting.Join();
            return stack.GetAll();
        }
    });

    [Fact]
    public void Lazy_maps_keep_a_bound_and_end_what_is_left() => InHub.Run(() =>
    {
        GreenPool pool = new(3);
        int begun = 0;
        int ended = 0;
        IEnumerable<int> Endless()
        {
            while (true)
            {
                yield return begun++;
            }
        }

        List<int> some = [];
        foreach (int square in pool.MapInOrder(Endless(), item =>
        {
            try
            {
                Hub.Sleep(InHub.Tick * (item % 3));
                return item * item;
            }
            finally
            {
                ended++;
            }
        }))
        {
            some.Add(square);
            Hub.Sleep(InHub.Tick * 3); // the pool is faster, but not too far ahead
            Assert.InRange(begun, some.Count, some.Count + (2 * pool.Size) + 1);
            if (some.Count == 10)
            {
                break;
            }
        }

        Assert.Equal(Enumerable.Range(0, 10).Select(i => i * i), some);
        Assert.True(pool.Join(InHub.Long));
        Assert.InRange(ended, 10, begun);

        GreenEvent slow = new();
        List<int> order = [];
        foreach (int item in pool.MapUnordered([0, 1, 2], item =>
        {
            if (item == 0)
            {
                slow.Wait();
            }

            return item;
        }))
        {
            order.Add(item);
            if (order.Count == 2)
            {
                slow.Set();
            }
        }

        Assert.Equal([1, 2, 0], order);
        Assert.Throws<InvalidTimeZoneException>(() => pool.MapUnordered([1, 2], int (_) => throw new InvalidTimeZoneException()).ToArray());
        Assert.Throws<InvalidTimeZoneException>(() => pool.MapInOrder(Failing(), item => item).ToArray());
        Assert.True(pool.Join(InHub.Long));
        Assert.Equal(3, pool.FreeCount);

        static IEnumerable<int> Failing()
        {
            yield return 1;
            throw new InvalidTimeZoneException();
        }
    });
}
