using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>A kill, a cancellation or a timeout that a task has not got yet is thrown by its next wait, whichever that is, also if
/// it need not park; and only once.</summary>
public class PendingKillTests
{
    [Fact]
    public void A_kill() => TryAll(place =>
    {
        GreenEvent begin = new();
        Attempt attempt = new(place.Wait);
        GreenTask victim = Hub.Spawn(() =>
        {
            begin.Wait();
            attempt.Run();
        });
        Hub.Yield();
        begin.Set(); // its wait is over,
        victim.Kill(timeout: TimeSpan.Zero); // so this comes to the next
        Assert.True(victim.Join(InHub.Long), "it goes on");
        attempt.Check();
        Assert.True(victim.IsKilled);
    });

    [Fact]
    public void A_kill_by_another_thread() => TryAll(place =>
    {
        Attempt attempt = new(place.Wait);
        GreenTask? victim = null;
        victim = Hub.Spawn(() =>
        {
            Task.Run(() => victim!.Kill(timeout: TimeSpan.Zero)).Wait(); // the hub does not come to it
            attempt.Run();
        });
        Assert.True(victim.Join(InHub.Long), "it goes on");
        attempt.Check();
        Assert.True(victim.IsKilled);
    });

    [Fact]
    public void A_cancellation() => TryAll(place =>
    {
        using CancellationTokenSource source = new();
        Attempt attempt = new(place.Wait);
        Task run = Hub.Current.InvokeAsync(
            () =>
            {
                source.Cancel();
                attempt.Run();
            },
            source.Token);
        Assert.Equal(source.Token, Assert.ThrowsAny<OperationCanceledException>(() => Hub.Await(run, InHub.Long)).CancellationToken);
        attempt.Check();
    });

    [Fact]
    public void A_timeout() => TryAll(place =>
    {
        Attempt attempt = new(place.Wait);
        GreenTask<bool> task = Hub.Spawn(() => GreenTimeout.TryRun(InHub.Tick, () =>
        {
            Thread.Sleep(3); // it is due, and the hub has not looked
            attempt.Run();
        }));
        Assert.False(task.Result);
        attempt.Check();
    });

    [Fact]
    public void Steps_that_only_take_what_is_free_are_ended() => InHub.Run(() =>
    {
        GreenSemaphore permits = new(1);
        GreenLock gate = new();
        GreenQueue<int> queue = new();
        (string Name, Action Step)[] kinds =
        [
            ("permits", () =>
            {
                permits.Wait();
                permits.Release();
            }),
            ("a lock", () =>
            {
                using (gate.EnterScope())
                {
                }
            }),
            ("items", () =>
            {
                queue.Put(1);
                queue.Get();
            }),
            ("tries", () =>
            {
                queue.TryPut(1);
                queue.TryGet(out _);
            }),
            ("awaits", () => Hub.Await(Task.CompletedTask)),
            ("value tasks", () => Hub.Await(new ValueTask<int>(1))),
            ("scopes without tasks", () => new GreenNursery().Dispose()),
            ("waits for no task", () => Assert.Empty(Hub.WaitEach())),
            ("joins", () => Hub.Current.Loop.CurrentRun!.Main.Join(TimeSpan.Zero)),
        ];
        foreach ((string name, Action step) in kinds)
        {
            int steps = 0;
            GreenEvent begin = new();
            GreenTask victim = Hub.Spawn(() =>
            {
                begin.Wait();
                for (int i = 0; i < 1000; i++)
                {
                    step();
                    steps++;
                }
            });
            Hub.Yield();
            begin.Set();
            victim.Kill();
            Assert.True(victim.IsKilled && steps == 0, $"{name}: {steps} steps");
        }

        Assert.Equal((1, 0), (permits.CurrentCount, queue.Count));
    });

    [Fact]
    public async Task A_run_that_never_parks_is_canceled()
    {
        GreenSemaphore permits = new(1);
        using CancellationTokenSource source = new();
        Task run = Hub.RunAsync(
            () =>
            {
                while (true)
                {
                    permits.Wait();
                    permits.Release();
                }
            },
            source.Token);
        source.CancelAfter(20);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(InHub.Patience));
        Assert.Equal(1, permits.CurrentCount);
    }

    [Fact]
    public async Task A_hub_whose_task_never_parks_is_stopped()
    {
        foreach (bool isInside in new[] { false, true })
        {
            Hub hub = Hub.Start("busy");
            GreenSemaphore permits = new(1);
            using SemaphoreSlim begun = new(0);
            bool isOtherCleanedUp = false;
            Task run = hub.InvokeAsync(() =>
            {
                Hub.Spawn(() =>
                {
                    try
                    {
                        Hub.Sleep(InHub.Long);
                    }
                    finally
                    {
                        isOtherCleanedUp = true;
                    }
                });
                Hub.Yield();
                if (isInside)
                {
                    hub.Dispose();
                }

                begun.Release();
                while (true)
                {
                    permits.Wait();
                    permits.Release();
                }
            });
            await begun.WaitAsync();
            await Task.Run(hub.Dispose).WaitAsync(InHub.Patience);
            await Assert.ThrowsAsync<TaskCanceledException>(() => run.WaitAsync(InHub.Patience));
            Assert.True(isOtherCleanedUp);
            Assert.Equal(1, permits.CurrentCount);
        }
    }

    [Fact]
    public void One_that_comes_twice_before_a_wait_is_thrown_once() => InHub.Run(() =>
    {
        GreenEvent begin = new();
        int cleaned = 0;
        GreenTask victim = Hub.Spawn(() =>
        {
            begin.Wait();
            try
            {
                Hub.Yield();
            }
            finally
            {
                Hub.Yield();
                new GreenSemaphore(1).Wait();
                cleaned++;
            }
        });
        Hub.Yield();
        begin.Set();
        victim.Kill(timeout: TimeSpan.Zero);
        victim.Kill();
        Assert.True(victim.IsKilled);
        Assert.Equal(1, cleaned);

        // One that kills itself is killed, too, whatever was on its way.
        GreenTask self = Hub.Spawn(() =>
        {
            begin.Reset();
            begin.Wait();
            try
            {
                Hub.Current.Loop.CurrentTask!.Kill();
            }
            finally
            {
                Hub.Yield();
                cleaned++;
            }
        });
        Hub.Yield();
        begin.Set();
        self.Kill();
        Assert.True(self.IsKilled);
        Assert.Equal(2, cleaned);
    });

    private static void TryAll(Action<WaitingPlace> attempt) => InHub.Run(() =>
    {
        int count = 0;
        foreach (WaitingPlace place in WaitingPlaces.All())
        {
            using (place)
            {
                try
                {
                    count++;
                    place.Ready();
                    Hub.Sleep(InHub.Tick);
                    attempt(place);
                    TakeWhatWasLeft(place);
                }
                catch (Exception exception)
                {
                    Assert.Fail($"{place.Name}: {exception}");
                }
            }
        }

        Assert.InRange(count, 40, int.MaxValue);
    });

    // Who was thrown out has taken nothing.
    private static void TakeWhatWasLeft(WaitingPlace place)
    {
        if (place.WhenReady is { } wait)
        {
            GreenTask other = Hub.Spawn(wait);
            Assert.True(other.Join(InHub.Long), "what was free is not any more");
            Assert.True(other.IsSuccessful, other.Exception?.ToString());
        }
    }

    private sealed class Attempt(Action wait)
    {
        private bool _hasBegun;
        private bool _hasReturned;
        private bool _isCleanedUp;

        public void Run()
        {
            _hasBegun = true;
            try
            {
                wait();
                _hasReturned = true;
            }
            finally
            {
                // It is not thrown again.
                Hub.Yield();
                new GreenSemaphore(1).Wait();
                Hub.Await(Task.CompletedTask);
                _isCleanedUp = true;
            }
        }

        public void Check()
        {
            Assert.True(_hasBegun, "it did not come to the wait");
            Assert.False(_hasReturned, "it got over it");
            Assert.True(_isCleanedUp, "it was thrown again in the cleanup");
        }
    }
}
