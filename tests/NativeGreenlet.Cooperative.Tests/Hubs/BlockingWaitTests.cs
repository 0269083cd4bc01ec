using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Waits of .NET in tasks of a hub: parked, told, or left to block.</summary>
public class BlockingWaitTests
{
    private const int Count = 60;
    private const int Blocked = 500; // milliseconds: on a busy machine .NET spins for long before it waits

    private static readonly TimeSpan s_compilation = TimeSpan.FromSeconds(10); // code that is not optimized is never compiled anew

    // On .NET 11 Monitor.Wait may be compiled into its caller, which then looks as if it was inside another lock.
    private static readonly bool s_isMonitorManaged = Environment.Version.Major > 10;

    private static readonly Dictionary<string, Func<ManualResetEventSlim, Action>> s_waits = new()
    {
        ["Task.Wait"] = go => () => Task.Run(go.Wait).Wait(),
        ["Task.Result"] = go => () => Assert.Equal(3, Later(go, 3).Result),
        ["GetResult"] = go => () => Assert.Equal(3, Later(go, 3).GetAwaiter().GetResult()),
        ["Task.WaitAll"] = go => () => Task.WaitAll(Later(go, 1), Later(go, 2)),
        ["Task.WaitAny"] = go => () => Assert.InRange(Task.WaitAny(Later(go, 1), Later(go, 2)), 0, 1),
        ["ManualResetEventSlim"] = go => go.Wait,
        ["ManualResetEventSlim, with a time"] = go => () => Assert.True(go.Wait(InHub.Long)),
        ["SemaphoreSlim"] = go =>
        {
            SemaphoreSlim semaphore = new(0);
            Later(go, 0).ContinueWith(_ => semaphore.Release(Count), TaskScheduler.Default);
            return semaphore.Wait;
        },
        ["WaitHandle.WaitOne"] = go => () => go.WaitHandle.WaitOne(),
        ["WaitHandle.WaitAny"] = go => () => WaitHandle.WaitAny([go.WaitHandle, new ManualResetEvent(false)]),
        ["WaitHandle.WaitAll"] = go => () => WaitHandle.WaitAll([go.WaitHandle, new ManualResetEvent(true)]),
        ["AutoResetEvent"] = go =>
        {
            AutoResetEvent turn = new(false);
            Later(go, 0).ContinueWith(_ => turn.Set(), TaskScheduler.Default);
            return () =>
            {
                turn.WaitOne();
                turn.Set();
            };
        },
        ["BlockingCollection"] = go =>
        {
            BlockingCollection<int> items = [];
            Later(go, 0).ContinueWith(_ => Enumerable.Range(0, Count).ToList().ForEach(items.Add), TaskScheduler.Default);
            return () => items.Take();
        },
        ["CountdownEvent"] = go =>
        {
            CountdownEvent countdown = new(1);
            Later(go, 0).ContinueWith(_ => countdown.Signal(), TaskScheduler.Default);
            return countdown.Wait;
        },
        ["Monitor.Wait"] = go =>
        {
            object monitor = new();
            bool isSet = false;
            Later(go, 0).ContinueWith(
                _ =>
                {
                    lock (monitor)
                    {
                        isSet = true;
                        Monitor.PulseAll(monitor);
                    }
                },
                TaskScheduler.Default);
            return () =>
            {
                lock (monitor)
                {
                    while (!isSet)
                    {
                        Monitor.Wait(monitor);
                    }
                }
            };
        },
        ["Monitor.Wait, with a time, some of which are up"] = go =>
        {
            object monitor = new();
            bool isSet = false;
            int number = 0;
            Later(go, 0).ContinueWith(
                _ =>
                {
                    lock (monitor)
                    {
                        isSet = true;
                        Monitor.PulseAll(monitor);
                    }
                },
                TaskScheduler.Default);
            return () =>
            {
                int own = ++number;
                lock (monitor)
                {
                    while (!isSet)
                    {
                        Monitor.Wait(monitor, 1 + (own * 7 % 50));
                    }
                }
            };
        },
        ["Thread.Join"] = go => () =>
        {
            Thread thread = new(go.Wait) { IsBackground = true };
            thread.Start();
            thread.Join();
        },
        ["Barrier"] = go =>
        {
            Barrier barrier = new(2);
            bool isFirst = true;
            return () =>
            {
                if (isFirst)
                {
                    isFirst = false;
                    Later(go, 0).ContinueWith(_ => barrier.SignalAndWait(), TaskScheduler.Default);
                    barrier.SignalAndWait();
                }
            };
        },
        ["Mutex"] = go =>
        {
            Mutex mutex = new();
            using ManualResetEventSlim isOwned = new();
            new Thread(() =>
            {
                mutex.WaitOne();
                isOwned.Set();
                go.Wait();
                mutex.ReleaseMutex();
            }) { IsBackground = true }.Start();
            isOwned.Wait();
            return () =>
            {
                mutex.WaitOne();
                mutex.ReleaseMutex(); // it is this thread's
            };
        },
    };

    // On .NET 11 the system's own wait for a thread's end tells nobody.
    public static TheoryData<string> Waits { get; } = [.. s_waits.Keys.Where(kind => kind != "Thread.Join" || Environment.Version.Major < 11)];

    private static HubOptions Parking => new() { BlockingWaits = BlockingWaits.Park };

    // All of them wait at the same time on one thread: the event is set by the last.
    [ParkingTheory]
    [MemberData(nameof(Waits))]
    public void A_wait_parks(string kind)
    {
        using ManualResetEventSlim go = new();
        Action wait = s_waits[kind](go);
        using Compactor compactor = new();
        long before = GreenletDiagnostics.ThreadRecords; // of tests that ran before
        long records = 0;
        InHub.Run(
            () =>
            {
                List<HubBlockingWaitEventArgs> told = [];
                Hub.Current.BlockingWait += (_, e) => told.AddRange(e.Reason?.Contains("its turn", StringComparison.Ordinal) == true ? [] : [e]); // a lock that another thread has just now
                GreenTask[] tasks = [.. Enumerable.Range(0, Count).Select(i => Hub.Spawn(() =>
                {
                    int[] kept = [i, i + 1, i + 2];
                    wait();
                    Assert.Equal([i, i + 1, i + 2], kept);
                }))];
                Hub.Sleep(TimeSpan.FromMilliseconds(100));
                records = GreenletDiagnostics.ThreadRecords;
                Assert.DoesNotContain(tasks, task => task.IsCompleted && kind != "Barrier");
                go.Set();
                Hub.WaitAll(tasks);
                Array.ForEach(tasks, task => task.ThrowIfFailed());
                Assert.True(told.Count == 0, string.Join('\n', told.Select(each => $"{each.Call}: {each.Reason}\n{each.StackTrace}")));
            },
            Parking);
        Assert.True(records < Count || records <= before, $"{records} thread records, {before} before"); // free ones stay
    }

    [ParkingTheory]
    [MemberData(nameof(Waits))]
    public void A_parked_wait_is_killed_and_the_others_go_on(string kind)
    {
        using ManualResetEventSlim go = new();
        Action wait = s_waits[kind](go);
        using Compactor compactor = new();
        InHub.Run(
            () =>
            {
                InHub.Unhandled(); // the timeouts
                GreenTask[] tasks = [.. Enumerable.Range(0, Count).Select(i => Hub.Spawn(() =>
                {
                    if (i % 3 == 1)
                    {
                        using GreenTimeout timeout = new(TimeSpan.FromMilliseconds(20 + i));
                        wait();
                    }
                    else
                    {
                        wait();
                    }
                }))];
                Hub.Sleep(TimeSpan.FromMilliseconds(50));
                for (int i = 0; i < Count; i += 3)
                {
                    tasks[i].Kill();
                    Hub.Yield();
                }

                Hub.Sleep(TimeSpan.FromMilliseconds(100));
                go.Set();
                Hub.WaitAll(tasks);
                for (int i = 0; i < Count; i++)
                {
                    bool mayEnd = kind == "Barrier" || i % 3 == 2 || tasks[i].Exception is InvalidOperationException; // BlockingCollection takes both for its own end
                    Assert.True(mayEnd || (i % 3 == 0 ? tasks[i].Exit is not null : tasks[i].Exception is GreenTimeoutException), $"{i}: {tasks[i].Exit} {tasks[i].Exception}");
                    Assert.True(i % 3 != 2 || (tasks[i].IsSuccessful && tasks[i].Exit is null), $"{i}: {tasks[i].Exit} {tasks[i].Exception}");
                }
            },
            Parking);
    }

    // The words of the thread are those of no stack when it is left, and each stack's own when it goes on: in random order.
    [ParkingFact]
    public void Waits_of_all_kinds_in_random_order() => InRandomOrder(action => InHub.Run(
        () => Hub.WaitAll(Enumerable.Range(0, Count).Select(i => Hub.Spawn(() => action(i))).ToArray()),
        Parking));

    // The control: the same on threads.
    [Fact]
    public void Waits_of_all_kinds_in_random_order_on_threads() => InRandomOrder(action =>
    {
        Exception? failure = null;
        Thread[] threads = [.. Enumerable.Range(0, Count).Select(i => new Thread(() =>
        {
            try
            {
                action(i);
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        }) { IsBackground = true })];
        Array.ForEach(threads, thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(InHub.Patience)));
        Assert.Null(failure);
    });

    private static void InRandomOrder(Action<Action<int>> run)
    {
        using Compactor compactor = new();
        object monitor = new();
        int turns = 0;
        SemaphoreSlim semaphore = new(5);
        using BlockingCollection<int[]> items = new(8);
        long sum = 0;
        int inside = 0;
        int most = 0;
        run(i =>
        {
            Random random = new(i);
            for (int step = 0; step < 12; step++)
            {
                int[] kept = [i, step];
                switch (random.Next(6))
                {
                    case 0:
                        Task.Delay(random.Next(5)).Wait();
                        break;

                    case 1:
                        semaphore.Wait();
                        Raise(ref most, Interlocked.Increment(ref inside));
                        Task.Delay(1).Wait();
                        Interlocked.Decrement(ref inside);
                        semaphore.Release();
                        break;

                    case 2:
                        lock (monitor)
                        {
                            int turn = turns;
                            long start = Environment.TickCount64;
                            while (turns == turn && Environment.TickCount64 - start < 20)
                            {
                                Monitor.Wait(monitor, random.Next(1, 10));
                            }
                        }

                        break;

                    case 3:
                        lock (monitor)
                        {
                            turns++;
                            Monitor.PulseAll(monitor);
                        }

                        break;

                    case 4:
                        items.Add([i, step]);
                        int[] taken = items.Take();
                        Interlocked.Add(ref sum, taken[0] - i);
                        break;

                    default:
                        try
                        {
                            throw new FormatException();
                        }
                        catch (FormatException)
                        {
                            Assert.Equal(step, Task.Delay(2).ContinueWith(_ => step, TaskScheduler.Default).Result); // in a catch block
                        }

                        break;
                }

                Assert.Equal([i, step], kept);
            }
        });
        Assert.Equal(0, sum); // each item was taken once
        Assert.Equal(0, inside);
        Assert.InRange(most, 1, 5);
        Assert.Equal(5, semaphore.CurrentCount);
    }

    [ParkingFact]
    public void A_wait_that_blocks_is_told_once_with_its_place()
    {
        List<HubBlockingWaitEventArgs> told = [];
        InHub.Run(
            () =>
            {
                Hub.Current.BlockingWait += (_, e) => told.Add(e);
                for (int i = 0; i < 3; i++)
                {
                    Block();
                }

                using SemaphoreSlim free = new(1);
                free.Wait(); // does not block
            },
            new HubOptions { BlockingWaits = BlockingWaits.Report });
        HubBlockingWaitEventArgs only = Assert.Single(told);
        Assert.Contains("Task", only.Call, StringComparison.Ordinal);
        Assert.Contains(nameof(Block), only.StackTrace.ToString(), StringComparison.Ordinal);
        Assert.Null(only.Reason);
        Assert.False(only.IsInLock);
    }

    // The runtime compiles anew what is called often, and then methods into those that call them: the stack has fewer frames.
    [ParkingFact]
    public void A_place_is_told_once_however_its_code_is_compiled()
    {
        List<HubBlockingWaitEventArgs> told = [];
        InHub.Run(
            () =>
            {
                Hub.Current.BlockingWait += (_, e) => told.Add(e);
                int first = 0;
                bool isAgain = false;
                Task task = Task.Delay(Blocked);
                Stopwatch watch = Stopwatch.StartNew();
                while (true)
                {
                    int frames = WaitAndCount(task);
                    first = first == 0 ? frames : first;
                    if (isAgain)
                    {
                        break;
                    }

                    isAgain = frames != first || watch.Elapsed > s_compilation;
                    task = isAgain ? Task.Delay(Blocked) : task;
                }
            },
            new HubOptions { BlockingWaits = BlockingWaits.Report });
        Assert.True(told.Count == 1, string.Join('\n', told.Select(each => $"{each.Call}\n{each.StackTrace}")));
    }

    [Fact]
    public void Nothing_is_told_of_a_hub_that_blocks()
    {
        bool isTold = false;
        InHub.Run(
            () =>
            {
                Hub.Current.BlockingWait += (_, _) => isTold = true;
                Block();
            },
            new HubOptions { BlockingWaits = BlockingWaits.Block });
        Assert.False(isTold);
    }

    [ParkingFact]
    public void A_wait_in_a_lock_is_told_and_refused()
    {
        List<HubBlockingWaitEventArgs> told = [];
        InHub.Run(
            () =>
            {
                Hub.Current.BlockingWait += (_, e) => told.Add(e);
                BlockInLock(new object());
                BlockInNewLock(new Lock());
                if (!s_isMonitorManaged)
                {
                    WaitForMonitor(new object());
                }

                Block();
            },
            new HubOptions { BlockingWaits = BlockingWaits.Report });
        Assert.Equal(s_isMonitorManaged ? [true, true, false] : [true, true, false, false], told.Select(each => each.IsInLock));

        InHub.Run(
            () =>
            {
                Assert.Contains("inside a lock", Assert.Throws<InvalidOperationException>(() => BlockInLock(new object())).Message, StringComparison.Ordinal);
                Assert.Throws<InvalidOperationException>(() => BlockInNewLock(new Lock()));
                if (!s_isMonitorManaged)
                {
                    WaitForMonitor(new object());
                }

                Block();
            },
            new HubOptions { BlockingWaits = BlockingWaits.Park, RefusesWaitsInLocks = true });
    }

    [ParkingFact]
    public void A_wait_in_an_asynchronous_body_parks() => InHub.OnThread(
        () => Hub.Run(async () =>
        {
            int turns = 0;
            GreenTask other = Hub.Spawn(() =>
            {
                while (true)
                {
                    turns++;
                    Hub.Yield();
                }
            });
            using AutoResetEvent nothing = new(false); // a task could end before it is waited for
            nothing.WaitOne(50);
            await Task.Yield();
            int before = turns;
            nothing.WaitOne(50);
            Assert.True(turns > before);
            other.Kill();
        }, Parking));

    [ParkingFact]
    public void A_hub_with_a_time_of_its_own_blocks_and_says_why()
    {
        string? reason = null;
        InHub.Run(
            () =>
            {
                Hub.Current.BlockingWait += (_, e) => reason = e.Reason;
                Block();
            },
            new HubOptions { BlockingWaits = BlockingWaits.Park, TimeProvider = new GreenTestTime() });
        Assert.Contains("a time of its own", reason, StringComparison.Ordinal);
    }

    // What they wait for is done by another task of their hub: one that blocked would wait for ever.
    [ParkingFact]
    public void A_thousand_waits_park_at_a_time_and_end_in_any_order()
    {
        const int Many = 1000;
        List<string?> told = [];
        InHub.Run(
            () =>
            {
                Hub.Current.BlockingWait += (_, e) => told.Add(e.Reason);
                using SemaphoreSlim semaphore = new(0);
                using ManualResetEventSlim go = new();
                object[] monitors = [.. Enumerable.Range(0, Many).Select(_ => new object())];
                int ended = 0;
                GreenTask[] tasks = [.. Enumerable.Range(0, Many).Select(i => Hub.Spawn(() =>
                {
                    switch (i % 3)
                    {
                        case 0:
                            semaphore.Wait();
                            break;
                        case 1:
                            go.Wait();
                            break;
                        default:
                            lock (monitors[i])
                            {
                                Monitor.Wait(monitors[i]);
                            }

                            break;
                    }

                    ended++;
                }))];
                Hub.Sleep(InHub.Tick);
                Assert.Equal(0, ended);
                foreach (int i in Enumerable.Range(0, Many).OrderBy(i => i * 7919 % Many))
                {
                    if (i % 3 == 0)
                    {
                        semaphore.Release();
                    }
                    else if (i % 3 == 2)
                    {
                        lock (monitors[i])
                        {
                            Monitor.Pulse(monitors[i]);
                        }
                    }
                    else if (i > Many / 2)
                    {
                        go.Set();
                    }

                    if (i % 10 == 0)
                    {
                        Hub.Yield();
                    }
                }

                Hub.WaitAll(tasks);
                Assert.Equal(Many, ended);
            },
            Parking);
        Assert.Empty(told);
    }

    // A native Monitor.Wait that an exception leaves waits for its lock first. Exceptions that are thrown and caught meanwhile would be taken for it.
    [ParkingTheory]
    [InlineData("kill")]
    [InlineData("time")]
    [InlineData("exception")]
    public void A_wait_that_an_exception_ends_has_its_lock_again_although_others_throw_meanwhile(string kind) => InHub.Run(
        () =>
        {
            Hub.Current.BlockingWait += (_, _) => ThrowAndCatch();
            object gate = new();
            bool hadIt = false;
            GreenTask task = Hub.Spawn(() =>
            {
                using GreenTimeout? timeout = kind == "time" ? new GreenTimeout(TimeSpan.FromMilliseconds(300)) : null;
                lock (gate)
                {
                    try
                    {
                        Monitor.Wait(gate);
                    }
                    finally
                    {
                        hadIt = Monitor.IsEntered(gate);
                    }
                }
            });
            Hub.Sleep(InHub.Tick);
            using ManualResetEventSlim isHeld = new();
            Thread holder = new(() =>
            {
                lock (gate)
                {
                    isHeld.Set();
                    Thread.Sleep(Blocked);
                }
            });
            holder.Start();
            isHeld.Wait();
            InHub.Unhandled();
            if (kind == "kill")
            {
                task.Kill();
            }
            else if (kind == "exception")
            {
                task.Kill(new FormatException(), InHub.Long);
            }

            Assert.True(task.Join(InHub.Long));
            Assert.True(hadIt);
            Assert.True(kind switch { "kill" => task.Exit is not null, "time" => task.Exception is GreenTimeoutException, _ => task.Exception is FormatException }, $"{task.Exit} {task.Exception}");
            holder.Join();
        },
        Parking);

    private static void ThrowAndCatch()
    {
        try
        {
            throw new NotFiniteNumberException();
        }
        catch (NotFiniteNumberException)
        {
            // That is all.
        }
    }

    [Fact]
    public void A_hub_describes_what_it_does() => InHub.Run(
        () => Assert.Equal(GreenletRuntime.Backend == GreenletBackend.Segments, Hub.Current.Description == "Waits of .NET park."),
        Parking);

    [Fact]
    public void A_value_that_is_none_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new HubOptions { BlockingWaits = (BlockingWaits)7 });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Block() => Task.Delay(Blocked).Wait();

    // How many frames the stack has in the innermost method.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int WaitAndCount(Task task)
    {
        int frames = Frames();
        WaitFor(task);
        return frames;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Frames() => new StackTrace(fNeedFileInfo: false).FrameCount;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WaitFor(Task task) => task.Wait();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void BlockInLock(object gate)
    {
        lock (gate)
        {
            Block();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void BlockInNewLock(Lock gate)
    {
        lock (gate)
        {
            Task.Delay(Blocked).Wait();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WaitForMonitor(object monitor)
    {
        lock (monitor)
        {
            Monitor.Wait(monitor, 10);
        }
    }

    private static void Raise(ref int most, int value)
    {
        int before;
        while ((before = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, before) != before)
        {
        }
    }

    private static Task<int> Later(ManualResetEventSlim go, int result) => Task.Factory.StartNew(
        () =>
        {
            go.Wait();
            return result;
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);
}
