using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Weaving.Tests;

/// <summary>Tasks that wait for locks of each other: one is told, with the stacks of all.</summary>
public class LockDeadlockTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    [Fact]
    public void Two_tasks_of_a_hub_are_told_with_both_stacks()
    {
        object first = new();
        object second = new();
        using CountdownEvent both = new(2);
        GreenTask[] tasks = [];
        InHub.Run(() =>
        {
            tasks = [Hub.Spawn(() => FirstThenSecond(first, second, both)), Hub.Spawn(() => SecondThenFirst(first, second, both))];
            Join(tasks);
        });

        RequireOneVictim(tasks, nameof(FirstThenSecond), nameof(SecondThenFirst));
        Assert.True(Monitor.TryEnter(first) && Monitor.TryEnter(second), "A lock was kept.");
        Monitor.Exit(first);
        Monitor.Exit(second);
    }

    [Fact]
    public async Task Two_tasks_of_two_hubs_are_told_with_both_stacks()
    {
        object first = new();
        object second = new();
        using CountdownEvent both = new(2);
        GreenTask[] tasks = new GreenTask[2];
        Task one = Task.Run(() => InHub.Run(() => Join(tasks[0] = Hub.Spawn(() => FirstThenSecond(first, second, both)))));
        Task other = Task.Run(() => InHub.Run(() => Join(tasks[1] = Hub.Spawn(() => SecondThenFirst(first, second, both)))));
        await Task.WhenAll(one, other);

        RequireOneVictim(tasks, nameof(FirstThenSecond), nameof(SecondThenFirst));
    }

    [Fact]
    public void Three_kinds_of_locks_are_one_circle()
    {
        object monitor = new();
        Lock other = new();
        using Mutex mutex = new();
        using CountdownEvent all = new(3);
        GreenTask[] tasks = [];
        InHub.Run(() =>
        {
            tasks =
            [
                Hub.Spawn(() =>
                {
                    lock (monitor)
                    {
                        Meet(all);
                        lock (other)
                        {
                        }
                    }
                }),
                Hub.Spawn(() =>
                {
                    lock (other)
                    {
                        Meet(all);
                        mutex.WaitOne();
                        mutex.ReleaseMutex();
                    }
                }),
                Hub.Spawn(() =>
                {
                    mutex.WaitOne();
                    try
                    {
                        Meet(all);
                        lock (monitor)
                        {
                        }
                    }
                    finally
                    {
                        mutex.ReleaseMutex();
                    }
                }),
            ];
            Join(tasks);
        });

        RequireOneVictim(tasks);
    }

    /// <summary>It must have the lock of its pulse again before an exception can leave, so another one is told.</summary>
    [Fact]
    public void A_task_that_comes_back_from_a_pulse_is_not_the_one_that_gives_up()
    {
        object outer = new();
        object inner = new();
        bool hadInner = false;
        GreenTask[] tasks = [];
        InHub.Run(() =>
        {
            GreenTask waiter = Hub.Spawn(() =>
            {
                lock (outer)
                {
                    lock (inner)
                    {
                        Monitor.Wait(inner);
                        hadInner = Monitor.IsEntered(inner);
                    }
                }
            });
            GreenTask pulser = Hub.Spawn(() =>
            {
                lock (inner)
                {
                    Monitor.Pulse(inner);
                    lock (outer)
                    {
                    }
                }
            });
            Join(tasks = [waiter, pulser]);
        });

        Assert.True(hadInner);
        Assert.True(tasks[0].IsSuccessful, $"{tasks[0].Exception}");
        Assert.IsType<GreenDeadlockException>(tasks[1].Exception);
    }

    [Fact]
    public void A_wait_with_a_limit_ends_by_that()
    {
        object first = new();
        object second = new();
        using CountdownEvent both = new(2);
        bool isTaken = true;
        GreenTask[] tasks = [];
        InHub.Run(() =>
        {
            GreenTask limited = Hub.Spawn(() =>
            {
                lock (first)
                {
                    Meet(both);
                    isTaken = Monitor.TryEnter(second, 1000);
                }
            });
            Join(tasks = [limited, Hub.Spawn(() => SecondThenFirst(first, second, both))]);
        });

        Assert.False(isTaken);
        Assert.All(tasks, task => Assert.True(task.IsSuccessful, $"{task.Exception}"));
    }

    /// <summary>Who holds a lock for long waits for one, but not for one of a task that waits for it.</summary>
    [Fact]
    public void A_long_queue_of_tasks_is_no_circle()
    {
        object[] gates = [.. Enumerable.Range(0, 4).Select(_ => new object())];
        using CountdownEvent all = new(4);
        GreenTask[] tasks = [];
        InHub.Run(() =>
        {
            tasks = [.. Enumerable.Range(0, 4).Select(i => Hub.Spawn(() =>
            {
                lock (gates[i])
                {
                    Meet(all);
                    if (i == 3)
                    {
                        Thread.Sleep(500); // until all have waited for long
                        return;
                    }

                    lock (gates[i + 1])
                    {
                    }
                }
            }))];
            Join(tasks);
        });

        Assert.All(tasks, task => Assert.True(task.IsSuccessful, $"{task.Exception}"));
    }

    private static void FirstThenSecond(object first, object second, CountdownEvent both)
    {
        lock (first)
        {
            Meet(both);
            lock (second)
            {
            }
        }
    }

    private static void SecondThenFirst(object first, object second, CountdownEvent both)
    {
        lock (second)
        {
            Meet(both);
            lock (first)
            {
            }
        }
    }

    private static void Meet(CountdownEvent all)
    {
        all.Signal();
        all.Wait();
    }

    private static void RequireOneVictim(GreenTask[] tasks, params string[] methods)
    {
        GreenTask victim = Assert.Single(tasks, task => !task.IsSuccessful);
        GreenDeadlockException error = Assert.IsType<GreenDeadlockException>(victim.Exception);
        Assert.Equal(tasks.Length, error.Waiters.Count);
        Assert.All(methods, method => Assert.Single(error.Waiters, waiter => waiter.Contains($".{method}(", StringComparison.Ordinal)));
        Assert.All(error.Waiters, waiter => Assert.Contains(waiter, error.Message, StringComparison.Ordinal));
    }

    private static void Join(params GreenTask[] tasks)
    {
        foreach (GreenTask task in tasks)
        {
            Assert.True(task.Join(s_patience), $"{task} hangs.");
            _ = task.Exception; // seen
        }
    }
}
