using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>What is a deadlock, what may be one, and what is none. The patience is that of the test assembly, 300 ms; who
/// wakes does it after several times that.</summary>
public class DeadlockTests
{
    private static readonly TimeSpan s_late = HubOptions.Default.DeadlockPatience * 4;
    private static Timer? s_timer;

    [Fact]
    public void Locks_of_tasks_that_wait_for_each_other_are_one_and_the_waiters_are_listed() => InHub.OnThread(() =>
    {
        GreenDeadlockException exception = Assert.Throws<GreenDeadlockException>(() => Hub.Run(() =>
        {
            GreenLock[] locks = [new(), new()];
            GreenTask[] tasks = [.. Enumerable.Range(0, 2).Select(i => Hub.Spawn(() =>
            {
                using GreenLock.Scope mine = locks[i].EnterScope();
                Hub.Yield();
                using GreenLock.Scope other = locks[1 - i].EnterScope();
            }))];
            tasks[0].Name = "stuck";
            Hub.WaitAll(tasks);
        }));
        Assert.Equal(3, exception.Waiters.Count);
        Assert.Contains("'stuck', running, waits for a lock held by task", exception.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_lock_that_a_task_has_taken_to_its_end_is_one() => InHub.OnThread(() => Assert.Throws<GreenDeadlockException>(() => Hub.Run(() =>
    {
        GreenLock gate = new();
        Hub.Spawn(gate.Enter).Join();
        gate.Enter();
    })));

    [Fact]
    public void Ends_of_tasks_that_wait_for_each_other_are_one() => InHub.OnThread(() => Assert.Throws<GreenDeadlockException>(() => Hub.Run(() =>
    {
        GreenTask[] tasks = new GreenTask[2];
        tasks[0] = Hub.Spawn(() => tasks[1].Join());
        tasks[1] = Hub.Spawn(() => Hub.Wait([tasks[0]]));
        GreenNursery.Run(nursery => nursery.Spawn(() => Hub.WaitAny(tasks)));
    })));

    [Fact]
    public async Task What_an_unknown_thread_may_still_do_is_told_once_and_waited_for()
    {
        using Hub hub = Hub.Start();
        ConcurrentQueue<HubDeadlockSuspectedEventArgs> suspicions = [];
        hub.DeadlockSuspected += (_, e) => suspicions.Enqueue(e);
        GreenEvent? mine = null;
        Task run = hub.InvokeAsync(() =>
        {
            mine = new GreenEvent();
            GreenTask stuck = Hub.Spawn(() => new GreenQueue<int>().Get());
            stuck.Name = "stuck";
            mine.Wait();
        });
        while (suspicions.IsEmpty)
        {
            await Task.Delay(10);
        }

        await Task.Delay(s_late);
        Assert.False(run.IsCompleted);
        mine!.Set();
        await run.WaitAsync(InHub.Patience);
        HubDeadlockSuspectedEventArgs told = Assert.Single(suspicions);
        Assert.InRange(told.Duration, HubOptions.Default.DeadlockPatience, InHub.Patience);
        Assert.Equal(2, told.Waiters.Count);
        Assert.Contains(told.Waiters, waiter => waiter.Contains("'stuck', running, waits for a queue (0 items)", StringComparison.Ordinal));
    }

    [Fact]
    public void What_another_thread_has_made_or_used_is_not_even_suspected() => InHub.OnThread(() =>
    {
        GreenEvent theirs = new();
        InHub.Run(() =>
        {
            int suspicions = 0;
            Hub.Current.DeadlockSuspected += (_, _) => suspicions++;
            OnLateThread(theirs.Set);
            theirs.Wait();
            Assert.Equal(0, suspicions);
        });
    });

    [Fact]
    public void A_registered_signal_is_waited_for_without_a_suspicion()
    {
        // A signal that does no harm, and that is not ignored where a whole process tree ignores hang-ups.
        GreenEvent? mine = null;
        InHub.Run(() =>
        {
            if (OperatingSystem.IsWindows())
            {
                return;
            }

            int suspicions = 0;
            Hub.Current.DeadlockSuspected += (_, _) => suspicions++;
            mine = new GreenEvent();
            using (Hub.OnSignal(PosixSignal.SIGWINCH, mine.Set))
            {
                OnLateThread(Continue);
                mine.Wait();
            }

            Assert.Equal(0, suspicions);
            mine.Reset();
            using (PosixSignalRegistration.Create(PosixSignal.SIGWINCH, Wake))
            {
                OnLateThread(Continue);
                mine.Wait();
            }
        });

        void Wake(PosixSignalContext context)
        {
            context.Cancel = true;
            mine!.Set();
        }

        static void Continue()
        {
            using Process kill = Process.Start("sh", ["-c", $"kill -WINCH {Environment.ProcessId}"]);
            kill.WaitForExit();
        }
    }

    [Fact]
    public void A_late_post_task_timer_method_or_thread_is_waited_for()
    {
        Action<Action>[] ways =
        [
            wake => { Hub hub = Hub.Current; OnLateThread(() => hub.Post(wake)); },
            wake => Task.Run(() => { Thread.Sleep(s_late); wake(); }),
            wake => Task.Delay(s_late).ContinueWith(_ => wake(), TaskScheduler.Default),
            wake => s_timer = new Timer(_ => wake(), null, s_late, Timeout.InfiniteTimeSpan),
            wake => _ = WakeLater(wake),
            OnLateThread,
        ];
        foreach (Action<Action> begin in ways)
        {
            InHub.Run(() =>
            {
                Hub.Current.DeadlockSuspected += (_, _) => { };
                GreenEvent mine = new();
                begin(mine.Set);
                mine.Wait();
            });
        }

        static async Task WakeLater(Action wake)
        {
            await Task.Delay(s_late);
            wake();
        }
    }

    [Fact]
    public async Task The_token_of_a_run_ends_its_wait_without_a_suspicion()
    {
        using Hub hub = Hub.Start();
        int suspicions = 0;
        hub.DeadlockSuspected += (_, _) => suspicions++;
        using CancellationTokenSource source = new(s_late);
        await Assert.ThrowsAsync<TaskCanceledException>(() => hub.InvokeAsync(() => new GreenEvent().Wait(), source.Token)).WaitAsync(InHub.Patience);
        Assert.Equal(0, suspicions);
        using CancellationTokenSource shared = new(s_late);
        await Assert.ThrowsAsync<TaskCanceledException>(() => Hub.RunAsync(() => new GreenEvent().Wait(), shared.Token)).WaitAsync(InHub.Patience);
    }

    [Fact]
    public void A_timeout_around_a_wait_is_longer_than_the_patience() => InHub.Run(() =>
    {
        Assert.False(GreenTimeout.TryRun(s_late, new GreenEvent().Wait));
        Assert.False(GreenTimeout.TryRun(s_late, () =>
        {
            using GreenTimeout endless = new(Timeout.InfiniteTimeSpan);
            new GreenEvent().Wait();
        }));
    });

    [Fact]
    public void An_endless_sleep_lasts_until_it_is_killed() => InHub.Run(() =>
    {
        int suspicions = 0;
        Hub.Current.DeadlockSuspected += (_, _) => suspicions++;
        GreenTask sleeper = Hub.Spawn(() => Hub.Sleep(Timeout.InfiniteTimeSpan));
        OnLateThread(() => sleeper.Kill());
        sleeper.Join();
        Assert.True(sleeper.IsKilled);
        Assert.Equal(0, suspicions);
    });

    /// <summary>Also when the timer of the check is due before what is ready had its turn.</summary>
    [Fact]
    public void A_pending_post_is_waited_for_without_any_patience()
    {
        for (int i = 0; i < 20; i++)
        {
            InHub.Run(
                () =>
                {
                    GreenLock gate = new();
                    GreenTask owner = Hub.Spawn(() =>
                    {
                        gate.Enter();
                        Hub.Current.Post(() => Hub.Current.Post(() => { }));
                        Hub.Yield();
                        gate.Exit();
                    });
                    Hub.Yield();
                    gate.Enter();
                },
                new HubOptions { DeadlockPatience = TimeSpan.Zero });
        }
    }

    /// <summary>A task that only hands over in time, in another hub: its place in the pool is not the waiter's own.</summary>
    [Fact]
    public void A_wait_for_tasks_of_another_hub_is_none()
    {
        using Hub other = Hub.Start();
        TaskCompletionSource<GreenTask> theirs = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task run = other.InvokeAsync(() =>
        {
            GreenTask task = Hub.Spawn(() => Hub.Sleep(s_late));
            theirs.SetResult(task);
            task.Join();
        });
        InHub.Run(() => Assert.Single(Hub.WaitEach(Hub.Await(theirs.Task))));
        Assert.True(run.Wait(InHub.Patience));
    }

    /// <summary>Nobody but the tasks can end it: the queue in which they are told is the wait's own.</summary>
    [Fact]
    public void A_wait_for_each_of_tasks_that_wait_for_each_other_is_one() => InHub.OnThread(() => Assert.Throws<GreenDeadlockException>(() => Hub.Run(() =>
    {
        GreenTask[] tasks = new GreenTask[2];
        tasks[0] = Hub.Spawn(() => tasks[1].Join());
        tasks[1] = Hub.Spawn(() => tasks[0].Join());
        Assert.Equal(2, Hub.WaitEach(tasks).Count());
    })));

    [Fact]
    public void Nothing_is_said_of_a_wait_for_each_of_tasks_of_another_hub()
    {
        using Hub other = Hub.Start();
        TaskCompletionSource<GreenTask> theirs = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task run = other.InvokeAsync(() =>
        {
            GreenTask task = Hub.Spawn(() => Hub.Sleep(s_late));
            theirs.SetResult(task);
            task.Join();
        });
        int suspected = 0;
        InHub.Run(() =>
        {
            Hub.Current.DeadlockSuspected += (_, _) => suspected++;
            Assert.Single(Hub.WaitEach(Hub.Await(theirs.Task)));
        });
        Assert.Equal(0, suspected);
        Assert.True(run.Wait(InHub.Patience));
    }

    private static void OnLateThread(Action wake)
    {
        Thread thread = new(() =>
        {
            Thread.Sleep(s_late);
            wake();
        })
        {
            IsBackground = true,
        };
        thread.Start();
    }
}
