using System.Collections.Concurrent;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Who decides when a task that can go on may do so.</summary>
public class GateTests
{
    [Fact]
    public void A_task_that_may_not_go_on_is_put_aside_and_holds_up_nobody() => InHub.Run(() =>
    {
        Gate gate = new();
        bool hasRun = false;
        GreenTask task = Hub.Spawn(() => { hasRun = true; });
        task.Observer = gate;
        Hub.Spawn(() => Hub.Sleep(InHub.Tick)).Join();
        Hub.Yield();
        Assert.False(hasRun);
        Assert.Equal(1, gate.Asked); // and not once more each round
        Assert.Empty(gate.Told);
        gate.Open(task);
        task.Join();
        Assert.True(hasRun);
        Assert.Equal(["goes on", "ended"], gate.Told);
    });

    [Fact]
    public void Each_slice_is_asked_for() => InHub.Run(() =>
    {
        Gate gate = new() { IsOpen = true };
        TaskCompletionSource source = new();
        GreenTask task = Hub.Spawn(() =>
        {
            Hub.Yield();
            Hub.Sleep(InHub.Tick);
            Hub.Await(source.Task);
        });
        task.Observer = gate;
        string[] slices = ["goes on", "parked", "goes on", "parked", "goes on", "parked"];
        InHub.Until(() => gate.Told.Count == slices.Length); // a delay could end before it is waited for
        source.SetResult();
        task.Join();
        Assert.Equal(4, gate.Asked);
        Assert.Equal([.. slices, "goes on", "ended"], gate.Told);
    });

    [Fact]
    public void A_task_that_sets_its_own_waits_there_until_it_may_go_on() => InHub.Run(() =>
    {
        Gate gate = new();
        bool isThrough = false;
        GreenTask task = Hub.Spawn(() =>
        {
            Hub.CurrentTask.Observer = gate;
            isThrough = true;
        });
        Hub.Yield();
        Hub.Yield();
        Assert.False(isThrough);
        gate.Open(task);
        task.Join();
        Assert.True(isThrough);
        Assert.Equal(["goes on", "ended"], gate.Told);
    });

    [Fact]
    public void A_task_is_asked_about_once_for_many_calls_and_not_at_all_if_it_is_not_aside() => InHub.Run(() =>
    {
        Gate gate = new();
        GreenTask task = Hub.Spawn(() => Hub.Sleep(InHub.Tick));
        task.Observer = gate;
        task.AskGate(); // not aside yet
        Hub.Yield();
        Assert.Equal(1, gate.Asked);
        task.AskGate();
        task.AskGate();
        task.AskGate();
        Hub.Yield();
        Hub.Yield();
        Assert.Equal(2, gate.Asked);
        gate.Open(task);
        gate.Open(task);
        task.Join();
        Assert.Equal(4, gate.Asked);
        gate.Open(task); // it has ended
        Hub.Yield();
        Assert.Equal(4, gate.Asked);
    });

    [Fact]
    public void What_is_said_while_the_gate_is_asked_is_not_lost() => InHub.Run(() =>
    {
        Gate gate = new();
        GreenTask task = Hub.Spawn(() => { });
        gate.WhileAsked = () =>
        {
            gate.WhileAsked = null;
            gate.Open(task); // and it says no all the same
        };
        task.Observer = gate;
        Assert.True(task.Join(InHub.Long));
        Assert.Equal(2, gate.Asked);
    });

    [Fact]
    public void A_task_that_is_killed_while_it_is_aside_cleans_up_when_it_may_go_on() => InHub.Run(() =>
    {
        Gate gate = new() { IsOpen = true };
        bool hasCleaned = false;
        GreenTask task = Hub.Spawn(() =>
        {
            try
            {
                Hub.Yield();
                Assert.Fail("It was killed.");
            }
            finally
            {
                hasCleaned = true;
            }
        });
        task.Observer = gate;
        Hub.Yield();
        gate.IsOpen = false;
        Hub.Yield();
        Assert.False(task.Kill(timeout: InHub.Tick));
        Assert.False(hasCleaned);
        gate.Open(task);
        task.Join();
        Assert.True(hasCleaned);
        Assert.True(task.IsKilled);
    });

    [Fact]
    public void A_task_that_is_killed_before_it_starts_needs_no_gate() => InHub.Run(() =>
    {
        Gate gate = new();
        GreenTask task = Hub.Spawn(() => Assert.Fail("It was killed."));
        task.Observer = gate;
        Hub.Yield();
        Assert.True(task.Kill());
        gate.Open(task);
        Hub.Yield();
        Assert.Equal(1, gate.Asked);
        Assert.Empty(gate.Told);
    });

    [Fact]
    public void A_time_limit_that_passes_while_a_task_is_aside_is_thrown_when_it_may_go_on() => InHub.Run(() =>
    {
        TimeSpan limit = InHub.Tick * 50; // must not pass before the task yields, though the thread may have to wait for a processor
        Gate gate = new() { IsOpen = true };
        GreenTask<bool> task = Hub.Spawn(() => GreenTimeout.TryRun(limit, () =>
        {
            Hub.Yield();
            Hub.Sleep(Timeout.InfiniteTimeSpan);
        }));
        task.Observer = gate;
        Hub.Yield();
        gate.IsOpen = false;
        Hub.Sleep(limit * 3);
        Assert.False(task.IsCompleted);
        gate.Open(task);
        Assert.False(task.Result);
    });

    [Fact]
    public void A_task_that_is_aside_is_part_of_no_deadlock() => InHub.Run(
        () =>
        {
            Gate gate = new() { IsOpen = true };
            GreenLock shared = new();
            GreenTask task;
            using (shared.EnterScope())
            {
                task = Hub.Spawn(() =>
                {
                    using (shared.EnterScope())
                    {
                    }
                });
                task.Observer = gate;
                Hub.Yield(); // it waits for the lock
                gate.IsOpen = false;
            }

            using Timer opening = new(_ => gate.Open(task), null, TimeSpan.FromMilliseconds(500), Timeout.InfiniteTimeSpan);
            task.Join(); // which waits for a lock that is its own: without the gate that would never end
            Assert.True(task.IsSuccessful);
        },
        new HubOptions { DeadlockPatience = TimeSpan.FromMilliseconds(20) });

    [Fact]
    public void A_hub_that_ends_kills_what_is_aside_and_gives_up_what_never_may_go_on()
    {
        Gate gate = new() { IsOpen = true };
        bool hasCleaned = false;
        Hub hub = new(new HubOptions { ShutdownGrace = TimeSpan.FromMilliseconds(20) });
        ConcurrentQueue<Exception> unhandled = [];
        hub.UnhandledException += (_, arguments) => unhandled.Enqueue(arguments.Exception);
        Task run = hub.InvokeAsync(() =>
        {
            Hub.CurrentTask.Observer = gate;
            try
            {
                gate.IsOpen = false;
                Hub.Yield();
            }
            finally
            {
                hasCleaned = true;
            }
        });
        Assert.True(SpinWait.SpinUntil(() => gate.Asked == 2, InHub.Long));
        hub.Dispose();
        Assert.True(run.IsFaulted);
        Assert.False(hasCleaned);
        Assert.Contains(unhandled, each => each.Message.Contains("given up", StringComparison.Ordinal));
    }

    [Fact]
    public void A_hub_that_ends_waits_for_what_may_go_on_soon()
    {
        Gate gate = new() { IsOpen = true };
        bool hasCleaned = false;
        Hub hub = Hub.Start("gated");
        GreenTask? task = null;
        Task run = hub.InvokeAsync(() =>
        {
            task = Hub.CurrentTask;
            task.Observer = gate;
            try
            {
                gate.IsOpen = false;
                Hub.Yield();
            }
            finally
            {
                hasCleaned = true;
            }
        });
        Assert.True(SpinWait.SpinUntil(() => gate.Asked == 2, InHub.Long));
        Task ending = Task.Run(hub.Dispose);
        gate.Open(task!);
        Assert.True(ending.Wait(InHub.Long));
        Assert.True(run.IsCanceled || run.IsCompletedSuccessfully); // it had its turn before or after
        Assert.True(hasCleaned);
    }

    [Fact]
    public void A_gate_that_fails_is_reported_and_the_task_goes_on() => InHub.Run(() =>
    {
        ConcurrentQueue<Exception> unhandled = InHub.Unhandled();
        Gate gate = new() { WhileAsked = () => throw new FormatException() };
        GreenTask<int> task = Hub.Spawn(() => 3);
        task.Observer = gate;
        Assert.Equal(3, task.Result);
        Assert.Contains(unhandled, each => each is FormatException);
        Assert.Equal(["goes on", "ended"], gate.Told);
    });

    // Its stack cannot be left, so the hub's thread waits there, for the gate as for anything else.
    [Fact]
    public void A_wait_inside_a_type_load_ends_when_the_gate_lets_it() => InHub.Run(() =>
    {
        Gate gate = new() { IsOpen = true };
        bool isOver = false;
        bool wasOpen = false;
        GreenTask task = Hub.Spawn(() =>
        {
            GreenTask self = Hub.CurrentTask;
            LoadedType.Use(() =>
            {
                gate.IsOpen = false;
                using Timer opening = new(_ => gate.Open(self), null, TimeSpan.FromMilliseconds(100), Timeout.InfiniteTimeSpan);
                Hub.Sleep(InHub.Tick);
                wasOpen = gate.IsOpen;
            });
            isOver = true;
        });
        task.Observer = gate;
        task.Join();
        Assert.True(isOver && wasOpen);
        Assert.Equal(["goes on", "parked", "goes on", "ended"], gate.Told);
    });

    // Two hubs share one turn, that each task wants for each slice; opened by whoever gives it back.
    [Fact]
    public async Task Slices_of_two_hubs_that_share_a_gate_never_overlap()
    {
        using Hub first = Hub.Start("first");
        using Hub second = Hub.Start("second");
        Turn turn = new();
        int count = 0;
        Task[] runs = [.. Enumerable.Range(0, 8).Select(number => (number % 2 == 0 ? first : second).InvokeAsync(() =>
        {
            Hub.CurrentTask.Observer = turn;
            for (int i = 0; i < 500; i++)
            {
                int before = count;
                Thread.SpinWait(20);
                count = before + 1;
                if (i % 50 == 0)
                {
                    Hub.Sleep(TimeSpan.FromMilliseconds(1));
                }
                else
                {
                    Hub.Yield();
                }
            }
        }))];
        await Task.WhenAll(runs).WaitAsync(InHub.Long);
        Assert.Equal(4000, count);
        Assert.Equal(0, turn.Overlaps);
    }

    private sealed class Gate : IGreenTaskGate
    {
        private volatile bool _isOpen;
        private int _asked;

        public bool IsOpen
        {
            get => _isOpen;
            set => _isOpen = value;
        }

        public int Asked => Volatile.Read(ref _asked);

        public Action? WhileAsked { get; set; }

        public List<string> Told { get; } = [];

        public void Open(GreenTask task)
        {
            _isOpen = true;
            task.AskGate();
        }

        public bool MayGoOn(GreenTask task)
        {
            bool mayGoOn = _isOpen;
            WhileAsked?.Invoke();
            Interlocked.Increment(ref _asked);
            return mayGoOn;
        }

        public void GoingOn(GreenTask task) => Told.Add("goes on");

        public void Parked(GreenTask task) => Told.Add(task.IsCompleted ? "ended" : "parked");
    }

    private sealed class Turn : IGreenTaskGate
    {
        private readonly Lock _lock = new();
        private readonly Queue<GreenTask> _waiting = new();
        private GreenTask? _holder;
        private int _inside;

        public int Overlaps { get; private set; }

        public bool MayGoOn(GreenTask task)
        {
            lock (_lock)
            {
                if (_holder is not null && _holder != task)
                {
                    _waiting.Enqueue(task);
                    return false;
                }

                _holder = task;
                return true;
            }
        }

        public void GoingOn(GreenTask task) => Overlaps += Interlocked.Increment(ref _inside) == 1 ? 0 : 1;

        public void Parked(GreenTask task)
        {
            Interlocked.Decrement(ref _inside);
            GreenTask? next;
            lock (_lock)
            {
                _waiting.TryDequeue(out next);
                _holder = next;
            }

            next?.AskGate();
        }
    }
}
