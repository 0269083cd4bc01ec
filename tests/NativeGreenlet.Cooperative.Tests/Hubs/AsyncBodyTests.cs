using System.Net;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Bodies that are asynchronous: they are awaited in the hub, what comes after an await may wait there, and their
/// exceptions arrive.</summary>
public class AsyncBodyTests
{
    /// <summary>All that take a body.</summary>
    public static TheoryData<string> Places =>
        ["Run", "RunAsync", "InvokeAsync", "Spawn", "SpawnLater", "GreenPool", "GreenNursery", "nursery scope", "HubPool", "Map", "MapInOrder", "MapUnordered", "MapAsync", "GreenTcpServer"];

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_body_is_awaited_inside_the_hub(string place)
    {
        bool isOver = false;
        bool wasInside = false;
        await RunIn(place, async () =>
        {
            Hub hub = Hub.Current;
            await Task.Delay(20);
            Assert.Same(hub, Hub.Current);
            Hub.Sleep(InHub.Tick);
            await Task.Yield();
            wasInside = Hub.IsInside;
            isOver = true;
        }).WaitAsync(InHub.Patience);
        Assert.True(isOver);
        Assert.True(wasInside);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task An_exception_after_an_await_arrives(string place)
    {
        if (place == "GreenTcpServer")
        {
            return; // reports it
        }

        InvalidTimeZoneException failure = new();
        Task run = RunIn(place, async () =>
        {
            await Task.Delay(5);
            throw failure;
        });
        Assert.Same(failure, await Assert.ThrowsAsync<InvalidTimeZoneException>(() => run.WaitAsync(InHub.Patience)));
    }

    [Fact]
    public void Results_come_from_bodies_of_all_forms() => InHub.Run(() =>
    {
        Assert.Equal(1, Hub.Spawn(async () =>
        {
            await Task.Yield();
            return 1;
        }).Result);
        Assert.Equal(2, Hub.Spawn(() => Task.FromResult(2)).Result);
        Assert.Null(Hub.Spawn<string?>(() => null).Result);
        Assert.Throws<FormatException>(() => Hub.Spawn<int>(() => throw new FormatException()).Result);
        Assert.Throws<InvalidOperationException>(() => Hub.Spawn(NoTask).Result);
        Assert.Equal(3, Hub.Offload(async () =>
        {
            await Task.Yield();
            return Hub.IsInside ? 0 : 3;
        }));
        Assert.Equal(4, Hub.OffloadLongRunning(async () =>
        {
            await Task.Yield();
            return 4;
        }));
        Assert.Equal([0, 2, 4], new GreenPool(2).Map([0, 1, 2], async i =>
        {
            await Task.Delay(3 - i);
            return i * 2;
        }));
        Task awaited = Hub.Spawn(async () => await Task.Yield()).AsTask();
        Hub.Await(awaited);

        static Task<int> NoTask() => null!;
    });

    /// <summary>A plain body's <c>async</c> calls go on where they did before: on the thread pool.</summary>
    [Fact]
    public void Only_the_asynchronous_body_has_its_continuations_in_the_hub() => InHub.Run(() =>
    {
        SynchronizationContext? plain = SynchronizationContext.Current;
        SynchronizationContext? own = null;
        GreenTask task = Hub.Spawn(async () =>
        {
            own = SynchronizationContext.Current;
            await Task.Delay(1);
            Assert.Same(own, SynchronizationContext.Current);
            Assert.Same(plain, Hub.Spawn(() => SynchronizationContext.Current).Result); // of another task it is not
        });
        task.Join();
        Assert.True(task.IsSuccessful, task.Exception?.ToString());
        Assert.NotSame(plain, own);
        Assert.Same(plain, SynchronizationContext.Current);
    });

    [Fact]
    public void A_kill_is_thrown_by_the_wait_that_the_body_is_in_or_by_its_next() => InHub.Run(() =>
    {
        List<string> order = [];
        GreenTask inWait = Hub.Spawn(async () =>
        {
            await Task.Yield();
            try
            {
                order.Add("waits");
                Hub.Sleep(InHub.Long);
            }
            finally
            {
                Hub.Sleep(InHub.Tick); // cleanup may wait
                await Task.Delay(1);
                order.Add("cleaned");
            }
        });
        while (order.Count == 0)
        {
            Hub.Sleep(InHub.Tick);
        }

        Assert.True(inWait.Kill());
        Assert.True(inWait.IsKilled);
        Assert.Equal(["waits", "cleaned"], order);

        // Inside an await: it goes on, and the next wait throws.
        TaskCompletionSource go = new();
        GreenTask inAwait = Hub.Spawn(async () =>
        {
            await go.Task;
            order.Add("went on");
            Hub.Yield();
            order.Add("too far");
        });
        Hub.Yield();
        Assert.False(inAwait.Kill(timeout: TimeSpan.Zero));
        go.SetResult();
        inAwait.Join();
        Assert.True(inAwait.IsKilled);
        Assert.Equal("went on", order[^1]);

        // Before it has started: never.
        GreenTask unstarted = Hub.Spawn(async () =>
        {
            order.Add("too far");
            await Task.Yield();
        });
        Assert.True(unstarted.Kill());
        Assert.Equal("went on", order[^1]);
    });

    [Fact]
    public void A_killed_body_that_awaits_for_ever_is_left_behind_after_the_grace() => InHub.Run(
        () =>
        {
            TaskCompletionSource never = new();
            GreenTask task = Hub.Spawn(async () => await never.Task);
            Hub.Yield();
            Assert.True(task.Kill(timeout: InHub.Long));
            Assert.True(task.IsKilled);
            GreenTask other = Hub.Spawn(async () => await never.Task);
            Hub.Yield();
            InvalidTimeZoneException reason = new();
            Assert.True(other.Kill(reason, InHub.Long));
            Assert.Same(reason, other.Exception);
            never.SetException(new FormatException()); // nobody's any more
        },
        new HubOptions { ShutdownGrace = InHub.Tick * 50 });

    /// <summary>A continuation that never parks, because it finds all it waits for, is killed all the same.</summary>
    [Fact]
    public async Task A_cancellation_reaches_a_continuation_that_never_parks()
    {
        using CancellationTokenSource cancellation = new();
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        GreenSemaphore free = new(int.MaxValue);
        Task run = Hub.RunAsync(
            async () =>
            {
                await Task.Yield();
                begun.SetResult();
                while (true)
                {
                    free.Wait();
                }
            },
            cancellation.Token);
        await begun.Task.WaitAsync(InHub.Patience);
        await cancellation.CancelAsync();
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(InHub.Patience));
        Assert.Equal(cancellation.Token, exception.CancellationToken);
    }

    [Fact]
    public void A_body_that_does_not_return_can_be_deadlocked_as_any_other() => InHub.OnThread(() =>
        Assert.Throws<GreenDeadlockException>(() => Hub.Run(
            () =>
            {
                while (true)
                {
                    Hub.Spawn(() => Hub.Current.Loop.CurrentRun!.Main.Join()).Join();
                }
            },
            new HubOptions { DeadlockPatience = InHub.Tick * 20 })));

    [Fact]
    public async Task Continuations_of_a_task_that_is_over_go_to_the_pool()
    {
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<bool>? stray = null;
        InHub.Run(() =>
        {
            Hub.Spawn(async () =>
            {
                stray = StrayAsync();
                await Task.Yield();
            }).Join();
            go.SetResult();
            Assert.False(Hub.Await(stray!));
        });
        Assert.False(await stray!);

        async Task<bool> StrayAsync()
        {
            await go.Task;
            return Hub.IsInside;
        }
    }

    /// <summary>From the queue of another thread to the main task it is one trip: what was asked for later comes later.</summary>
    [Fact]
    public async Task A_request_takes_one_trip_through_the_run_queue()
    {
        using Hub hub = Hub.Start("trips");
        await hub.InvokeAsync(() => { });
        List<string> order = [];
        using ManualResetEventSlim go = new();
        hub.Post(go.Wait);
        Task first = hub.InvokeAsync(() => order.Add("main"));
        hub.Post(() => order.Add("callback"));
        go.Set();
        await first;
        await hub.InvokeAsync(() => { });
        Assert.Equal(["main", "callback"], order);
    }

    /// <summary>An asynchronous body's cancellation is the object that it threw; a plain body that loops for ever, which the compiler
    /// takes for an asynchronous one, is canceled as any other.</summary>
    [Fact]
    public async Task A_cancellation_keeps_its_object_if_the_body_was_asynchronous()
    {
        OperationCanceledException own = new();
        Assert.Same(own, await Assert.ThrowsAsync<OperationCanceledException>(() => Hub.RunAsync(() => Task.FromException(own))));
        Assert.Same(own, await Assert.ThrowsAsync<OperationCanceledException>(() => Hub.RunAsync(async () =>
        {
            await Task.Yield();
            throw own;
        })));
        using CancellationTokenSource cancellation = new();
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task endless = Hub.RunAsync(
            () =>
            {
                begun.SetResult();
                while (true)
                {
                    Hub.Sleep(InHub.Long);
                }
            },
            cancellation.Token);
        await begun.Task;
        await cancellation.CancelAsync();
        await Assert.ThrowsAsync<TaskCanceledException>(() => endless.WaitAsync(InHub.Patience));
    }

    private static async Task RunIn(string place, Func<Task> body)
    {
        switch (place)
        {
            case "Run":
                await Task.Factory.StartNew(() => Hub.Run(body), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                break;
            case "RunAsync":
                await Hub.RunAsync(body);
                break;
            case "InvokeAsync":
                using (Hub hub = Hub.Start())
                {
                    await hub.InvokeAsync(body);
                }

                break;
            case "Spawn":
                await Hub.RunAsync(() => Hub.Spawn(() => Value(body)).Result);
                break;
            case "SpawnLater":
                await Hub.RunAsync(() => Hub.SpawnLater(InHub.Tick, () => Value(body)).Result);
                break;
            case "GreenPool":
                await Hub.RunAsync(() => new GreenPool(1).Spawn(() => Value(body)).Result);
                break;
            case "GreenNursery":
                await Hub.RunAsync(() => GreenNursery.Run(nursery => { nursery.Spawn(body); }));
                break;
            case "nursery scope":
                await Hub.RunAsync(() => GreenNursery.Run(_ => body()));
                break;
            case "HubPool":
                await using (HubPool pool = new(1))
                {
                    await pool.RunAsync(body);
                }

                break;
            case "Map":
                await Hub.RunAsync(() => new GreenPool(1).Map([1], _ => Value(body)).Sum());
                break;
            case "MapInOrder":
                await Hub.RunAsync(() => new GreenPool(1).MapInOrder([1], _ => Value(body)).Sum());
                break;
            case "MapUnordered":
                await Hub.RunAsync(() => new GreenPool(1).MapUnordered([1], _ => Value(body)).Sum());
                break;
            case "MapAsync":
                await foreach (int one in HubPool.Shared.MapAsync([1], _ => Value(body), 1))
                {
                    Assert.Equal(1, one);
                }

                break;
            default:
                await Hub.RunAsync(() => Serve(body));
                break;
        }
    }

    private static async Task<int> Value(Func<Task> body)
    {
        await body();
        return 1;
    }

    private static void Serve(Func<Task> body)
    {
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), async stream =>
        {
            await body();
            stream.WriteByte(1);
        });
        server.Start();
        using GreenSocket socket = GreenSocket.Connect("127.0.0.1", server.EndPoint.Port);
        Assert.Equal(1, socket.GetStream().ReadByte());
    }
}
