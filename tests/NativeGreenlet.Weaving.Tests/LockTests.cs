using System.Diagnostics;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Weaving.Locks;

namespace NativeGreenlet.Weaving.Tests;

/// <summary>A lock of woven code that is held across a wait.</summary>
public class LockTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    [Fact]
    public void A_lock_held_across_a_wait_keeps_other_tasks_of_the_hub_out() => InHub.Run(() =>
    {
        object gate = new();
        Lock other = new();
        int inside = 0;
        int most = 0;
        GreenTask[] tasks = [.. Enumerable.Range(0, 20).Select(i => Hub.Spawn(() =>
        {
            for (int round = 0; round < 5; round++)
            {
                if (i % 2 == 0)
                {
                    lock (gate)
                    {
                        Enter();
                    }
                }
                else
                {
                    lock (other)
                    {
                        lock (gate)
                        {
                            Enter();
                        }
                    }
                }
            }
        }))];
        Hub.WaitAll(tasks);

        Assert.Equal(1, most);
        Assert.Equal(0, HeldLocks.Here.Count);
        Assert.True(Monitor.TryEnter(gate));
        Monitor.Exit(gate);

        void Enter()
        {
            most = Math.Max(most, ++inside);
            Hub.Yield();
            Thread.Sleep(0);
            most = Math.Max(most, inside--);
        }
    });

    [Fact]
    public void Tasks_of_several_hubs_and_threads_share_a_lock()
    {
        object gate = new();
        int count = 0;
        int inside = 0;
        bool wasAlone = true;
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(i => new Thread(() =>
        {
            if (i == 0)
            {
                Work();
                return;
            }

            Hub.Run(() => Hub.WaitAll([.. Enumerable.Range(0, 5).Select(_ => Hub.Spawn(Work))]));
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => Assert.True(thread.Join(s_patience)));

        Assert.True(wasAlone);
        Assert.Equal(16 * 20, count);

        void Work()
        {
            for (int round = 0; round < 20; round++)
            {
                lock (gate)
                {
                    wasAlone &= Interlocked.Increment(ref inside) == 1;
                    count++;
                    Thread.Sleep(round % 5 == 0 ? 1 : 0);
                    Interlocked.Decrement(ref inside);
                }
            }
        }
    }

    [Fact]
    public void Recursion_belongs_to_the_task() => InHub.Run(() =>
    {
        object gate = new();
        List<string> order = [];
        GreenTask first = Hub.Spawn(() =>
        {
            lock (gate)
            {
                lock (gate)
                {
                    order.Add("first in");
                    Hub.Sleep(TimeSpan.FromMilliseconds(5));
                }

                Hub.Sleep(TimeSpan.FromMilliseconds(5));
                order.Add("first out");
            }
        });
        GreenTask second = Hub.Spawn(() =>
        {
            Assert.False(Monitor.TryEnter(gate));
            Assert.False(Monitor.IsEntered(gate));
            Assert.Throws<SynchronizationLockException>(() => Monitor.Exit(gate));
            lock (gate)
            {
                order.Add("second");
            }
        });
        Hub.WaitAll(first, second);

        Assert.Equal(["first in", "first out", "second"], order);
    });

    [Fact]
    public void Tasks_of_a_hub_wait_for_pulses_of_each_other() => InHub.Run(() =>
    {
        object gate = new();
        Queue<int> items = new();
        List<int> taken = [];
        GreenTask[] consumers = [.. Enumerable.Range(0, 4).Select(_ => Hub.Spawn(() =>
        {
            for (int i = 0; i < 25; i++)
            {
                lock (gate)
                {
                    lock (gate)
                    {
                        while (items.Count == 0)
                        {
                            Monitor.Wait(gate);
                        }

                        taken.Add(items.Dequeue());
                    }
                }
            }
        }))];
        for (int i = 0; i < 100; i++)
        {
            lock (gate)
            {
                items.Enqueue(i);
                Monitor.Pulse(gate);
            }

            Thread.Yield();
        }

        Hub.WaitAll(consumers);
        Assert.Equal(Enumerable.Range(0, 100), taken.Order());
    });

    [Fact]
    public void A_task_that_is_killed_while_it_waits_for_a_pulse_has_the_lock_again_and_gives_it_back() => InHub.Run(() =>
    {
        object gate = new();
        bool hadLock = false;
        GreenTask waiter = Hub.Spawn(() =>
        {
            lock (gate)
            {
                try
                {
                    Monitor.Wait(gate);
                }
                finally
                {
                    hadLock = Monitor.IsEntered(gate);
                }
            }
        });
        Hub.Yield();
        waiter.Kill();

        Assert.True(hadLock);
        Assert.True(waiter.IsKilled);
        Assert.True(Monitor.TryEnter(gate));
        Monitor.Exit(gate);
        Assert.Equal(0, HeldLocks.Here.Count);
    });

    [Fact]
    public void A_task_that_is_killed_while_it_waits_for_a_lock_lets_the_next_one_have_its_turn() => InHub.Run(() =>
    {
        object gate = new();
        bool isDone = false;
        GreenTask holder = Hub.Spawn(() =>
        {
            lock (gate)
            {
                Hub.Sleep(TimeSpan.FromMilliseconds(20));
            }
        });
        Hub.Yield();
        GreenTask killed = Hub.Spawn(() =>
        {
            lock (gate)
            {
                Assert.Fail("It has no turn any more.");
            }
        });
        GreenTask next = Hub.Spawn(() =>
        {
            lock (gate)
            {
                isDone = true;
            }
        });
        Hub.Yield();
        killed.Kill();
        Hub.WaitAll(holder, next);

        Assert.True(isDone);
    });

    [Fact]
    public void A_lazy_value_is_made_once_although_its_function_waits() => InHub.Run(() =>
    {
        int made = 0;
        Lazy<int> lazy = new(() =>
        {
            made++;
            Thread.Sleep(5);
            return 7;
        });
        GreenTask<int>[] tasks = [.. Enumerable.Range(0, 5).Select(_ => Hub.Spawn(() => lazy.Value))];

        Assert.All(tasks, task => Assert.Equal(7, task.Result));
        Assert.Equal(1, made);
    });

    // The shortest of many short runs, which nothing interrupted. The limit is far above what optimized code takes (1.3 to 1.5): a busy machine is late in optimizing.
    [Fact]
    public void An_uncontended_lock_costs_little_more() => InHub.Run(() =>
    {
        object gate = new();
        double woven = double.MaxValue;
        double original = double.MaxValue;
        for (int i = 0; i < 2000; i++)
        {
            woven = Math.Min(woven, Measure(gate, Woven));
            original = Math.Min(original, Measure(gate, Original));
        }

        Console.WriteLine($"lock: {woven:f1} ns woven, {original:f1} ns original");
        Assert.True(woven < original * 6, $"A woven lock takes {woven:f1} ns instead of {original:f1}.");
    });

    private static double Measure(object gate, Func<object, int, int> loop)
    {
        const int Count = 500;
        long start = Stopwatch.GetTimestamp();
        loop(gate, Count);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Count;
    }

    private static int Woven(object gate, int count)
    {
        int sum = 0;
        for (int i = 0; i < count; i++)
        {
            lock (gate)
            {
                sum++;
            }
        }

        return sum;
    }

    private static int Original(object gate, int count) => UnwovenTwin.Original(gate, count);
}
