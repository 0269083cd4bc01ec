using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>Every primitive on several hubs and plain threads at once, under random timing, while waits time out, tasks
/// are killed and the collector moves what they hold: no wake-up is lost, nothing comes twice.</summary>
public class RandomTimingTests
{
    private const int Hubs = 3;
    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(1);

    public enum Container
    {
        Queue,
        PriorityQueue,
        Stack,
        Channel,
        Condition,
    }

    [Fact]
    public Task Queue() => EveryItemArrivesOnce(Container.Queue);

    [Fact]
    public Task Priority_queue() => EveryItemArrivesOnce(Container.PriorityQueue);

    [Fact]
    public Task Stack() => EveryItemArrivesOnce(Container.Stack);

    [Fact]
    public Task Channel() => EveryItemArrivesOnce(Container.Channel);

    [Fact]
    public Task Condition() => EveryItemArrivesOnce(Container.Condition);

    [Fact]
    public Task Barrier() => OnHubs(3, (barrier: new GreenBarrier(Hubs * 4), phases: new int[Hubs * 4]), (shared, hub, random) =>
        Tasks(4, each =>
        {
            int self = (hub * 4) + each;
            for (int phase = 1; phase <= 100; phase++)
            {
                random.Pause();
                Volatile.Write(ref shared.phases[self], phase);
                while (!shared.barrier.SignalAndWait(random.Patience()))
                {
                    random.Pause();
                }

                // Nobody goes on before all have arrived, and nobody is two phases ahead.
                Assert.All(shared.phases, other => Assert.InRange(other, phase, phase + 1));
            }
        }));

    [Fact]
    public async Task Countdown_and_event()
    {
        const int Rounds = 200;
        GreenCountdown[] countdowns = [.. Enumerable.Range(0, Rounds).Select(_ => new GreenCountdown(Hubs + 1))];
        GreenEvent[] events = [.. Enumerable.Range(0, Rounds).Select(_ => new GreenEvent())];
        Thread thread = new(() =>
        {
            foreach (GreenCountdown countdown in countdowns)
            {
                countdown.Signal();
            }
        });
        thread.Start();
        await OnHubs(1, 0, (_, hub, random) =>
        {
            GreenTask signalling = Hub.Spawn(() =>
            {
                for (int i = 0; i < Rounds; i++)
                {
                    random.Pause();
                    if (countdowns[i].Signal())
                    {
                        events[i].Set();
                    }
                }
            });
            GreenTask passingOn = Hub.Spawn(() =>
            {
                for (int i = 0; i < Rounds; i++)
                {
                    while (!countdowns[i].Wait(random.Patience()))
                    {
                    }

                    events[i].Set();
                }
            });
            for (int i = 0; i < Rounds; i++)
            {
                if (random.Next(2) == 0)
                {
                    Assert.Equal(2, Hub.Wait([events[i], countdowns[i]], InHub.Long).Count);
                }
                else
                {
                    Assert.True(events[i].Wait(InHub.Long), "a wake-up was lost");
                }

                Assert.Equal(0, countdowns[i].CurrentCount);
            }

            Hub.WaitAll(signalling, passingOn);
        });
        thread.Join();
    }

    [Fact]
    public async Task Completion_source_and_WaitAny()
    {
        const int Count = 300;
        GreenCompletionSource<string>[] sources = [.. Enumerable.Range(0, Count).Select(_ => new GreenCompletionSource<string>())];
        Thread thread = new(() =>
        {
            Random random = new(7);
            foreach (int i in Enumerable.Range(0, Count).OrderBy(_ => random.Next()))
            {
                if (i % 10 == 0)
                {
                    sources[i].SetException(new InvalidTimeZoneException($"{i}"));
                }
                else
                {
                    sources[i].SetResult($"{i}");
                }
            }
        });
        Task hubs = OnHubs(2, 0, (_, hub, random) => Tasks(10, _ =>
        {
            for (int i = 0; i < Count; i += random.Next(1, 9))
            {
                bool isThere = random.Next(3) switch
                {
                    0 => sources[i].Wait(random.Patience()),
                    1 => Hub.Await(sources[i].Task.ContinueWith(_ => { }, TaskScheduler.Default), random.Patience()),
                    _ => Hub.Wait([sources[i], sources[(i + 1) % Count]], random.Patience(), count: 2).Count == 2,
                };
                if (isThere)
                {
                    string text = i % 10 == 0 ? Assert.Throws<InvalidTimeZoneException>(() => sources[i].Result).Message : sources[i].Result;
                    Assert.Equal($"{i}", text);
                }
            }
        }));
        Thread.Sleep(5);
        thread.Start();
        await hubs;
        thread.Join();
    }

    [Fact]
    public async Task Pool_and_nursery_leave_nothing_behind()
    {
        int running = 0;
        await OnHubs(4, Stopwatch.StartNew(), (watch, hub, random) =>
        {
            GreenPool pool = new(4);
            while (watch.Elapsed < s_time)
            {
                GreenTask user = Hub.Spawn(() => GreenNursery.Run(nursery =>
                {
                    for (int i = 0; i < 5; i++)
                    {
                        string mine = $"child {i}";
                        int own = i;
                        nursery.Spawn(() => Work(mine, own));
                    }

                    switch (random.Next(3))
                    {
                        case 0:
                            pool.ForEach(Enumerable.Range(0, 6), each => Work($"child {each}", each));
                            break;
                        case 1:
                            Assert.Equal(15, pool.MapUnordered(Enumerable.Range(0, 6), each => Work($"child {each}", each)).Sum());
                            break;
                        default:
                            Assert.Equal([0, 1, 2], [.. pool.MapInOrder(Enumerable.Range(0, 6), each => Work($"child {each}", each)).Take(3)]);
                            break;
                    }
                }));
                random.Pause();
                if (random.Next(2) == 0)
                {
                    Assert.True(user.Kill(timeout: InHub.Long), "a kill was missed");
                }
                else
                {
                    Assert.True(user.Join(InHub.Long), "a wake-up was lost");
                }

                Assert.True(user.IsSuccessful, user.Exception?.ToString());
            }

            Assert.True(pool.Join(InHub.Long), "a wake-up was lost");
            Assert.Equal((4, 0), (pool.FreeCount, pool.Count));

            int Work(string mine, int own)
            {
                Interlocked.Increment(ref running);
                try
                {
                    random.Pause();
                    Assert.Equal($"child {own}", mine);
                    return own;
                }
                finally
                {
                    Interlocked.Decrement(ref running);
                }
            }
        });
        Assert.Equal(0, running);
    }

    [Fact]
    public async Task Offload_and_Await_under_kills()
    {
        int wrong = 0;
        await OnHubs(5, Stopwatch.StartNew(), (watch, hub, random) =>
        {
            while (watch.Elapsed < s_time)
            {
                GreenTask[] tasks = [.. Enumerable.Range(0, 8).Select(i => Hub.Spawn(() =>
                {
                    string mine = $"text {i}";
                    string got = random.Next(3) switch
                    {
                        0 => Hub.Offload(() => $"text {i}"),
                        1 => Hub.Await(LaterAsync(i)),
                        _ => Hub.Await(new ValueTask<string>(LaterAsync(i))),
                    };
                    if (got != mine)
                    {
                        Interlocked.Increment(ref wrong);
                    }
                }))];
                random.Pause();
                foreach (GreenTask task in tasks)
                {
                    Assert.True(random.Next(2) == 0 ? task.Kill(timeout: InHub.Long) : task.Join(InHub.Long), "a kill was missed, or a wake-up lost");
                    Assert.True(task.IsSuccessful, task.Exception?.ToString());
                }
            }
        });
        Assert.Equal(0, wrong);
    }

    [Fact]
    public Task Stream_and_socket_lose_no_byte_when_reads_are_given_up() => OnHubs(6, 0, (nothing, hub, random) => Tasks(3, each =>
    {
        const int Length = 100_000;
        using GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        GreenTask<GreenSocket> accepting = Hub.Spawn(listener.Accept);
        using GreenSocket near = GreenSocket.Connect("127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port);
        using GreenSocket far = accepting.Result;
        GreenTask writing = Hub.Spawn(() =>
        {
            using GreenStream stream = far.GetStream();
            Random sizes = new((hub * 10) + each);
            for (int sent = 0; sent < Length;)
            {
                byte[] piece = new byte[Math.Min(sizes.Next(1, 4000), Length - sent)];
                for (int i = 0; i < piece.Length; i++)
                {
                    piece[i] = Expected(sent + i);
                }

                if (sizes.Next(2) == 0)
                {
                    stream.Write(piece);
                }
                else
                {
                    far.Send(piece);
                }

                sent += piece.Length;
                sizes.Pause();
            }
        });
        using GreenStream reading = near.GetStream();
        int received = 0;
        while (received < Length)
        {
            byte[] buffer = new byte[random.Next(1, 3000)];
            int count = -1;
            if (random.Next(2) == 0)
            {
                GreenTask reader = Hub.Spawn(() => count = reading.Read(buffer));
                random.Pause();
                Assert.True(reader.Kill(timeout: InHub.Long), "a kill was missed");
            }
            else
            {
                _ = GreenTimeout.TryRun(InHub.Tick * random.Next(3), () => count = reading.Read(buffer));
            }

            Assert.NotEqual(0, count);
            for (int i = 0; i < count; i++)
            {
                Assert.Equal(Expected(received + i), buffer[i]);
            }

            received += Math.Max(count, 0);
        }

        writing.Join();
        Assert.True(writing.IsSuccessful, writing.Exception?.ToString());
        Assert.Equal(0, reading.Read(new byte[1]));
    }));

    private static byte Expected(int position) => (byte)((position * 31) ^ (position >> 8));

    private static async Task<string> LaterAsync(int i)
    {
        await Task.Delay(i % 3).ConfigureAwait(false);
        return $"text {i}";
    }

    private static async Task EveryItemArrivesOnce(Container container)
    {
        const int Part = 400;
        ConcurrentDictionary<string, int> seen = new();
        (Func<string, Random, bool> tryPut, Func<Random, string?> tryGet) = Make(container);
        int left = Hubs * 2 * Part;
        await OnHubs(8, 0, (_, hub, random) =>
        {
            GreenTask[] putters = [.. Enumerable.Range(0, 2).Select(each => Hub.Spawn(() =>
            {
                for (int i = 0; i < Part; i++)
                {
                    string item = $"{hub} {each} {i}";
                    while (!tryPut(item, random))
                    {
                    }

                    random.Pause();
                }
            }))];
            GreenTask getting = Hub.Spawn(() =>
            {
                while (Volatile.Read(ref left) > 0)
                {
                    GreenTask getter = Hub.Spawn(() =>
                    {
                        while (true)
                        {
                            if (tryGet(random) is { } item)
                            {
                                seen.AddOrUpdate(item, 1, (_, times) => times + 1); // before any other wait, at which the kill would be thrown
                                Interlocked.Decrement(ref left);
                            }

                            random.Pause();
                        }
                    });
                    Hub.Sleep(InHub.Tick * random.Next(4));
                    Assert.True(getter.Kill(timeout: InHub.Long), "a kill was missed");
                }
            });
            Hub.WaitAll([.. putters, getting]);
            Assert.All([.. putters, getting], task => Assert.True(task.IsSuccessful, task.Exception?.ToString()));
        });
        Assert.Equal(Hubs * 2 * Part, seen.Count);
        Assert.All(seen.Values, times => Assert.Equal(1, times));
    }

    private static (Func<string, Random, bool> TryPut, Func<Random, string?> TryGet) Make(Container container)
    {
        switch (container)
        {
            case Container.Channel:
                GreenChannel<string> channel = new();
                return (
                    (item, random) => channel.TrySend(item, random.Patience()),
                    random => channel.TryReceive(random.Patience(), out string? item) ? item : null);
            case Container.Condition:
                GreenLock gate = new();
                GreenCondition notEmpty = new(gate);
                GreenCondition notFull = new(gate);
                Queue<string> items = new();
                return (
                    (item, random) =>
                    {
                        using (gate.EnterScope())
                        {
                            if (!Until(() => items.Count < 4, notFull, random))
                            {
                                return false;
                            }

                            items.Enqueue(item);
                            notEmpty.Pulse();
                            return true;
                        }
                    },
                    random =>
                    {
                        using (gate.EnterScope())
                        {
                            if (!Until(() => items.Count != 0, notEmpty, random))
                            {
                                return null;
                            }

                            notFull.Pulse();
                            return items.Dequeue();
                        }
                    });
            default:
                GreenQueue<string> queue = container switch
                {
                    Container.PriorityQueue => new GreenPriorityQueue<string>(4),
                    Container.Stack => new GreenStack<string>(4),
                    _ => new GreenQueue<string>(4),
                };
                return (
                    (item, random) => queue.TryPut(item, random.Patience()),
                    random => queue.TryGet(random.Patience(), out string? item) ? item : null);
        }
    }

    private static bool Until(Func<bool> isMet, GreenCondition condition, Random random)
    {
        while (!isMet())
        {
            if (!condition.Wait(random.Patience()))
            {
                return isMet();
            }
        }

        return true;
    }

    // Putters and the like are never killed for good: so what waits longer than the patience has lost its wake-up.
    private static async Task OnHubs<T>(int seed, T shared, Action<T, int, Random> body)
    {
        using Compactor compactor = new();
        Hub[] hubs = [.. Enumerable.Range(0, Hubs).Select(i => Hub.Start($"random {i}"))];
        try
        {
            await Task.WhenAll(hubs.Select((hub, index) => hub.InvokeAsync(() => body(shared, index, new Random((seed * 100) + index))))).WaitAsync(InHub.Patience);
        }
        finally
        {
            Array.ForEach(hubs, hub => hub.Dispose());
        }
    }

    private static void Tasks(int count, Action<int> body)
    {
        GreenTask[] tasks = [.. Enumerable.Range(0, count).Select(each => Hub.Spawn(() => body(each)))];
        Hub.WaitAll(tasks);
        Assert.All(tasks, task => Assert.True(task.IsSuccessful, task.Exception?.ToString()));
    }
}
