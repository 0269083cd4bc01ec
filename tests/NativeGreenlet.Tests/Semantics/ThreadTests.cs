using System.Runtime.CompilerServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Section 7 of the table: rows 95 to 107.</summary>
public class ThreadTests
{
    [ThreadStatic]
    private static int t_ofThread;

    [Fact]
    [FeatureRow(95, 97, 98)]
    public void Using_a_greenlet_of_another_thread_is_refused_and_leaves_it_as_it_was() => OnThread.Run(() =>
    {
        using Worker worker = new();
        List<object?> received = [];
        Greenlet suspended = worker.Do(() =>
        {
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(value =>
            {
                received.Add(value);
                received.Add(main.Switch());
                return null;
            });
            _ = greenlet.Switch("first");
            return greenlet;
        });
        Greenlet unstarted = worker.Do(() => new Greenlet(value => value));
        Greenlet there = worker.Do(() => Greenlet.Current);

        GreenletException refused = Expect.Failure(GreenletError.WrongThread, () => suspended.Switch("lost"));
        Expect.Failure(GreenletError.WrongThread, () => suspended.Throw(new InvalidTimeZoneException()));
        Expect.Failure(GreenletError.WrongThread, () => unstarted.Switch("lost"));
        Expect.Failure(GreenletError.WrongThread, () => unstarted.Throw());
        Expect.Failure(GreenletError.WrongThread, () => there.Switch("lost"));
        Expect.Failure(GreenletError.WrongThread, () => there.Throw());

        Assert.Contains($"{worker.ThreadId}", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"{Environment.CurrentManagedThreadId}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(GreenletState.Suspended, suspended.State);
        Assert.Equal(GreenletState.Unstarted, unstarted.State);
        worker.Do(() => suspended.Switch("second"));
        Assert.Equal(["first", "second"], received);
        Assert.Equal("ran", worker.Do(() => unstarted.Switch("ran")));
    });

    [Fact]
    [FeatureRow(95)]
    public void A_dead_greenlet_of_another_thread_is_refused_too() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet dead = worker.Do(() =>
        {
            Greenlet greenlet = new(() => { });
            _ = greenlet.Switch();
            return greenlet;
        });

        Expect.Failure(GreenletError.WrongThread, () => dead.Switch());
    });

    [Fact]
    [FeatureRow(96, 97)]
    public void Using_a_greenlet_of_a_thread_that_ended_is_refused() => OnThread.Run(() =>
    {
        Greenlet suspended;
        Greenlet unstarted;
        Greenlet there;
        int threadId;
        using (Worker worker = new())
        {
            threadId = worker.ThreadId;
            (suspended, unstarted, there) = worker.Do(() =>
            {
                Greenlet main = Greenlet.Current;
                Greenlet greenlet = new(() => main.Switch());
                _ = greenlet.Switch();
                return (greenlet, new Greenlet(() => { }), main);
            });
        }

        GreenletException refused = Expect.Failure(GreenletError.ThreadExited, () => suspended.Switch());
        Expect.Failure(GreenletError.ThreadExited, () => suspended.Throw());
        Expect.Failure(GreenletError.ThreadExited, () => unstarted.Switch());
        Expect.Failure(GreenletError.ThreadExited, () => unstarted.Throw(new InvalidTimeZoneException()));
        Expect.Failure(GreenletError.ThreadExited, () => there.Switch());
        Expect.Failure(GreenletError.ThreadExited, () => there.Throw());

        Assert.Contains($"{threadId}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(GreenletState.Unstarted, unstarted.State);
        unstarted.Parent = Greenlet.Current; // it can still be adopted
        _ = unstarted.Switch();
        Assert.True(unstarted.IsDead);
    });

    [Fact]
    [FeatureRow(99)]
    public void Using_one_greenlet_from_many_threads_only_yields_errors() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(value =>
        {
            while (true)
            {
                value = main.Switch(value);
            }
        });
        _ = greenlet.Switch();
        using CancellationTokenSource stop = new();
        int refusals = 0;
        Worker[] workers = [new(), new(), new()];
        Task<bool>[] tasks = [.. workers.Select((worker, index) => worker.Begin(() =>
        {
            void Try()
            {
                Expect.Failure(GreenletError.WrongThread, () => greenlet.Switch("lost"));
                Expect.Failure(GreenletError.WrongThread, () => greenlet.Throw());
            }

            while (!stop.IsCancellationRequested)
            {
                if (index == 0)
                {
                    Try();
                }
                else
                {
                    _ = new Greenlet(Try).Switch(); // on a stack that was, or will be, one of the owner's
                }

                _ = (greenlet.State, greenlet.IsDead, greenlet.Parent, greenlet.OwnerThreadId, greenlet.StackBytesUsed, $"{greenlet}");
                Interlocked.Increment(ref refusals);
            }

            return true;
        }))];

        int i = 0;
        SpinWait.SpinUntil(() => Volatile.Read(ref refusals) > 0);
        for (; i < 20_000 || Volatile.Read(ref refusals) < 30; i++)
        {
            Assert.Equal(i, greenlet.Switch(i));
            if (i % 16 == 0)
            {
                _ = new Greenlet(() => greenlet.Switch(i)).Switch(); // its stack goes back for others to take
            }
        }

        stop.Cancel();
        Task.WaitAll(tasks);
        Assert.True(Array.TrueForAll(tasks, task => task.Result));
        Array.ForEach(workers, worker => worker.Dispose());
        Assert.Equal(-1, greenlet.Switch(-1));
        greenlet.Dispose();
    });

    [Fact]
    [FeatureRow(99, 66)]
    public void Of_two_threads_that_race_for_an_unstarted_greenlet_one_runs_it() => OnThread.Run(() =>
    {
        using Worker worker = new();
        int wonThere = 0;
        for (int round = 0; round < 2_000; round++)
        {
            int runs = 0;
            int ranOn = 0;
            Greenlet greenlet = new(() =>
            {
                Interlocked.Increment(ref runs);
                ranOn = ThisRun.ThreadId;
                return "ran";
            });
            using Barrier barrier = new(2);
            Task<object?> other = worker.Begin<object?>(() =>
            {
                Greenlet there = Greenlet.Current;
                barrier.SignalAndWait();
                try
                {
                    greenlet.Parent = there;
                    return greenlet.Switch();
                }
                catch (GreenletException exception) when (exception.Reason == GreenletError.WrongThread)
                {
                    return exception;
                }
            });
            barrier.SignalAndWait();
            object? here;
            try
            {
                here = greenlet.Switch();
            }
            catch (GreenletException exception) when (exception.Reason == GreenletError.WrongThread)
            {
                here = exception;
            }

            object? there = other.GetAwaiter().GetResult();
            Assert.Equal(1, runs);
            Assert.True(greenlet.IsDead);
            Assert.Equal(ranOn, greenlet.OwnerThreadId);
            bool isHere = ranOn == Environment.CurrentManagedThreadId;
            wonThere += isHere ? 0 : 1;
            // The loser is refused. The winner is, too, if the loser gave the greenlet another parent while it ran.
            Assert.IsType<GreenletException>(isHere ? there : here);
            Assert.True((isHere ? here : there) is "ran" or GreenletException);
        }

        Assert.InRange(wonThere, 0, 2_000);
    });

    [Fact]
    [FeatureRow(99)]
    public void A_start_and_a_dispose_of_another_thread_exclude_each_other() => OnThread.Run(() =>
    {
        using Worker worker = new();
        for (int round = 0; round < 2_000; round++)
        {
            int runs = 0;
            Greenlet greenlet = new(() =>
            {
                runs++;
                return "ran";
            });
            using Barrier barrier = new(2);
            Task<bool> other = worker.Begin(() =>
            {
                barrier.SignalAndWait();
                greenlet.Dispose();
                return true;
            });
            barrier.SignalAndWait();

            object? result = greenlet.Switch("not run");

            Assert.True(other.GetAwaiter().GetResult());
            Assert.True(greenlet.IsDead);
            Assert.True((runs, result) is (1, "ran") or (0, "not run"), $"{runs} runs, result {result}");
        }
    });

    [Fact]
    [FeatureRow(100)]
    public void Many_threads_run_greenlets_independently() => OnThread.Run(() =>
    {
        Worker[] workers = [.. Enumerable.Range(0, 8).Select(_ => new Worker())];

        Task<long>[] tasks = [.. workers.Select((worker, number) => worker.Begin(() => Pipeline(number)))];
        Task.WaitAll(tasks);

        Assert.Equal(Enumerable.Range(0, 8).Select(number => (long)Enumerable.Range(0, 2_000).Sum(i => i + number)), tasks.Select(task => task.Result));
        Array.ForEach(workers, worker => worker.Dispose());

        static long Pipeline(int number)
        {
            Greenlet main = Greenlet.Current;
            Greenlet source = new(() =>
            {
                for (int i = 0; i < 2_000; i++)
                {
                    _ = main.Switch(i);
                }
            });
            Greenlet adder = new(value =>
            {
                while (true)
                {
                    value = main.Switch((int)value! + number);
                }
            });
            long sum = 0;
            while (source.Switch() is int i)
            {
                sum += (int)adder.Switch(i)!;
                if (i % 500 == 0)
                {
                    GC.Collect(0);
                }
            }

            adder.Dispose();
            return sum;
        }
    });

    [Fact]
    [FeatureRow(104)]
    public void The_greenlets_of_a_finished_thread_are_collected_without_any_call()
    {
        (WeakReference<Greenlet> main, WeakReference<Greenlet> suspended) = RunThread();

        Collector.AssertCollected(main, "the main greenlet of a thread that ended");
        Collector.AssertCollected(suspended, "a suspended greenlet of a thread that ended");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (WeakReference<Greenlet> Main, WeakReference<Greenlet> Suspended) RunThread() => OnThread.Run(() =>
        {
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(() => main.Switch());
            _ = greenlet.Switch();
            return (new WeakReference<Greenlet>(main), new WeakReference<Greenlet>(greenlet));
        });
    }

    [FactOn(Backends.Segments | Backends.Slices, Because = "Thread identity")]
    [FeatureRow(105, 107)]
    public void Greenlets_of_a_thread_share_its_statics_and_its_number() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        using ThreadLocal<string> local = new(() => "initial");
        List<(int, string?, int, Thread)> seen = [];
        t_ofThread = 1;
        local.Value = "main's";
        Greenlet greenlet = new(() =>
        {
            seen.Add((t_ofThread, local.Value, Environment.CurrentManagedThreadId, Thread.CurrentThread));
            t_ofThread = 2;
            local.Value = "greenlet's";
        });

        _ = greenlet.Switch();
        seen.Add((t_ofThread, local.Value, Environment.CurrentManagedThreadId, Thread.CurrentThread));

        int id = Environment.CurrentManagedThreadId;
        Assert.Equal([(1, "main's", id, Thread.CurrentThread), (2, "greenlet's", id, Thread.CurrentThread)], seen);
        Assert.Equal(id, greenlet.OwnerThreadId);
        Assert.Equal(id, main.OwnerThreadId);
    });

    [FactOn(Backends.Threads, Because = "Thread identity")]
    [FeatureRow(105, 107)]
    public void Greenlets_that_are_threads_have_statics_and_a_number_of_their_own() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        using ThreadLocal<string> local = new(() => "initial");
        List<(int, string?, int)> seen = [];
        t_ofThread = 1;
        local.Value = "main's";
        int own = 0;
        Greenlet greenlet = new(() =>
        {
            own = Environment.CurrentManagedThreadId;
            t_ofThread = 2;
            local.Value = "greenlet's";
            _ = main.Switch();
            seen.Add((t_ofThread, local.Value, Environment.CurrentManagedThreadId));
        });

        _ = greenlet.Switch();
        seen.Add((t_ofThread, local.Value, Environment.CurrentManagedThreadId));
        _ = greenlet.Switch();

        int id = Environment.CurrentManagedThreadId;
        Assert.NotEqual(id, own);
        Assert.Equal([(1, "main's", id), (2, "greenlet's", own)], seen);
        Assert.Equal(id, greenlet.OwnerThreadId); // it belongs to the thread that started it all the same
    });

    [FactOn(Backends.Threads, Because = "Locks across a switch")]
    [FeatureRow(106)]
    public void A_lock_held_across_a_switch_belongs_to_a_greenlet_that_is_a_thread() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        object gate = new();
        Greenlet holder = new(() =>
        {
            lock (gate)
            {
                _ = main.Switch();
            }
        });
        Greenlet other = new(() => Monitor.TryEnter(gate));

        _ = holder.Switch();

        Assert.False((bool)other.Switch()!); // lock (gate) would wait for ever
        Assert.False(Monitor.TryEnter(gate));
        _ = holder.Switch();
        Assert.True(Monitor.TryEnter(gate));
    });

    [FactOn(Backends.Segments | Backends.Slices, Because = "Locks across a switch")]
    [FeatureRow(106)]
    public void A_lock_held_across_a_switch_belongs_to_the_thread() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet main = Greenlet.Current;
        object gate = new();
        List<string> log = [];
        Greenlet Entering(string name) => new(() =>
        {
            lock (gate)
            {
                log.Add($"{name} in");
                _ = main.Switch();
                log.Add($"{name} out");
            }
        });
        Greenlet first = Entering("first");
        Greenlet second = Entering("second");

        _ = first.Switch();
        _ = second.Switch(); // enters, too: it is the same thread
        bool enteredElsewhere = worker.Do(() => Monitor.TryEnter(gate));
        _ = first.Switch();
        bool stillHeld = worker.Do(() => !Monitor.TryEnter(gate));
        _ = second.Switch();
        bool freeAtLast = worker.Do(() => Monitor.TryEnter(gate));

        Assert.Equal(["first in", "second in", "first out", "second out"], log);
        Assert.False(enteredElsewhere);
        Assert.True(stillHeld);
        Assert.True(freeAtLast);
    });

    [Fact]
    public void Greenlets_work_on_threads_of_the_pool()
    {
        Task<string>[] tasks = [.. Enumerable.Range(0, 50).Select(number => Task.Run(() =>
        {
            Greenlet main = Greenlet.Current;
            using Greenlet greenlet = new(() =>
            {
                _ = main.Switch($"{number}");
                return "end";
            });
            return $"{greenlet.Switch()} {greenlet.Switch()}";
        }))];
        Task.WaitAll(tasks);

        Assert.Equal(Enumerable.Range(0, 50).Select(number => $"{number} end"), tasks.Select(task => task.Result));
    }
}
