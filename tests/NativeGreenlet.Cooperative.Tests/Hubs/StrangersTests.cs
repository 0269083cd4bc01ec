using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Code that awaits a .NET task which is completed inside a hub: it goes on elsewhere, whatever completes it.</summary>
public class StrangersTests
{
    /// <summary>How a task or a callback of a hub comes to run.</summary>
    public static TheoryData<string> Entries => ["Run", "RunAsync", "InvokeAsync", "Spawn", "SpawnLater", "after a wait", "Post", "OnCompleted", "AsyncRun", "after an await", "raw greenlet"];

    [Theory]
    [MemberData(nameof(Entries))]
    public async Task A_plain_source_that_is_completed_inside_runs_no_stranger_there(string entry)
    {
        if (entry == "raw greenlet" && GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            return; // it has a thread of its own there, which is no hub's
        }

        TaskCompletionSource source = new();
        int thread = 0;
        Task<(int Thread, bool IsInside)> stranger = AwaitAsync();
        Task<(int, bool)> another = stranger.ContinueWith(_ => (Environment.CurrentManagedThreadId, Hub.IsInside), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        using Hub hub = Hub.Start();
        await (entry switch
        {
            "Run" => Task.Factory.StartNew(() => Hub.Run(Complete), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default), // not a thread of the pool, which would take the stranger afterwards
            "RunAsync" => Hub.RunAsync(Complete),
            "InvokeAsync" => hub.InvokeAsync(Complete),
            "Spawn" => hub.InvokeAsync(() => Hub.Spawn(Complete).Join()),
            "SpawnLater" => hub.InvokeAsync(() => Hub.SpawnLater(InHub.Tick, Complete).Join()),
            "after a wait" => hub.InvokeAsync(() =>
            {
                Hub.Await(Task.Delay(1));
                Hub.Sleep(InHub.Tick);
                Complete();
            }),
            "Post" => Task.Run(() => hub.Post(Complete)),
            "OnCompleted" => hub.InvokeAsync(() =>
            {
                Hub.Spawn(() => { }).OnCompleted(Complete);
                Hub.Await(stranger);
            }),
            "AsyncRun" => hub.InvokeAsync(() => CompleteAsync(false), CancellationToken.None),
            "after an await" => hub.InvokeAsync(() => CompleteAsync(true), CancellationToken.None),
            _ => hub.InvokeAsync(() => _ = new Greenlet(Complete).Switch()),
        }).WaitAsync(InHub.Patience);
        (int where, bool isInside) = await stranger.WaitAsync(InHub.Patience);
        Assert.False(isInside);
        Assert.NotEqual(thread, where);
        await another;

        void Complete()
        {
            thread = Environment.CurrentManagedThreadId;
            source.SetResult();
            Thread.Sleep(20); // a thread of the pool takes it meanwhile: it is not this one
        }

        async Task CompleteAsync(bool isLater)
        {
            if (isLater)
            {
                await Task.Delay(1);
            }

            Complete();
        }

        async Task<(int, bool)> AwaitAsync()
        {
            await source.Task.ConfigureAwait(false); // the test runner has a context, too
            return (Environment.CurrentManagedThreadId, Hub.IsInside);
        }
    }

    [Fact]
    public void An_async_method_that_is_called_inside_continues_on_the_thread_pool_without_a_context() => InHub.Run(() =>
    {
        (bool, SynchronizationContext?) before = (Thread.CurrentThread.IsThreadPoolThread, null);
        Assert.Equal((true, null), Hub.Await(Ask()));
        Assert.False(before.Item1);

        static async Task<(bool, SynchronizationContext?)> Ask()
        {
            await Task.Delay(1);
            return (Thread.CurrentThread.IsThreadPoolThread, SynchronizationContext.Current);
        }
    });

    [Fact]
    public void A_thread_has_its_own_context_back_when_the_hub_has_ended() => InHub.OnThread(() =>
    {
        SynchronizationContext own = new();
        SynchronizationContext.SetSynchronizationContext(own);
        Hub.Run(() => Assert.NotSame(own, SynchronizationContext.Current));
        Assert.Same(own, SynchronizationContext.Current);
    });
}
