using System.Diagnostics;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Weaving.Locks;

namespace NativeGreenlet.Weaving.Tests;

/// <summary>A lock of woven code that is held across a wait.</summary>
public class LockTests
{
    private const double Aim = 1.3;
    private const double Limit = 4; // on a busy machine, and on Threads, where a thread asks for its greenlet, too
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
    public void Tasks_of_a_hub_read_together_and_write_alone() => InHub.Run(() =>
    {
        using ReaderWriterLockSlim gate = new();
        int readers = 0;
        int mostReaders = 0;
        int writers = 0;
        int sum = 0;
        int clashes = 0;
        GreenTask[] tasks = [.. Enumerable.Range(0, 30).Select(i => Hub.Spawn(() =>
        {
            for (int round = 0; round < 5; round++)
            {
                if (i % 3 == 0)
                {
                    gate.EnterWriteLock();
                    clashes += readers + writers++;
                    int before = sum;
                    Hub.Yield();
                    Thread.Sleep(0);
                    sum = before + 1;
                    clashes += readers + --writers;
                    gate.ExitWriteLock();
                }
                else
                {
                    gate.EnterReadLock();
                    clashes += writers;
                    mostReaders = Math.Max(mostReaders, ++readers);
                    Hub.Yield();
                    readers--;
                    clashes += writers;
                    gate.ExitReadLock();
                }
            }
        }))];
        Hub.WaitAll(tasks);

        Assert.Equal((0, 50), (clashes, sum));
        Assert.InRange(mostReaders, 2, 20);
    });

    [Fact]
    public void Tasks_of_several_hubs_and_threads_share_a_reader_writer_lock()
    {
        ReaderWriterLockSlim gate = new(LockRecursionPolicy.SupportsRecursion);
        int inside = 0;
        int clashes = 0;
        int sum = 0;
        Thread[] threads = [.. Enumerable.Range(0, 6).Select(i => new Thread(() =>
        {
            if (i % 2 == 0)
            {
                Hub.Run(() => Hub.WaitAll([.. Enumerable.Range(0, 10).Select(task => Hub.Spawn(() => Work(task)))]));
            }
            else
            {
                Work(i);
            }
        }) { IsBackground = true })];
        Array.ForEach(threads, thread => thread.Start());

        Assert.All(threads, thread => Assert.True(thread.Join(s_patience), "A thread hangs."));
        Assert.Equal((0, 33 * 20), (clashes, sum));
        Assert.Equal(0, gate.CurrentReadCount);
        Assert.True(gate.TryEnterWriteLock(0));

        void Work(int kind)
        {
            for (int round = 0; round < 20; round++)
            {
                gate.EnterUpgradeableReadLock();
                Thread.Sleep(0);
                gate.EnterWriteLock();
                clashes += Interlocked.Increment(ref inside) - 1;
                sum++;
                Thread.Yield();
                Interlocked.Decrement(ref inside);
                gate.ExitWriteLock();
                gate.ExitUpgradeableReadLock();
                gate.EnterReadLock();
                gate.EnterReadLock();
                Thread.Sleep(kind % 2);
                Interlocked.Add(ref clashes, Volatile.Read(ref inside));
                gate.ExitReadLock();
                gate.ExitReadLock();
            }
        }
    }

    [Fact]
    public void A_task_that_is_killed_while_it_waits_to_write_lets_readers_in() => InHub.Run(() =>
    {
        using ReaderWriterLockSlim gate = new();
        gate.EnterReadLock();
        GreenTask writer = Hub.Spawn(gate.EnterWriteLock);
        Await(() => gate.WaitingWriteCount == 1);
        GreenTask<bool> refused = Hub.Spawn(() => gate.TryEnterReadLock(0));
        GreenTask reader = Hub.Spawn(() =>
        {
            gate.EnterReadLock();
            gate.ExitReadLock();
        });
        Await(() => gate.WaitingReadCount == 1);
        Assert.False(refused.Result);

        writer.Kill();

        reader.Join();
        gate.ExitReadLock();
        GreenTask<bool> last = Hub.Spawn(() => gate.TryEnterWriteLock(0));
        Assert.True(last.Result);
    });

    [Fact]
    public void A_turn_to_write_that_comes_for_a_killed_task_goes_to_the_next() => InHub.Run(() =>
    {
        using ReaderWriterLockSlim gate = new();
        gate.EnterWriteLock();
        GreenTask killed = Hub.Spawn(() =>
        {
            gate.EnterWriteLock();
            try
            {
                Hub.Yield(); // if the kill comes here
            }
            finally
            {
                gate.ExitWriteLock();
            }
        });
        Await(() => gate.WaitingWriteCount == 1);
        GreenTask next = Hub.Spawn(() =>
        {
            gate.EnterWriteLock();
            gate.ExitWriteLock();
        });
        Await(() => gate.WaitingWriteCount == 2);
        gate.ExitWriteLock(); // it is the turn of the first, which has not run since
        killed.Kill();

        Assert.True(next.Join(s_patience));
    });

    private static void Await(Func<bool> condition)
    {
        while (!condition())
        {
            Hub.Yield();
        }
    }

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

    // The shortest of many short runs, which nothing interrupted, as soon as that is what optimized code takes. A busy machine is late in optimizing:
    // the limit is far above.
    [Fact]
    public void An_uncontended_lock_costs_little_more_in_a_hub() => InHub.Run(() => RequireCheap("in a hub"));

    [Fact]
    public void An_uncontended_lock_costs_little_more_outside_of_hubs() => RequireCheap("outside");

    private static void RequireCheap(string where)
    {
        object gate = new();
        double woven = double.MaxValue;
        double original = double.MaxValue;
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < 2000 || Stopwatch.GetElapsedTime(start) < (woven > original * Limit ? TimeSpan.FromMinutes(3) : woven > original * Aim ? TimeSpan.FromSeconds(5) : TimeSpan.Zero); i++)
        {
            woven = Math.Min(woven, Measure(gate, Woven));
            original = Math.Min(original, Measure(gate, Original));
        }

        Console.WriteLine($"lock {where}: {woven:f1} ns woven, {original:f1} ns original");
        Assert.True(woven < original * Limit, $"A woven lock takes {woven:f1} ns instead of {original:f1}.");
    }

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
