using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Kills of several tasks, of which the caller may be one; and what others see of them.</summary>
public class KillTests
{
    [Fact]
    public void The_first_result_cancels_the_rest_whoever_has_it() => InHub.Run(() =>
    {
        for (int winner = 0; winner < 3; winner++)
        {
            LetWin(winner);
        }
    });

    [Fact]
    public void A_nursery_is_left_by_one_of_its_children() => InHub.Run(() =>
    {
        GreenNursery nursery = new();
        GreenTask other = nursery.Spawn(() => Hub.Sleep(InHub.Tick * 5));
        bool isLeft = false;
        GreenTask child = nursery.Spawn(() =>
        {
            nursery.Dispose(); // waits for the other, and not for itself
            isLeft = other.IsSuccessful;
        });
        Assert.True(child.Join(InHub.Long) && child.IsSuccessful, child.Exception?.ToString());
        Assert.True(isLeft);
        nursery.Dispose();
    });

    [Fact]
    public void A_pool_is_killed_by_one_of_its_tasks() => InHub.Run(() =>
    {
        foreach (TimeSpan? grace in new TimeSpan?[] { null, TimeSpan.Zero, InHub.Long })
        {
            GreenPool pool = new(3);
            List<string> log = [];
            bool? all = null;
            for (int i = 0; i < 3; i++)
            {
                int self = i;
                pool.Spawn(() =>
                {
                    try
                    {
                        Hub.Sleep(self == 1 ? InHub.Tick : InHub.Long);
                        all = pool.Kill(timeout: grace);
                        log.Add("killed");
                        Hub.Sleep(InHub.Long);
                    }
                    finally
                    {
                        log.Add($"{self} ends");
                    }
                });
            }

            Assert.True(pool.Join(InHub.Long));
            Assert.Equal(grace == TimeSpan.Zero ? ["killed", "1 ends", "0 ends", "2 ends"] : ["0 ends", "2 ends", "killed", "1 ends"], log);
            Assert.Equal(grace != TimeSpan.Zero, all);
            Assert.Equal((3, 0), (pool.FreeCount, pool.Count));
        }
    });

    [Fact]
    public void A_pool_s_task_that_joins_it_waits_for_the_others() => InHub.Run(() =>
    {
        GreenPool pool = new(2);
        GreenTask other = pool.Spawn(() => Hub.Sleep(InHub.Tick * 5));
        GreenTask<bool> self = pool.Spawn(() => pool.Join() && other.IsCompleted);
        Assert.True(self.Result);
    });

    [Fact]
    public void A_pool_that_is_killed_sends_away_who_waits_for_a_place() => InHub.Run(() =>
    {
        GreenPool pool = new(1);
        int began = 0;
        pool.Spawn(() =>
        {
            try
            {
                Hub.Sleep(InHub.Long);
            }
            finally
            {
                Assert.Throws<OperationCanceledException>(() => pool.Spawn(() => began++));
                Hub.Yield();
            }
        });
        GreenTask[] waiting = [.. Enumerable.Range(0, 3).Select(_ => Hub.Spawn(() => { pool.Spawn(() => began++); }))];
        GreenTask mapping = Hub.Spawn(() => pool.Map([1, 2], each => began += each));
        GreenTask lazily = Hub.Spawn(() => pool.MapUnordered([1, 2], each => began += each).ToArray());
        GreenTask[] all = [.. waiting, mapping, lazily];
        Array.ForEach(all, task => _ = task.AsTask());
        Hub.Yield();
        Hub.Yield();
        Assert.True(pool.Kill(timeout: InHub.Long));
        Hub.WaitAll(all);
        Assert.All(all, task => Assert.IsType<OperationCanceledException>(task.Exception));
        Assert.Equal((0, 1, 0), (began, pool.FreeCount, pool.Count));
        pool.Spawn(() => began++).Join(); // it can be used again
        Assert.Equal(1, began);
    });

    [Fact]
    public async Task Who_waits_for_a_place_in_another_hub_is_sent_away_too()
    {
        using Hub other = Hub.Start("other");
        for (int i = 0; i < 20; i++)
        {
            GreenPool pool = new(1);
            GreenEvent full = new();
            int began = 0;
            Task waiting = other.InvokeAsync(() =>
            {
                full.Wait();
                pool.Spawn(() => began++).Join();
            });
            InHub.Run(() =>
            {
                pool.Spawn(() => Hub.Sleep(InHub.Long));
                full.Set();
                Hub.Sleep(InHub.Tick * (i % 3));
                Assert.True(pool.Kill(timeout: InHub.Long));
            });

            // It was sent away, or it came later.
            await waiting.WaitAsync(InHub.Patience).ContinueWith(_ => { }, TaskScheduler.Default);
            Assert.Equal(waiting.IsCompletedSuccessfully ? 1 : 0, began);
            Assert.Equal((1, 0), (pool.FreeCount, pool.Count));
        }
    }

    [Fact]
    public async Task A_pool_of_hubs_is_ended_from_inside()
    {
        HubPool pool = new(3, "inside");
        int cleaned = 0;
        bool hasReturned = false;
        TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int parked = 0;
        Task[] runs = [.. Enumerable.Range(0, 9).Select(i => pool.RunAsync(() =>
        {
            try
            {
                if (Interlocked.Increment(ref parked) == 9)
                {
                    all.SetResult();
                }

                if (i == 4)
                {
                    Hub.Await(all.Task);
                    pool.Dispose(); // it waits for the other hubs, not for its own
                    hasReturned = true;
                }

                Hub.Sleep(InHub.Long);
            }
            finally
            {
                Interlocked.Increment(ref cleaned);
            }
        }))];
        foreach (Task run in runs)
        {
            await Assert.ThrowsAsync<TaskCanceledException>(() => run.WaitAsync(InHub.Patience));
        }

        Assert.Equal(9, cleaned);
        Assert.True(hasReturned);
        pool.Dispose();
    }

    [Fact]
    public void A_killed_child_s_result_is_an_error_of_who_asks() => InHub.Run(() =>
    {
        var heard = InHub.Unhandled();
        GreenTask<int> child = Hub.Spawn(() =>
        {
            Hub.Sleep(InHub.Long);
            return 1;
        });
        GreenTask parent = Hub.Spawn(() => _ = child.Result);
        GreenTask<int> observed = Hub.Spawn(() => child.Result);
        _ = observed.AsTask();
        Hub.Yield();
        child.Kill();
        Hub.WaitAll(parent, observed);
        Assert.False(parent.IsKilled || parent.IsSuccessful);
        GreenTaskKilledException told = Assert.IsType<GreenTaskKilledException>(Assert.Single(heard));
        Assert.Same(child, told.Task);
        Assert.IsType<GreenletExit>(told.InnerException);
        Assert.True(observed.AsTask().IsFaulted);
        Assert.Same(observed.Exception, Assert.Throws<GreenTaskKilledException>(() => observed.Result));

        // So do maps, whose calls are tasks.
        GreenPool pool = new(2);
        Assert.Throws<GreenTaskKilledException>(() => pool.Map([1, 2], Suicide));
        Assert.Throws<GreenTaskKilledException>(() => pool.MapInOrder([1, 2], Suicide).ToArray());
        Assert.Throws<GreenTaskKilledException>(() => pool.MapUnordered([1, 2], Suicide).ToArray());
        Assert.Equal((2, 0), (pool.FreeCount, pool.Count));

        static int Suicide(int each)
        {
            Hub.Current.Loop.CurrentTask!.Kill();
            return each;
        }
    });

    [Fact]
    public void A_kill_that_comes_through_a_generator_is_the_task_s() => InHub.Run(() =>
    {
        List<string> log = [];
        GreenTask victim = Hub.Spawn(() =>
        {
            foreach (int i in new GreenletGenerator<int>(Body))
            {
                log.Add($"got {i}");
            }

            log.Add("went on");
        });
        Hub.Yield();
        Assert.True(victim.Kill(timeout: InHub.Long));
        Assert.True(victim.IsKilled);
        Assert.Equal(["got 1", "cleaned"], log);

        void Body()
        {
            try
            {
                GreenletGenerator<int>.Yield(1);
                Hub.Sleep(InHub.Long);
            }
            finally
            {
                Hub.Yield();
                log.Add("cleaned");
            }
        }
    });

    private static void LetWin(int winner)
    {
        List<string> log = [];
        GreenTask[] children = new GreenTask[4];
        GreenNursery.Run(nursery =>
        {
            for (int i = 0; i < 3; i++)
            {
                int self = i;
                children[i] = nursery.Spawn(() =>
                {
                    try
                    {
                        Hub.Sleep(self == winner ? InHub.Tick : InHub.Long);
                        children[3] = nursery.Spawn(() => log.Add("ran")); // one that has not begun
                        nursery.Cancel();
                        log.Add("result");
                        Hub.Yield();
                        log.Add("went on");
                    }
                    finally
                    {
                        log.Add($"{self} ends");
                    }
                });
            }
        });
        Assert.Equal("result", log[0]);
        Assert.Equal(["0 ends", "1 ends", "2 ends", "result"], log.Order());
        Assert.All(children, child => Assert.True(child.IsKilled));
    }
}
