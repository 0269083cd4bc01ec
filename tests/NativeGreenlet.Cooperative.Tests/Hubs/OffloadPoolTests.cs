using System.Diagnostics;
using System.Diagnostics.Metrics;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>The threads of <see cref="Hub.Offload(Action)"/>.</summary>
public class OffloadPoolTests
{
    // The thread pool of .NET would need a minute and a half for its threads.
    [Fact]
    public void Threads_are_started_at_once()
    {
        const int Count = 200;
        using CountdownEvent all = new(Count);
        InHub.Run(
            () => Hub.WaitAll(Enumerable.Range(0, Count).Select(_ => Hub.Spawn(() => Hub.Offload(() =>
            {
                all.Signal();
                Assert.True(all.Wait(InHub.Long));
            }))).ToArray()),
            new HubOptions { OffloadPool = new OffloadPool(Count) });
    }

    [Fact]
    public void A_thousand_calls_have_as_many_threads_as_are_allowed_and_the_rest_waits()
    {
        const int Calls = 1_000;
        const int Limit = 100;
        OffloadPool pool = new(Limit);
        int most = 0;
        int now = 0;
        using ManualResetEventSlim go = new();
        TimeSpan time = default;
        InHub.Run(
            () =>
            {
                Stopwatch watch = Stopwatch.StartNew();
                GreenTask[] tasks = [.. Enumerable.Range(0, Calls).Select(_ => Hub.Spawn(() => Hub.Offload(() =>
                {
                    Raise(ref most, Interlocked.Increment(ref now));
                    go.Wait();
                    Interlocked.Decrement(ref now);
                })))];
                InHub.Until(() => Volatile.Read(ref now) == Limit && pool.QueueLength == Calls - Limit);
                time = watch.Elapsed;
                go.Set();
                Hub.WaitAll(tasks);
            },
            new HubOptions { OffloadPool = pool });
        Assert.Equal(Limit, most);
        Assert.True(time < InHub.Long / 2, $"{time}: the thread pool of .NET would take 50 s and more"); // it adds a thread or two a second
        Assert.Equal(0, pool.QueueLength);
        Assert.Equal(Limit, pool.ThreadCount);
    }

    [Fact]
    public void Threads_with_nothing_to_do_end()
    {
        OffloadPool pool = new(10, TimeSpan.FromMilliseconds(20));
        HubOptions options = new() { OffloadPool = pool };
        using CountdownEvent all = new(10);
        InHub.Run(
            () => Hub.WaitAll(Enumerable.Range(0, 10).Select(_ => Hub.Spawn(() => Hub.Offload(() =>
            {
                all.Signal();
                all.Wait();
            }))).ToArray()),
            options);
        Assert.True(SpinWait.SpinUntil(() => pool.ThreadCount == 0, InHub.Long));
        InHub.Run(() => Assert.Equal(1, Hub.Offload(() => 1)), options); // and others are started
    }

    [Fact]
    public void What_is_offloaded_in_a_hub_on_a_thread_of_the_pool_has_a_thread()
    {
        if (GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            return; // a task there is a thread of its own, and none of the pool
        }

        OffloadPool pool = new(1, TimeSpan.FromMilliseconds(20));
        HubOptions options = new() { OffloadPool = pool };
        int most = 0;
        InHub.Run(
            () => Assert.Equal(3, Hub.Offload(() => Hub.Run(
                () => Hub.Offload(() => Hub.Run(() => Hub.Offload(() =>
                {
                    most = pool.ThreadCount;
                    return 3;
                }), options)), options))),
            options);
        Assert.Equal(3, most);
        Assert.True(SpinWait.SpinUntil(() => pool.ThreadCount <= 1, InHub.Long)); // the limit holds again
    }

    [Theory]
    [InlineData(typeof(OutOfMemoryException))]
    [InlineData(typeof(ThreadStateException))]
    public void A_thread_that_cannot_be_had_delays_what_is_offloaded_and_loses_nothing(Type kind)
    {
        OffloadPool pool = new(20);
        int refused = 0;
        pool.Scheduler.Start = thread =>
        {
            if (Interlocked.Increment(ref refused) is <= 3 or > 5)
            {
                throw kind == typeof(OutOfMemoryException) ? new OutOfMemoryException("No thread.") : NewStartFailure();
            }

            thread.UnsafeStart();
        };
        int done = 0;
        InHub.Run(
            () => Hub.WaitAll(Enumerable.Range(0, 100).Select(_ => Hub.Spawn(() => Hub.Offload(() =>
            {
                Thread.Sleep(10);
                Interlocked.Increment(ref done);
            }))).ToArray()),
            new HubOptions { OffloadPool = pool });
        Assert.Equal(100, done);
        Assert.True(pool.ThreadCount <= 2);
        Assert.True(refused >= 1);
    }

    // The thread of the pool that helps out goes when the queue is empty.
    [Fact]
    public void Where_no_thread_can_be_had_what_comes_later_is_done_too()
    {
        OffloadPool pool = new(20);
        pool.Scheduler.Start = _ => throw new OutOfMemoryException("No thread.");
        int done = 0;
        InHub.Run(
            () =>
            {
                for (int i = 0; i < 20; i++)
                {
                    Hub.Offload(() => Interlocked.Increment(ref done));
                    Hub.Sleep(TimeSpan.FromMilliseconds(i)); // in some rounds it has gone, and no thread is asked for again yet
                }
            },
            new HubOptions { OffloadPool = pool });
        Assert.Equal(20, done);
        Assert.Equal(0, pool.ThreadCount);
    }

    [Fact]
    public void Work_leaves_nothing_to_its_thread()
    {
        OffloadPool pool = new(1);
        InHub.Run(
            () =>
            {
                Hub.Offload(() =>
                {
                    SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
                    Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
                    Thread.CurrentThread.IsBackground = false;
                    Thread.CurrentThread.Interrupt();
                });
                Hub.Offload(() =>
                {
                    Assert.Null(SynchronizationContext.Current);
                    Assert.Equal(ThreadPriority.Normal, Thread.CurrentThread.Priority);
                    Assert.True(Thread.CurrentThread.IsBackground);
                    Thread.Sleep(1); // the interruption has gone
                });
                Assert.Same(TaskScheduler.Default, Hub.Offload(() => TaskScheduler.Current));
                AsyncLocal<int> own = new() { Value = 4 };
                Assert.Equal(4, Hub.Offload(() => own.Value));
            },
            new HubOptions { OffloadPool = pool });
    }

    [Fact]
    public void The_meter_has_the_threads_and_the_queue()
    {
        Dictionary<string, long> seen = [];
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, target) =>
        {
            if (instrument.Name.StartsWith("nativegreenlet.offload.", StringComparison.Ordinal))
            {
                target.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => seen[instrument.Name] = value);
        listener.Start();
        InHub.Run(
            () =>
            {
                using ManualResetEventSlim go = new();
                GreenTask[] tasks = [.. Enumerable.Range(0, 5).Select(_ => Hub.Spawn(() => Hub.Offload(() => go.Wait())))];
                Hub.Sleep(InHub.Tick);
                listener.RecordObservableInstruments();
                go.Set();
                Hub.WaitAll(tasks);
            },
            new HubOptions { OffloadPool = new OffloadPool(1) });
        Assert.True(seen["nativegreenlet.offload.threads"] >= 1);
        Assert.True(seen["nativegreenlet.offload.queue"] >= 4);
    }

    [Fact]
    public void Threads_of_the_pool_that_are_idle_wake_nobody() => Assert.NotNull(Idle());

    [Fact]
    public void Bad_input_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new OffloadPool(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new OffloadPool(1, TimeSpan.FromMilliseconds(-2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new OffloadPool(1, TimeSpan.FromDays(30)));
        Assert.Throws<ArgumentNullException>(() => new HubOptions { OffloadPool = null! });
    }

    // Others may be busy: the pool is the process's. Some time they are not.
    private static int[]? Idle()
    {
        InHub.Run(() => Hub.Offload(() => { }));
        int[]? idle = null;
        SpinWait.SpinUntil(() => (idle = OffloadScheduler.ThreadsIfAllAreIdle()) is not null, InHub.Long);
        return idle;
    }

    private static void Raise(ref int most, int value)
    {
        int before;
        while ((before = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, before) != before)
        {
        }
    }

    private static ThreadStartException NewStartFailure() =>
        (ThreadStartException)System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(typeof(ThreadStartException));
}
