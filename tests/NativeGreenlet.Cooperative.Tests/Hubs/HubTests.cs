using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>The rules of hubs and tasks.</summary>
public class HubTests
{
    private static readonly AsyncLocal<string?> s_ambient = new();

    [Fact]
    public void A_spawned_task_never_runs_before_the_spawner_waits() => InHub.Run(() =>
    {
        List<string> order = [];
        GreenTask a = Hub.Spawn(() => order.Add("a"));
        GreenTask b = Hub.Spawn(() => order.Add("b"));
        Thread.Sleep(20);
        order.Add("main");
        Assert.False(a.HasStarted);
        Hub.Yield();
        order.Add("main again");
        Assert.Equal(["main", "a", "b", "main again"], order);
        Assert.True(a.IsCompleted && b.IsSuccessful);
    });

    [Fact]
    public void Run_returns_the_result_and_throws_the_original_exception()
    {
        Assert.Equal(42, Hub.Run(() => Hub.Spawn(() => 42).Result));
        InvalidTimeZoneException exception = new("original");
        Assert.Same(exception, Assert.Throws<InvalidTimeZoneException>(() => Hub.Run(() =>
        {
            Hub.Yield();
            throw exception;
        })));
        Assert.False(Hub.IsInside);
        Assert.Throws<InvalidOperationException>(() => Hub.Run(() => Hub.Run(() => { })));
    }

    [Fact]
    public void Errors_never_reach_the_hub() => InHub.Run(() =>
    {
        var heard = InHub.Unhandled();
        GreenTask failing = Hub.Spawn(() => throw new InvalidTimeZoneException("unheard"));
        failing.Join();
        Assert.IsType<InvalidTimeZoneException>(failing.Exception);
        Assert.False(failing.IsSuccessful);
        Assert.Equal("unheard", Assert.Single(heard).Message);

        // One that somebody waits for is that one's.
        GreenTask<int> asked = Hub.Spawn(int () => throw new InvalidTimeZoneException("heard"));
        Assert.Equal("heard", Assert.Throws<InvalidTimeZoneException>(() => asked.Result).Message);
        Assert.Single(heard);

        // Nor do those of callbacks and of raw greenlets that belong to the hub.
        failing.OnCompleted(() => throw new InvalidTimeZoneException("callback"));
        Greenlet raw = new(() => throw new InvalidTimeZoneException("raw"), Greenlet.Current.Parent!);
        Hub.Current.Post(() => raw.Switch());
        Hub.Yield();
        Hub.Yield();
        Assert.Equal(["unheard", "callback", "raw"], heard.Select(each => each.Message));
    });

    [Fact]
    public void A_killed_task_that_has_not_started_never_runs() => InHub.Run(() =>
    {
        bool ran = false;
        bool told = false;
        GreenTask victim = Hub.Spawn(() => ran = true);
        victim.OnCompleted(() => told = true);
        Assert.True(victim.Kill());
        GreenTask later = Hub.SpawnLater(InHub.Tick, () => ran = true);
        later.Kill();
        Hub.Sleep(TimeSpan.FromMilliseconds(30));
        Assert.False(ran);
        Assert.True(told && victim.IsKilled && victim.IsSuccessful && later.IsKilled);
    });

    [Fact]
    public void Kill_runs_finally_blocks_and_waits_for_them() => InHub.Run(() =>
    {
        List<string> order = [];
        GreenTask victim = Hub.Spawn(() =>
        {
            try
            {
                Hub.Sleep(InHub.Long);
            }
            finally
            {
                Hub.Sleep(InHub.Tick);
                order.Add("cleaned");
            }
        });
        Hub.Yield();
        Assert.False(victim.Kill(timeout: TimeSpan.Zero));
        Assert.True(victim.Kill());
        Assert.Contains("cleaned", order.DefaultIfEmpty("killed in its cleanup"));
    });

    [Fact]
    public void Kill_with_an_exception_makes_that_the_task_s() => InHub.Run(() =>
    {
        var heard = InHub.Unhandled();
        InvalidTimeZoneException exception = new();
        GreenTask victim = Hub.Spawn(() => Hub.Sleep(Timeout.InfiniteTimeSpan));
        Hub.Yield();
        victim.Kill(exception);
        Assert.Same(exception, victim.Exception);
        Assert.Empty(heard);
        GreenTask self = Hub.Spawn(() => Hub.Current.Loop.CurrentTask!.Kill());
        self.Join();
        Assert.True(self.IsKilled);
    });

    [Fact]
    public void A_kill_that_meets_a_signal_is_thrown_at_the_next_wait() => InHub.Run(() =>
    {
        GreenEvent signal = new();
        bool got = false;
        bool after = false;
        GreenTask victim = Hub.Spawn(() =>
        {
            signal.Wait();
            got = true;
            Hub.Yield();
            after = true;
        });
        Hub.Yield();
        signal.Set(); // the wait is over, although the task has not run yet
        victim.Kill();
        Assert.True(got);
        Assert.False(after);
        Assert.True(victim.IsKilled);
    });

    [Fact]
    public void Await_outside_of_a_hub_is_refused()
    {
        Assert.Throws<MissingHubException>(() => Hub.Await(Task.CompletedTask));
        Assert.Throws<MissingHubException>(() => Hub.Await(Task.FromResult(1)));
        Assert.Throws<MissingHubException>(() => Hub.Sleep(InHub.Tick));
        Assert.Throws<MissingHubException>(() => Hub.Spawn(() => { }));
        Assert.Throws<MissingHubException>(() => Hub.Offload(() => 1));
        Assert.Throws<MissingHubException>(() => new GreenEvent().Wait());
        Assert.Throws<MissingHubException>(() => new GreenQueue<int>().Get());
        Assert.Throws<MissingHubException>(() => new GreenSemaphore(0).Wait());
    }

    [Fact]
    public void A_callback_in_the_hub_must_not_wait() => InHub.Run(() =>
    {
        var heard = InHub.Unhandled();
        Hub.Current.Post(() => Hub.Sleep(InHub.Tick));
        Hub.Yield();
        Assert.IsType<BlockingSwitchOutException>(Assert.Single(heard));
    });

    /// <summary>What the refusals of asynchronous callbacks advise instead.</summary>
    [Fact]
    public void A_callback_of_a_task_may_spawn_and_one_of_no_run_is_told_to_invoke() => InHub.Run(() =>
    {
        var heard = InHub.Unhandled();
        Hub hub = Hub.Current;
        GreenEvent spawned = new();
        GreenEvent invoked = new();
        Hub.Spawn(() => { }).OnCompleted(() => Hub.Spawn(async () =>
        {
            await Task.Yield();
            spawned.Set();
        }));
        hub.Post(() =>
        {
            _ = hub.InvokeAsync(async () =>
            {
                await Task.Yield();
                invoked.Set();
            });
        });
        spawned.Wait();
        invoked.Wait();
        Assert.Empty(heard);
        hub.Post(() => Hub.Spawn(() => { }));
        Hub.Yield();
        Assert.Contains("Hub.InvokeAsync", Assert.Single(heard).Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_wait_for_what_is_complete_does_not_switch() => InHub.Run(() =>
    {
        bool ran = false;
        Hub.Spawn(() => ran = true);
        Hub.Await(Task.CompletedTask);
        Assert.Equal(1, Hub.Await(Task.FromResult(1)));
        Assert.Equal(2, Hub.Await(new ValueTask<int>(2)));
        Hub.Await(default(ValueTask));
        new GreenEvent(isSet: true).Wait();
        new GreenSemaphore(1).Wait();
        Assert.False(ran);
    });

    [Fact]
    public void Await_waits_at_any_depth_and_shows_both_stack_traces() => InHub.Run(() =>
    {
        TaskCompletionSource otherRan = new(TaskCreationOptions.RunContinuationsAsynchronously);
        GreenTask other = Hub.Spawn(() =>
        {
            Hub.Sleep(InHub.Tick);
            otherRan.SetResult(); // never, if waiting for it held the thread
        });
        InvalidTimeZoneException exception = Assert.Throws<InvalidTimeZoneException>(() => Deep(20, otherRan.Task));
        Assert.Contains(nameof(FailAsync), exception.StackTrace, StringComparison.Ordinal);
        Assert.Contains(nameof(Deep), exception.StackTrace, StringComparison.Ordinal);

        // Both, whole: first where the .NET task threw, then every frame down to the body of this task.
        string text = exception.ToString();
        Assert.StartsWith(typeof(InvalidTimeZoneException).FullName!, text, StringComparison.Ordinal);
        int thrown = text.IndexOf($"{nameof(HubTests)}.{nameof(FailAsync)}(", StringComparison.Ordinal);
        int awaited = text.IndexOf($"{nameof(Hub)}.{nameof(Hub.Await)}", StringComparison.Ordinal);
        int caller = text.IndexOf($"{nameof(HubTests)}.{"<"}{nameof(Await_waits_at_any_depth_and_shows_both_stack_traces)}", StringComparison.Ordinal);
        Assert.True(thrown > 0 && thrown < awaited && awaited < caller, text);
        Assert.Contains("HubTests.cs:line", text[..awaited], StringComparison.Ordinal);
        Assert.Contains("HubTests.cs:line", text[caller..], StringComparison.Ordinal);
        other.Join();

        static int Deep(int depth, Task before) => depth == 0 ? Hub.Await(FailAsync(before)) : Deep(depth - 1, before) + 1;
    });

    [Fact]
    public void Await_takes_every_kind_of_task() => InHub.Run(() =>
    {
        Hub.Await(Task.Delay(5));
        Hub.Await(new ValueTask(Task.Delay(5)));
        Assert.Equal(7, Hub.Await(new ValueTask<int>(LaterAsync(7))));
        Assert.Equal(8, Hub.Await(LaterAsync(8)));
        Assert.False(Hub.Await(Task.Delay(InHub.Long), TimeSpan.FromMilliseconds(10)));
        Assert.Throws<TaskCanceledException>(() => Hub.Await(Task.FromCanceled(new CancellationToken(true))));
    });

    [Fact]
    public void Offload_blocks_another_thread() => InHub.Run(() =>
    {
        int here = Environment.CurrentManagedThreadId;
        Assert.NotEqual(here, Hub.Offload(() =>
        {
            Thread.Sleep(5);
            return Environment.CurrentManagedThreadId;
        }));
        Assert.False(Hub.OffloadLongRunning(() => Thread.CurrentThread.IsThreadPoolThread));
        Assert.Throws<InvalidTimeZoneException>(() => Hub.Offload(() => throw new InvalidTimeZoneException()));
    });

    [Fact]
    public void Sleepers_wake_in_their_order() => InHub.RunInTestTime(() =>
    {
        List<int> order = [];
        GreenTask[] tasks = [.. new[] { 60, 20, 100, 20 }.Select((time, index) => Hub.Spawn(() =>
        {
            Hub.Sleep(TimeSpan.FromMilliseconds(time));
            order.Add(index);
        }))];
        Hub.WaitAll(tasks);
        Assert.Equal([1, 3, 0, 2], order);
        Assert.Throws<ArgumentOutOfRangeException>(() => Hub.Sleep(TimeSpan.FromSeconds(-2)));
    });

    [Fact]
    public void WaitAny_tells_the_first_and_Wait_several_kinds() => InHub.RunInTestTime(() =>
    {
        GreenTask slow = Hub.Spawn(() => Hub.Sleep(InHub.Long));
        GreenTask fast = Hub.Spawn(() => Hub.Sleep(InHub.Tick));
        Assert.Same(fast, Hub.WaitAny(slow, fast));
        Assert.False(slow.Join(InHub.Tick));
        GreenEvent signal = new();
        GreenCompletionSource<int> source = new();
        Assert.Empty(Hub.Wait([slow, signal, source], InHub.Tick, 1));
        Hub.SpawnLater(InHub.Tick, () => signal.Set());
        Hub.SpawnLater(InHub.Tick * 5, () => source.SetResult(1));
        Assert.Equal([signal, source], Hub.Wait([slow, signal, source], count: 2));
        Assert.Throws<ArgumentException>(() => Hub.WaitAny());
    });

    [Fact]
    public void Null_among_what_is_waited_for_is_refused() => InHub.Run(() =>
    {
        GreenTask ended = Hub.Spawn(() => { });
        ended.Join();
        Action[] waits =
        [
            () => Hub.WaitAll(ended, null!),
            () => Hub.WaitAny(ended, null!),
            () => Hub.WaitAll(new GreenEvent(isSet: true), null!),
            () => Hub.WaitAny(new GreenEvent(isSet: true), null!),
            () => Hub.Wait([ended, null!]),
            () => Hub.WaitEach(ended, null!),
        ];
        Assert.All(waits, wait => Assert.ThrowsAny<ArgumentException>(wait));
        Action[] nothing =
        [
            () => Hub.WaitAll((IEnumerable<GreenTask>)null!),
            () => Hub.WaitAny((IEnumerable<GreenTask>)null!),
            () => Hub.WaitAll((IGreenWaitable[])null!),
            () => Hub.WaitAny((IGreenWaitable[])null!),
            () => Hub.Wait(null!),
            () => Hub.WaitEach(null!),
        ];
        Assert.All(nothing, wait => Assert.Throws<ArgumentNullException>(wait));
    });

    [Fact]
    public void The_end_of_main_kills_the_rest()
    {
        List<string> order = [];
        InHub.OnThread(() => Hub.Run(() =>
        {
            for (int i = 0; i < 3; i++)
            {
                Hub.Spawn(() =>
                {
                    try
                    {
                        Hub.Await(new TaskCompletionSource().Task);
                    }
                    finally
                    {
                        Hub.Await(Task.Delay(5));
                        order.Add("cleaned");
                    }
                });
            }

            Hub.Spawn(() => order.Add("ran")).Kill();
            Hub.Yield();
            order.Add("main");
        }));
        Assert.Equal(["main", "cleaned", "cleaned", "cleaned"], order);
    }

    [Fact]
    public void A_task_that_will_not_die_is_given_up()
    {
        Exception? told = null;
        InHub.Run(() =>
        {
            Hub.Current.UnhandledException += (_, e) => told = e.Exception;
            Hub.Spawn(() =>
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
            });
            Hub.Yield();
        }, new HubOptions { ShutdownGrace = TimeSpan.FromMilliseconds(50) });
        Assert.Contains("given up", told?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Async_code_runs_awaits_and_cancels()
    {
        int[] results = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Hub.RunAsync(() =>
        {
            GreenTask<int> child = Hub.Spawn(() =>
            {
                Hub.Await(Task.Delay(i % 7));
                return i;
            });
            Assert.True(Hub.IsInside);
            return child.Result;
        })));
        Assert.Equal(Enumerable.Range(0, 200), results);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => Hub.RunAsync(() => Hub.Await(FailAsync(Task.Delay(10)))));

        using CancellationTokenSource cancellation = new();
        TaskCompletionSource waits = new(TaskCreationOptions.RunContinuationsAsynchronously);
        bool cleaned = false;
        Task<int> canceled = Hub.RunAsync(
            int () =>
            {
                try
                {
                    waits.SetResult();
                    Hub.Await(Task.Delay(InHub.Long));
                    return 1;
                }
                finally
                {
                    cleaned = true;
                }
            },
            cancellation.Token);
        await waits.Task; // one that is canceled before it starts has nothing to clean up
        cancellation.CancelAfter(20);
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => canceled);
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.True(canceled.IsCanceled && cleaned);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Hub.RunAsync(() => 1, cancellation.Token));
    }

    [Fact]
    public async Task A_task_can_be_awaited()
    {
        await Hub.RunAsync(() =>
        {
            GreenTask<int> good = Hub.Spawn(() => 3);
            GreenTask bad = Hub.Spawn(() => throw new InvalidTimeZoneException());
            GreenTask killed = Hub.Spawn(() => { });
            killed.Kill();
            Hub.Await(UseAsync(good, bad, killed));
        });

        static async Task UseAsync(GreenTask<int> good, GreenTask bad, GreenTask killed)
        {
            Assert.Equal(3, await good);
            await Assert.ThrowsAsync<InvalidTimeZoneException>(async () => await bad);
            await Assert.ThrowsAsync<TaskCanceledException>(() => killed.AsTask());
        }
    }

    [Fact]
    public async Task A_hub_of_its_own_thread_ends_with_work_in_flight()
    {
        Hub hub = Hub.Start("own");
        bool cleaned = false;
        Task<int> endless = hub.InvokeAsync(int () =>
        {
            try
            {
                Hub.Await(new TaskCompletionSource().Task);
                return 1;
            }
            finally
            {
                cleaned = true;
            }
        });
        Assert.Equal(5, await hub.InvokeAsync(() => Hub.Await(LaterAsync(5))));
        hub.Dispose();
        await Assert.ThrowsAsync<TaskCanceledException>(() => endless);
        Assert.True(cleaned);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => hub.InvokeAsync(() => 1));
    }

    [Fact]
    public void The_execution_context_flows_into_a_task() => InHub.Run(() =>
    {
        s_ambient.Value = "spawner";
        GreenTask<string?> child = Hub.Spawn<string?>(() =>
        {
            string? seen = s_ambient.Value;
            s_ambient.Value = "child";
            Hub.Yield();
            return seen + s_ambient.Value;
        });
        s_ambient.Value = "later";
        Assert.Equal("spawnerchild", child.Result);
        Assert.Equal("later", s_ambient.Value);
    });

    [Fact]
    public void A_raw_greenlet_inside_a_task_may_wait() => InHub.Run(() =>
    {
        Greenlet raw = new(() =>
        {
            Hub.Sleep(InHub.Tick);
            return Hub.Await(LaterAsync(9));
        });
        Assert.Equal(9, raw.Switch());
    });

    [Fact]
    public void Who_wakes_a_wait_is_verified() => InHub.Run(() =>
    {
        Greenlet? inside = null;
        GreenTask waiting = Hub.Spawn(() =>
        {
            inside = Greenlet.Current;
            Assert.Throws<InvalidSwitchException>(() => Hub.Sleep(InHub.Long));
            Hub.Sleep(InHub.Tick); // and the waiter is as good as new
        });
        Hub.Yield();
        GreenTask intruder = Hub.Spawn(() => inside!.Switch("wrong"));
        waiting.Join();
        Assert.True(waiting.IsSuccessful, waiting.Exception?.ToString());
        Assert.False(intruder.IsCompleted);
        Assert.True(intruder.Kill(timeout: InHub.Long)); // it is stranded, yet it can be killed
    });

    private static async Task<int> FailAsync(Task before)
    {
        await before;
        throw new InvalidTimeZoneException();
    }

    private static async Task<int> LaterAsync(int value)
    {
        await Task.Delay(3);
        return value;
    }
}
