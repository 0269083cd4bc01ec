using System.Runtime.CompilerServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

public class GreenletLocalTests
{
    [Fact]
    public void Every_greenlet_has_its_own_value() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        GreenletLocal<string?> local = new() { Value = "main" };
        List<string?> log = [];
        Greenlet[] greenlets = [.. Enumerable.Range(0, 3).Select(i => new Greenlet(() =>
        {
            log.Add(local.Value);
            local.Value = $"greenlet {i}";
            _ = main.Switch();
            log.Add(local.Value);
            local.Value += "!";
            _ = main.Switch();
            log.Add(local.Value);
        }))];

        for (int turn = 0; turn < 3; turn++)
        {
            foreach (Greenlet greenlet in greenlets)
            {
                _ = greenlet.Switch();
                Assert.Equal("main", local.Value);
            }
        }

        Assert.Equal(
            [null, null, null, "greenlet 0", "greenlet 1", "greenlet 2", "greenlet 0!", "greenlet 1!", "greenlet 2!"],
            log);
    });

    [Fact]
    public void A_child_does_not_inherit_it() => OnThread.Run(() =>
    {
        GreenletLocal<int> local = new() { Value = 1 };

        Assert.Equal((0, false), new Greenlet(() => (local.Value, local.IsValueCreated)).Switch());
        Assert.Equal((1, true), (local.Value, local.IsValueCreated));
    });

    [Fact]
    public void Reading_does_not_create_a_value() => OnThread.Run(() =>
    {
        GreenletLocal<int> local = new();

        Assert.Equal(0, local.Value);
        Assert.False(local.IsValueCreated);
        local.Value = 0;
        Assert.True(local.IsValueCreated);
    });

    [Fact]
    public void It_is_computed_once_in_each_greenlet_that_reads_it() => OnThread.Run(() =>
    {
        List<Greenlet> callers = [];
        GreenletLocal<int> local = new(() =>
        {
            callers.Add(Greenlet.Current);
            return 10 * callers.Count;
        });
        Greenlet greenlet = new(() => (local.IsValueCreated, local.Value, local.Value, local.IsValueCreated));

        Assert.False(local.IsValueCreated);
        Assert.Equal(10, local.Value);
        Assert.Equal((false, 20, 20, true), greenlet.Switch());
        Assert.Equal(10, local.Value);
        Assert.Equal([Greenlet.Current, greenlet], callers);
    });

    [Fact]
    public void What_was_set_is_not_computed() => OnThread.Run(() =>
    {
        GreenletLocal<string?> local = new(() => throw new InvalidTimeZoneException());
        Assert.Throws<InvalidTimeZoneException>(() => local.Value);
        Assert.False(local.IsValueCreated);

        local.Value = null;

        Assert.Null(local.Value);
    });

    [Fact]
    public void Computing_it_may_switch() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        GreenletLocal<object?> local = new(() => main.Switch("computing"));
        Greenlet first = new(() => local.Value);
        Greenlet second = new(() => local.Value);

        Assert.Equal("computing", first.Switch());
        Assert.Equal("computing", second.Switch());
        Assert.Equal("second", second.Switch("second"));
        Assert.Equal("first", first.Switch("first"));
    });

    [Fact]
    public void Computing_it_may_set_it() => OnThread.Run(() =>
    {
        GreenletLocal<int> local = null!;
        local = new GreenletLocal<int>(() =>
        {
            local.Value = 1;
            return 2;
        });

        Assert.Equal(1, local.Value); // what is there first stays
        Assert.Equal(1, local.Value);
    });

    [Fact]
    public void Two_locals_do_not_mix() => OnThread.Run(() =>
    {
        GreenletLocal<int> first = new() { Value = 1 };
        GreenletLocal<int> second = new() { Value = 2 };

        Assert.Equal((1, 2), (first.Value, second.Value));
    });

    [Fact]
    public void Every_thread_has_its_own_main_greenlet() => OnThread.Run(() =>
    {
        using Worker worker = new();
        GreenletLocal<int> local = new() { Value = 1 };

        worker.Do(() =>
        {
            Assert.Equal(0, local.Value);
            local.Value = 2;
        });

        Assert.Equal(1, local.Value);
        Assert.Equal(2, worker.Do(() => local.Value));
    });

    [Fact]
    public void Many_threads_at_once() => OnThread.Run(() =>
    {
        GreenletLocal<int> local = new();
        int mistakes = 0;
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(Use))];

        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        Assert.Equal(0, mistakes);

        void Use()
        {
            Greenlet main = Greenlet.Current;
            Greenlet[] greenlets = [.. Enumerable.Range(0, 50).Select(i => new Greenlet(() =>
            {
                local.Value = i;
                for (int turn = 0; turn < 20; turn++)
                {
                    _ = main.Switch();
                    if (local.Value != i + turn)
                    {
                        _ = Interlocked.Increment(ref mistakes);
                    }

                    local.Value++;
                }
            }))];
            for (int turn = 0; turn < 21; turn++)
            {
                Array.ForEach(greenlets, greenlet => greenlet.Switch());
            }
        }
    });

    [Fact]
    public void The_value_goes_with_its_greenlet() => OnThread.Run(() =>
    {
        GreenletLocal<object> local = new();

        WeakReference<object> value = Use(local);

        Collector.AssertCollected(value, "the value of a dead greenlet that nobody refers to");
        GC.KeepAlive(local);

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        static WeakReference<object> Use(GreenletLocal<object> local)
        {
            WeakReference<object> value = null!;
            _ = new Greenlet(() =>
            {
                local.Value = new object();
                value = new WeakReference<object>(local.Value);
            }).Switch();
            return value;
        }
    });

    [Fact]
    public void The_value_goes_with_the_local() => OnThread.Run(() =>
    {
        WeakReference<object> value = Use();

        Collector.AssertCollected(value, "the value of a local that nobody refers to");

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        static WeakReference<object> Use()
        {
            GreenletLocal<object> local = new() { Value = new object() };
            return new WeakReference<object>(local.Value);
        }
    });

    [Fact]
    public void A_value_that_refers_to_its_suspended_greenlet_does_not_keep_it_alive() => OnThread.Run(() =>
    {
        GreenletLocal<Greenlet> local = new();
        List<bool> cleanups = [];
        Suspend(local, cleanups);

        Collector.CollectUntil(
            () =>
            {
                _ = Greenlet.Current;
                return cleanups.Count == 1;
            },
            "the greenlet was killed");

        Assert.Equal([true], cleanups); // the value is there to the end

        // Apart, lest the body's own variables keep it alive.
        [MethodImpl(MethodImplOptions.NoInlining)]
        static void SetToCurrent(GreenletLocal<Greenlet> local) => local.Value = Greenlet.Current;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        static void Suspend(GreenletLocal<Greenlet> local, List<bool> cleanups)
        {
            Greenlet main = Greenlet.Current;
            _ = new Greenlet(() =>
            {
                SetToCurrent(local);
                try
                {
                    _ = main.Switch();
                }
                finally
                {
                    cleanups.Add(local.Value == Greenlet.Current);
                }
            }).Switch();
        }
    });

    [Fact]
    public void The_function_is_needed() => Assert.Throws<ArgumentNullException>(() => new GreenletLocal<int>(null!));
}
