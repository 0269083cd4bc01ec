using System.Diagnostics;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>No wake-up is lost and no kill is missed: every primitive under random timing, on several hubs and plain
/// threads at once, while waits time out and tasks are killed.</summary>
public class StressTests
{
    private const int Hubs = 3;
    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task Every_item_of_a_queue_arrives_once()
    {
        GreenQueue<int> queue = new(4);
        int[] seen = new int[6000];
        Task[] getters = [.. Enumerable.Range(0, Hubs).Select(_ => Hub.RunAsync(() =>
        {
            GreenTask[] tasks = [.. Enumerable.Range(0, 8).Select(seed => Hub.Spawn(() =>
            {
                Random random = new(seed);
                while (true)
                {
                    TimeSpan patience = random.Next(3) == 0 ? InHub.Tick : Timeout.InfiniteTimeSpan;
                    if (queue.TryGet(patience, out int item))
                    {
                        Interlocked.Increment(ref seen[item]);
                    }
                    else if (queue.IsCompleted && queue.Count == 0)
                    {
                        return;
                    }

                    random.Pause();
                }
            }))];
            Hub.WaitAll(tasks);
        }))];
        Task[] putters = [.. Enumerable.Range(0, Hubs).Select(part => Hub.RunAsync(() =>
        {
            GreenTask[] tasks = [.. Enumerable.Range(0, 4).Select(each => Hub.Spawn(() =>
            {
                Random random = new(each);
                for (int i = 0; i < 500; i++)
                {
                    int item = (((part * 4) + each) * 500) + i;
                    while (!queue.TryPut(item, random.Next(3) == 0 ? InHub.Tick : Timeout.InfiniteTimeSpan))
                    {
                    }

                    random.Pause();
                }
            }))];
            Hub.WaitAll(tasks);
        }))];
        await Task.WhenAll(putters).WaitAsync(InHub.Patience);
        queue.Complete();
        await Task.WhenAll(getters).WaitAsync(InHub.Patience);
        Assert.All(seen, times => Assert.Equal(1, times));
    }

    [Fact]
    public async Task Kills_and_timeouts_lose_no_item()
    {
        GreenQueue<int> queue = new();
        int taken = 0;
        int put = 0;
        Stopwatch watch = Stopwatch.StartNew();
        Task consumers = Hub.RunAsync(() =>
        {
            Random random = new(1);
            while (watch.Elapsed < s_time)
            {
                GreenTask victim = Hub.Spawn(() =>
                {
                    while (true)
                    {
                        if (queue.TryGet(InHub.Tick * random.Next(3), out _))
                        {
                            taken++; // before any other wait, at which the kill would be thrown
                        }

                        if (random.Next(2) == 0)
                        {
                            Hub.Yield();
                        }
                        else
                        {
                            Hub.Sleep(InHub.Tick);
                        }
                    }
                });
                random.Pause();
                Assert.True(victim.Kill(timeout: InHub.Long), "a kill was missed");
            }
        });
        Thread producer = new(() =>
        {
            while (watch.Elapsed < s_time)
            {
                queue.Put(put++);
                if (put % 50 == 0)
                {
                    Thread.Sleep(1);
                }
            }
        });
        producer.Start();
        await consumers.WaitAsync(InHub.Patience);
        producer.Join();
        while (queue.TryGet(out _))
        {
            taken++;
        }

        Assert.Equal(put, taken);
    }

    [Fact]
    public async Task Permits_and_locks_survive_kills_on_several_hubs()
    {
        const int LeastEntries = 100;
        GreenSemaphore semaphore = new(3, 3);
        GreenLock gate = new();
        int inside = 0;
        int locked = 0;
        int worst = 0;
        long entries = 0;
        Stopwatch watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Hubs).Select(seed => Hub.RunAsync(() =>
        {
            Random random = new(seed);
            List<GreenTask> tasks = [];
            while (watch.Elapsed < s_time || Volatile.Read(ref entries) < LeastEntries) // on a busy machine for longer
            {
                tasks.RemoveAll(task => task.IsCompleted);
                tasks.Add(Hub.Spawn(() =>
                {
                    if (!semaphore.Wait(random.Next(2) == 0 ? InHub.Tick * 2 : Timeout.InfiniteTimeSpan))
                    {
                        return;
                    }

                    try
                    {
                        worst = Math.Max(worst, Interlocked.Increment(ref inside));
                        Interlocked.Increment(ref entries);
                        random.Pause();
                        using (gate.EnterScope())
                        {
                            if (Interlocked.Increment(ref locked) != 1)
                            {
                                worst = int.MaxValue;
                            }

                            try
                            {
                                random.Pause();
                            }
                            finally
                            {
                                Interlocked.Decrement(ref locked);
                            }
                        }
                    }
                    finally
                    {
                        Interlocked.Decrement(ref inside);
                        semaphore.Release();
                    }
                }));
                random.Pause();
                if (tasks.Count > 20)
                {
                    Assert.True(tasks[random.Next(tasks.Count)].Kill(timeout: InHub.Long), "a kill was missed");
                }
            }

            Assert.All(tasks, task => Assert.True(task.Join(InHub.Long), "a wake-up was lost"));
            Assert.All(tasks, task => Assert.True(task.IsSuccessful, task.Exception?.ToString()));
        }))).WaitAsync(InHub.Patience);
        Assert.Equal((3, 0, 0), (semaphore.CurrentCount, inside, locked));
        Assert.InRange(worst, 1, 3);
    }

    [Fact]
    public async Task Every_set_of_an_event_is_seen()
    {
        const int Rounds = 3000;
        GreenEvent ping = new();
        GreenEvent pong = new();
        Task there = Hub.RunAsync(() =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                ping.Wait();
                ping.Reset();
                pong.Set();
            }
        });
        await Hub.RunAsync(() =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                ping.Set();
                while (!pong.Wait(InHub.Long))
                {
                    Assert.Fail("a wake-up was lost");
                }

                pong.Reset();
            }
        }).WaitAsync(InHub.Patience);
        await there.WaitAsync(InHub.Patience);
    }

    [Fact]
    public async Task A_channel_delivers_each_item_to_one_of_several_hubs()
    {
        GreenChannel<int> channel = new();
        int sum = 0;
        int received = 0;
        const int Count = 3000;
        Task[] receivers = [.. Enumerable.Range(0, Hubs).Select(seed => Hub.RunAsync(() =>
        {
            while (Volatile.Read(ref received) < Count)
            {
                if (channel.TryReceive(InHub.Tick * 3, out int item))
                {
                    Interlocked.Add(ref sum, item);
                    Interlocked.Increment(ref received);
                }
            }
        }))];
        await Hub.RunAsync(() =>
        {
            for (int i = 0; i < Count; i++)
            {
                while (!channel.TrySend(i, InHub.Tick))
                {
                }
            }
        }).WaitAsync(InHub.Patience);
        await Task.WhenAll(receivers).WaitAsync(InHub.Patience);
        Assert.Equal((Count, Count * (Count - 1) / 2), (received, sum));
    }

    [Fact]
    public void Completions_from_the_pool_are_never_lost() => InHub.Run(() =>
    {
        Random random = new(5);
        GreenTask[] tasks = [.. Enumerable.Range(0, 50).Select(_ => Hub.Spawn(() =>
        {
            for (int i = 0; i < 200; i++)
            {
                if (random.Next(4) == 0)
                {
                    Hub.Await(Task.Delay(1), InHub.Tick);
                }
                else
                {
                    Assert.Equal(i, Hub.Await(Task.Run(() => i)));
                }
            }
        }))];
        Hub.WaitAll(tasks);
        Assert.All(tasks, task => Assert.True(task.IsSuccessful, task.Exception?.ToString()));
    });

    [Fact]
    public void Ten_thousand_sleep_under_the_collector() => InHub.Run(() =>
    {
        int awake = 0;
        int count = GreenletRuntime.Backend == GreenletBackend.Threads ? 500 : 10_000;
        GreenTask[] tasks = [.. Enumerable.Range(0, count).Select(i => Hub.Spawn(() =>
        {
            byte[] mine = [(byte)i];
            Hub.Sleep(TimeSpan.FromMilliseconds(200 + (i % 100)));
            Assert.Equal((byte)i, mine[0]);
            awake++;
        }))];
        Hub.Sleep(TimeSpan.FromMilliseconds(50));
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers(); // nobody but the hub refers to them
        Hub.WaitAll(tasks);
        Assert.Equal(count, awake);
    });
}
