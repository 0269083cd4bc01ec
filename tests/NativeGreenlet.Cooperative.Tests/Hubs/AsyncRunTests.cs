using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Runs of asynchronous functions, whose continuations come back, and pools of hubs.</summary>
public class AsyncRunTests
{
    [Fact]
    public async Task Continuations_come_back_to_the_hub_and_may_wait()
    {
        using Hub hub = Hub.Start("async");
        SynchronizationContext? seen = null;
        await hub.InvokeAsync(MainAsync, CancellationToken.None);
        Assert.NotNull(seen);
        Assert.Null(SynchronizationContext.Current);

        // Nobody else in that hub has the context, neither tasks nor callbacks.
        Assert.Same(HubThreadContext.Instance, await hub.InvokeAsync(() =>
        {
            Hub.Sleep(InHub.Tick);
            return SynchronizationContext.Current;
        }));

        async Task MainAsync()
        {
            seen = SynchronizationContext.Current;
            Assert.True(Hub.IsInside);
            await Task.Delay(5);
            Assert.True(Hub.IsInside);
            Assert.Same(seen, SynchronizationContext.Current);
            GreenTask child = Hub.Spawn(() => Assert.Same(seen, SynchronizationContext.Current));
            Hub.Sleep(InHub.Tick);
            Assert.True(child.IsSuccessful);
            Assert.Same(seen, SynchronizationContext.Current);
            SynchronizationContext own = new();
            SynchronizationContext.SetSynchronizationContext(own);
            Hub.Sleep(InHub.Tick);
            Assert.Same(own, SynchronizationContext.Current); // a task takes its own away and back
            SynchronizationContext.SetSynchronizationContext(seen);

            // Several at a time, each with a stack of its own: none keeps another from waiting.
            GreenEvent all = new();
            int waiting = 0;
            await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ =>
            {
                await Task.Yield();
                if (++waiting == 10)
                {
                    all.Set();
                }

                all.Wait();
            }));
            int sent = 0;
            seen!.Post(_ => sent++, null);
            await Task.Run(() => seen.Send(_ => sent += Hub.IsInside ? 10 : 100, null)).ConfigureAwait(false);
            Assert.Equal(11, sent);
            Assert.False(Hub.IsInside);
        }
    }

    /// <summary>While one run waits, whatever else its thread does has nothing of it around: neither its
    /// <see cref="SynchronizationContext"/> nor its ambient values.</summary>
    [Fact]
    public async Task A_run_that_waits_leaves_nothing_of_its_own_to_the_others()
    {
        using Hub hub = Hub.Start("async");
        AsyncLocal<string?> ambient = new();
        TaskCompletionSource isWaiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        GreenEvent go = new();
        SynchronizationContext? first = null;
        bool isOver = false;
        Task run = hub.InvokeAsync(
            async () =>
            {
                first = SynchronizationContext.Current;
                ambient.Value = "first";
                isWaiting.SetResult();
                go.Wait();
                Check(first, "first");
                await Task.Yield();
                Check(first, "first");
                isOver = true;
            },
            CancellationToken.None);
        await isWaiting.Task;

        // A run without a context, before and after a wait of its own.
        await hub.InvokeAsync(() =>
        {
            Check(HubThreadContext.Instance, null);
            Hub.Spawn(() => Check(HubThreadContext.Instance, null)).Join();
            ambient.Value = "plain";
            Hub.Sleep(InHub.Tick);
            Check(HubThreadContext.Instance, "plain");
        });

        // One with a context of its own.
        SynchronizationContext? second = null;
        await hub.InvokeAsync(
            async () =>
            {
                second = SynchronizationContext.Current;
                Check(second, null);
                Hub.Sleep(InHub.Tick);
                Check(second, null);
                await Task.Delay(1);
                Check(second, null);
            },
            CancellationToken.None);
        Assert.NotNull(second);
        Assert.NotSame(first, second);

        // The hub itself: a callback, in the middle of the first run's wait and after the others.
        TaskCompletionSource<(SynchronizationContext?, string?)> seen = new(TaskCreationOptions.RunContinuationsAsynchronously);
        hub.Post(() => seen.SetResult((SynchronizationContext.Current, ambient.Value)));
        Assert.Equal((HubThreadContext.Instance, null), await seen.Task);
        Assert.False(isOver);
        go.Set();
        await run;
        Assert.True(isOver);

        void Check(SynchronizationContext? context, string? value)
        {
            Assert.Same(context, SynchronizationContext.Current);
            Assert.Equal(value, ambient.Value);
        }
    }

    [Fact]
    public async Task A_cancellation_is_thrown_once_by_whatever_waits_next()
    {
        using Hub hub = Hub.Start("async");
        using CancellationTokenSource cancellation = new();
        List<string> order = [];
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task run = hub.InvokeAsync(MainAsync, cancellation.Token);
        await begun.Task;
        await cancellation.CancelAsync();
        await Task.Delay(20);
        Assert.False(run.IsCompleted);
        go.SetResult();
        OperationCanceledException exception = await Assert.ThrowsAsync<OperationCanceledException>(() => run);
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.Contains(nameof(MainAsync), exception.StackTrace, StringComparison.Ordinal);
        Assert.Equal(["went on", "cleaned"], order);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => hub.InvokeAsync(MainAsync, cancellation.Token));

        async Task MainAsync()
        {
            begun.TrySetResult();
            await go.Task;
            await Task.Yield(); // what does not wait hands it on
            order.Add("went on");
            try
            {
                Hub.Sleep(InHub.Long);
            }
            finally
            {
                Hub.Sleep(InHub.Tick);
                await Task.Delay(1);
                Hub.Sleep(InHub.Tick);
                order.Add("cleaned");
            }
        }
    }

    [Fact]
    public async Task Blocked_hubs_do_not_keep_continuations()
    {
        using Hub hub = Hub.Start("async");
        Task<int>? shared = null;
        Task first = hub.InvokeAsync(() => shared = LaterAsync(), CancellationToken.None);
        Task second = hub.InvokeAsync(() => Task.FromResult(LaterAsync().Result + shared!.Result), CancellationToken.None);
        await Task.WhenAll(first, second).WaitAsync(InHub.Patience);

        // A wait that is short is none of its business, and one with a limit keeps to it.
        await hub.InvokeAsync(
            async () =>
            {
                await Task.Yield();
                Assert.False(Task.Delay(InHub.Long).Wait(1));
                Assert.False(Task.Delay(InHub.Long).Wait(100));
                await Task.Yield();
                Assert.True(Hub.IsInside);
            },
            CancellationToken.None);

        static async Task<int> LaterAsync()
        {
            await Task.Delay(30);
            await Task.Delay(1);
            return 1;
        }
    }

    [Fact]
    public async Task A_hub_that_ends_ends_them()
    {
        Hub hub = Hub.Start("async");
        List<string> order = [];
        TaskCompletionSource never = new();
        Task waiting = hub.InvokeAsync(WaitAsync, CancellationToken.None);
        TaskCompletionSource lateBegan = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task late = hub.InvokeAsync(
            () =>
            {
                lateBegan.SetResult(); // one that has not begun when the hub ends never does
                return Task.Delay(100); // its continuation comes when the hub ends
            },
            CancellationToken.None);
        while (order.Count == 0)
        {
            await Task.Delay(1);
        }

        await lateBegan.Task;
        hub.Dispose();
        await Assert.ThrowsAsync<GreenletExit>(() => waiting);
        await late;
        Assert.Equal(["inside", "cleaned"], order);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => hub.InvokeAsync(WaitAsync, CancellationToken.None));

        async Task WaitAsync()
        {
            await Task.Yield();
            order.Add("inside");
            try
            {
                Hub.Await(never.Task);
            }
            finally
            {
                order.Add("cleaned");
            }
        }
    }

    [Fact]
    public async Task A_run_that_will_not_end_is_given_up()
    {
        Hub hub = new(new HubOptions { Name = "async", ShutdownGrace = TimeSpan.FromMilliseconds(50) });
        hub.UnhandledException += (_, _) => { };
        TaskCompletionSource never = new();
        using CountdownEvent begun = new(2); // one that has not begun when the hub ends is just killed
        Task run = hub.InvokeAsync(
            () =>
            {
                begun.Signal();
                return never.Task;
            },
            CancellationToken.None);
        Task<int> other = hub.InvokeAsync(() =>
        {
            begun.Signal();
            while (true)
            {
                try
                {
                    Hub.Sleep(InHub.Long);
                }
                catch (GreenletExit)
                {
                }
            }

#pragma warning disable CS0162 // The type of the function.
            return 1;
#pragma warning restore CS0162
        });
        Assert.True(begun.Wait(InHub.Long));
        await Task.Delay(20);
        hub.Dispose();
        Assert.Contains("given up", (await Assert.ThrowsAsync<InvalidOperationException>(() => run)).Message, StringComparison.Ordinal);
        Assert.Contains("given up", (await Assert.ThrowsAsync<InvalidOperationException>(() => other)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pool_of_hubs_spreads_its_runs_and_ends()
    {
        HubPool pool = new(3, "three");
        bool cleaned = false;
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<string>[] runs = [.. Enumerable.Range(0, 30).Select(_ => pool.RunAsync(() =>
        {
            Hub.Await(go.Task); // none ends before all were given to their hubs
            return Hub.Current.Name;
        }))];
        go.SetResult();
        string[] names = await Task.WhenAll(runs);
        Assert.Equal(["three 0", "three 1", "three 2"], names.Distinct().Order());
        Assert.All(names.GroupBy(name => name), group => Assert.InRange(group.Count(), 5, 20));
        Assert.Equal(3, pool.Hubs.Count);
        Assert.Throws<InvalidOperationException>(pool.Hubs[0].Dispose);
        Task endless = pool.RunAsync(() =>
        {
            try
            {
                Hub.Await(new TaskCompletionSource().Task);
            }
            finally
            {
                cleaned = true;
            }
        });
        while (pool.PendingRuns == 0 || pool.Hubs.Sum(hub => hub.TaskCount) == 0)
        {
            await Task.Delay(1);
        }

        await Task.Delay(20);
        await pool.DisposeAsync();
        await Assert.ThrowsAsync<TaskCanceledException>(() => endless);
        Assert.True(cleaned);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pool.RunAsync(() => { }));
        Assert.Throws<InvalidOperationException>(HubPool.Shared.Dispose);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Results_of_tasks_come_to_async_code_one_by_one(bool isInOrder)
    {
        await using HubPool pool = new(new HubOptions { Name = "results", TimeProvider = new GreenTestTime() }, 1); // the calls end in the order of their times
        int running = 0;
        int most = 0;
        int taken = 0;
        List<int> results = [];
        await foreach (int result in pool.MapAsync(Items(30), Square, limit: 4, isInOrder))
        {
            Assert.False(Hub.IsInside);
            results.Add(result);
            Assert.InRange(taken, results.Count - 1, results.Count + 10); // twice the limit, one that is handed over, one in the loop
        }

        Assert.Equal(Enumerable.Range(0, 30).Select(i => i * i), isInOrder ? results : results.Order());
        Assert.NotEqual(isInOrder, !results.SequenceEqual(results.Order()));
        Assert.Equal((0, 4), (running, most));

        // One that is left, one that fails, one that is canceled: nothing runs any more.
        await foreach (int result in pool.MapAsync(Items(int.MaxValue), Square, limit: 4, isInOrder))
        {
            if (result > 100)
            {
                break;
            }
        }

        Assert.Equal(0, running);
        InvalidTimeZoneException failure = new();
        results.Clear();
        Assert.Same(failure, await Assert.ThrowsAsync<InvalidTimeZoneException>(() => ReadAllAsync(pool.MapAsync(Items(30), i => i == 7 ? throw failure : Square(i), limit: 4, isInOrder), CancellationToken.None)));
        Assert.Equal(0, running);
        Assert.True(!isInOrder || results.SequenceEqual(Enumerable.Range(0, 7).Select(i => i * i)));
        using CancellationTokenSource cancellation = new(50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ReadAllAsync(pool.MapAsync(Items(int.MaxValue), Square, limit: 4, isInOrder), cancellation.Token));
        Assert.Equal(0, running);
        Assert.Equal(0, pool.PendingRuns);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.MapAsync(Items(1), Square, limit: 0));

        IEnumerable<int> Items(int count)
        {
            for (taken = 0; taken < count; taken++)
            {
                Assert.True(Hub.IsInside);
                yield return taken;
            }
        }

        int Square(int i)
        {
            most = Math.Max(most, ++running);
            try
            {
                Hub.Sleep(InHub.Tick * (5 - (i % 4)));
                return i * i;
            }
            finally
            {
                running--;
            }
        }

        async Task ReadAllAsync(IAsyncEnumerable<int> from, CancellationToken token)
        {
            await foreach (int result in from.WithCancellation(token))
            {
                results.Add(result);
            }
        }
    }
}
