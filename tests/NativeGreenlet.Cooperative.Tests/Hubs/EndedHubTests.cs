using System.Collections.Concurrent;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Handles outlive hubs: who asks a task of a hub that has ended is told the truth, and never waits for ever.</summary>
public class EndedHubTests
{
    [Fact]
    public async Task A_task_of_an_ended_hub_can_be_asked_in_every_way()
    {
        Hub own = Hub.Start("ends");
        GreenTask<int> done = null!;
        GreenTask failed = null!;
        GreenTask killed = null!;
        GreenTask unbegun = null!;
        GreenTask last = null!;
        await own.InvokeAsync(() =>
        {
            done = Hub.Spawn(() => 7);
            failed = Hub.Spawn(() => throw new InvalidTimeZoneException());
            killed = Hub.Spawn(() => Hub.Sleep(Timeout.InfiniteTimeSpan));
            failed.AsTask();
            Hub.WaitAll(done, failed);
            killed.Kill();
            unbegun = Hub.SpawnLater(InHub.Long, () => { });
            unbegun.Kill();
            last = Hub.SpawnLater(InHub.Long, () => { }); // the end of the run kills it
        });
        own.Dispose();
        foreach (GreenTask task in new[] { done, failed, killed, unbegun, last })
        {
            Assert.True(task.IsCompleted);
            InHub.Run(() => AskEverything(task));
            await AskFromAsyncCode(task);
            AskFromAPlainThread(task);
        }

        Assert.Equal(7, done.Result);
        Assert.Equal(7, await done);
        Assert.IsType<InvalidTimeZoneException>(failed.Exception);
        Assert.True(killed.IsKilled && unbegun.IsKilled && last.IsKilled && !unbegun.HasStarted);
    }

    [Fact]
    public async Task A_task_that_was_given_up_has_ended_by_an_error()
    {
        HubOptions impatient = new() { ShutdownGrace = TimeSpan.FromMilliseconds(20) };
        GreenTask<int> stubborn = null!;
        Task<int> early = null!;
        Task<bool> joined = null!;
        TaskCompletionSource called = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ConcurrentQueue<Exception> heard = null!;
        InHub.Run(() =>
        {
            heard = InHub.Unhandled();
            stubborn = Hub.Spawn(() =>
            {
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

#pragma warning disable CS0162 // its type
                return 1;
#pragma warning restore CS0162
            });
            early = stubborn.AsTask();
            stubborn.OnCompleted(called.SetResult);
            joined = Hub.RunAsync(() => stubborn.Join(InHub.Long)); // from another hub
            Hub.Yield();
        }, impatient);

        Assert.Contains("given up", (await Assert.ThrowsAsync<InvalidOperationException>(() => early.WaitAsync(InHub.Patience))).Message, StringComparison.Ordinal);
        Assert.True(await joined.WaitAsync(InHub.Patience));
        await called.Task.WaitAsync(InHub.Patience);
        Assert.True(stubborn.IsCompleted && !stubborn.IsSuccessful && !stubborn.IsKilled);
        Assert.Same(stubborn.Exception, Assert.Single(heard));
        InHub.Run(() =>
        {
            AskEverything(stubborn);
            Assert.Throws<InvalidOperationException>(() => stubborn.Result);
            Assert.True(stubborn.Kill());
        });
        await AskFromAsyncCode(stubborn);
        AskFromAPlainThread(stubborn);
    }

    [Fact]
    public void The_main_task_that_was_given_up_is_no_success()
    {
        HubOptions impatient = new() { ShutdownGrace = TimeSpan.FromMilliseconds(20) };
        Assert.Throws<InvalidOperationException>(() => InHub.Run(() =>
        {
            Hub.Current.UnhandledException += (_, _) => { };
            Hub.Current.Dispose(); // kills everything, this task too
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
        }, impatient));
    }

    [Fact]
    public async Task Post_to_an_ended_hub_says_so()
    {
        Hub hub = Hub.Start("ends");
        TaskCompletionSource called = new(TaskCreationOptions.RunContinuationsAsynchronously);
        hub.Post(called.SetResult);
        await called.Task.WaitAsync(InHub.Patience);
        hub.Dispose();
        Assert.Throws<ObjectDisposedException>(() => hub.Post(() => { }));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => hub.InvokeAsync(() => 1));
        hub.Dispose();
        await Task.Run(hub.Dispose).WaitAsync(InHub.Patience);
    }

    [Fact]
    public async Task What_is_posted_while_a_hub_ends_is_called_or_refused()
    {
        for (int i = 0; i < 50; i++)
        {
            Hub hub = Hub.Start("ends");
            int accepted = 0;
            int called = 0;
            Task posting = Task.Run(() =>
            {
                try
                {
                    while (true)
                    {
                        hub.Post(() => Interlocked.Increment(ref called));
                        accepted++;
                    }
                }
                catch (ObjectDisposedException)
                {
                }
            });
            await Task.Yield();
            hub.Dispose();
            await posting.WaitAsync(InHub.Patience);
            Assert.Equal(accepted, Volatile.Read(ref called));
        }
    }

    private static void AskEverything(GreenTask task)
    {
        task.Join();
        Assert.True(task.Join(InHub.Tick));
        Assert.Same(task, Hub.WaitAny(task));
        Assert.Equal([task], Hub.Wait([task]));
        Assert.Equal([task], GreenTimeout.Run(InHub.Long, () => Hub.WaitEach(task).ToArray()));
        GreenEvent told = new();
        task.OnCompleted(told.Set);
        Assert.True(told.Wait(InHub.Long), "the callback was not called");
        Task whole = task.AsTask();
        Assert.True(whole.IsCompleted);
        Assert.Equal(task.IsSuccessful && !task.IsKilled, whole.IsCompletedSuccessfully);
        Assert.Equal(task.IsKilled, whole.IsCanceled);
    }

    private static async Task AskFromAsyncCode(GreenTask task)
    {
        Assert.True(await Hub.RunAsync(() => task.Join(InHub.Long)).WaitAsync(InHub.Patience));
        Assert.Equal([task], await Hub.RunAsync(() => Hub.WaitEach(task).ToArray()).WaitAsync(InHub.Patience));
        TaskCompletionSource told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        task.OnCompleted(told.SetResult);
        await told.Task.WaitAsync(InHub.Patience);
        try
        {
            await task;
            Assert.True(task.IsSuccessful && !task.IsKilled);
        }
        catch (TaskCanceledException)
        {
            Assert.True(task.IsKilled);
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
        {
            Assert.Same(task.Exception, exception);
        }
    }

    private static void AskFromAPlainThread(GreenTask task) => InHub.OnThread(() =>
    {
        task.Join();
        using ManualResetEventSlim told = new();
        task.OnCompleted(told.Set);
        Assert.True(told.Wait(InHub.Long), "the callback was not called");
        Assert.True(task.Kill(timeout: TimeSpan.Zero));
    });
}
