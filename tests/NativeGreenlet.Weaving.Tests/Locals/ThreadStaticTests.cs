using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Weaving.Tests.Locals;

/// <summary>Fields with <c>[ThreadStatic]</c> of woven code: each greenlet of a task has its own, a thread outside of tasks has its own.</summary>
public class ThreadStaticTests
{
    // Of 20 values that nobody has: some word of a stack may lead to one, where the collector takes every word for a reference.
    private static int MostAlive => GreenletRuntime.Backend == GreenletBackend.Slices ? 5 : 0;

    private const int Greenlets = 20;

    [ThreadStatic]
    private static int t_number;

    [ThreadStatic]
    private static object? t_object;

    [ThreadStatic]
    private static (int X, string? Name) t_point;

    [ThreadStatic]
    private static volatile int t_volatile;

    [ThreadStatic]
    private static int t_seed;

    [Fact]
    public void Each_task_has_its_own_which_begins_as_the_default() => InHub.Run(() =>
    {
        t_number = 7;
        t_point = (7, "main");
        GreenTask<string>[] tasks = [.. Enumerable.Range(0, Greenlets).Select(i => Hub.Spawn(() =>
        {
            string start = $"{t_number} {t_object is null} {t_point} {t_volatile}";
            t_number = i;
            t_object = $"{i}";
            t_point.X = i;
            t_volatile = i;
            for (int round = 0; round < 3; round++)
            {
                Hub.Yield();
                t_number++;
                t_point.X++;
                t_volatile++;
            }

            return $"{start} / {t_number - i} {t_object} {t_point.X - i} {t_point.Name is null} {t_volatile - i}";
        }))];
        for (int i = 0; i < Greenlets; i++)
        {
            Assert.Equal($"0 True (0, ) 0 / 3 {i} 3 True 3", tasks[i].Result);
        }

        Assert.Equal((7, 7, "main"), (t_number, t_point.X, t_point.Name));
    });

    [Fact]
    public void The_thread_has_its_own_before_and_after_the_hub_and_in_its_callbacks() => InHub.OnThread(() =>
    {
        t_number = 5;
        int inTask = -1;
        int inCallback = -1;
        Hub.Run(() =>
        {
            inTask = t_number;
            t_number = 6;
            using ManualResetEventSlim done = new();
            Hub.Current.Post(() =>
            {
                inCallback = t_number;
                t_number = 50;
                done.Set();
            });
            done.Wait();
            Assert.Equal(6, t_number);
        });

        Assert.Equal((0, 5, 50), (inTask, inCallback, t_number));
    });

    [Fact]
    public void Tasks_of_several_hubs_have_their_own() => InHub.OnThread(() =>
    {
        Task<int>[] runs = [.. Enumerable.Range(1, 4).Select(hub => Task.Factory.StartNew(
            () => Hub.Run(() => SumOf(hub)),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default))];
        Assert.Equal([10, 20, 30, 40], runs.Select(run => run.GetAwaiter().GetResult()));
    });

    [Fact]
    public void Offloaded_code_has_what_its_thread_has() => InHub.Run(() =>
    {
        t_number = 3;
        Assert.NotEqual(3, Hub.Offload(() => t_number));
        Assert.Equal(3, t_number);
    });

    [Fact]
    public void A_reference_stays_the_greenlets_across_waits_and_collections() => InHub.Run(() =>
    {
        GreenTask[] tasks = [.. Enumerable.Range(0, Greenlets).Select(i => Hub.Spawn(() =>
        {
            ref int number = ref t_number;
            ref string? name = ref t_point.Name;
            for (int round = 0; round < 5; round++)
            {
                number += i;
                name += $"{i}";
                Hub.Yield();
                if (i == 0)
                {
                    GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
                }
            }

            Assert.Equal(i * 5, t_number);
            Assert.Equal(string.Concat(Enumerable.Repeat(i, 5)), t_point.Name);
            Grow<int>(8);
            number = -1;
            Assert.True(Unsafe.AreSame(ref number, ref t_number));
            Assert.Equal(-1, t_number);
        }))];
        Hub.WaitAll(tasks);
        Array.ForEach(tasks, task => Assert.Null(task.Exception));
    });

    [Fact]
    public void A_field_of_a_generic_type_is_another_one_for_each_instance() => InHub.Run(() =>
    {
        GreenTask<string>[] tasks = [.. Enumerable.Range(0, Greenlets).Select(i => Hub.Spawn(() =>
        {
            Cache<int>.Value = i;
            Cache<string>.Value = $"{i}";
            Cache<List<int>>.Value = [i];
            Hub.Yield();
            Cache<string>.Nested<int>.Last = i;
            Hub.Yield();
            return $"{Cache<int>.Value} {Cache<string>.Value} {Cache<List<int>>.Value![0]} {Cache<object>.Value is null} {Cache<string>.Nested<int>.Last} {Cache<object>.Nested<int>.Last}";
        }))];
        for (int i = 0; i < Greenlets; i++)
        {
            Assert.Equal($"{i} {i} {i} True {i} 0", tasks[i].Result);
        }
    });

    [Fact]
    public void A_greenlet_that_a_task_started_itself_has_its_own() => InHub.Run(() =>
    {
        t_number = 1;
        Greenlet main = Greenlet.Current;
        Greenlet raw = new(() =>
        {
            int before = t_number;
            t_number = 2;
            main.Switch(before);
            return t_number;
        });
        Assert.Equal(0, raw.Switch());
        Assert.Equal(1, t_number);
        t_number = 3;
        Hub.Yield();
        Assert.Equal(2, raw.Switch());
        Assert.Equal(3, t_number);
    });

    [Fact]
    public void A_value_goes_with_its_task_though_the_task_and_its_greenlet_are_kept() => InHub.Run(() =>
    {
        (GreenTask Task, Greenlet Greenlet, WeakReference Value)[] left = [.. Enumerable.Range(0, 20).Select(_ => Leave())];
        Array.ForEach(left, each => Collect(each.Value));
        Assert.InRange(left.Count(each => each.Value.IsAlive), 0, MostAlive);
        Assert.All(left, each => Assert.True(each.Task.IsCompleted && each.Greenlet.IsDead));
    });

    [Fact]
    public void A_value_goes_with_a_greenlet_that_nobody_has_any_more() => InHub.Run(() =>
    {
        WeakReference[] values = [.. Enumerable.Range(0, 20).Select(_ => LeaveRaw())];
        Array.ForEach(values, Collect);
        Assert.InRange(values.Count(value => value.IsAlive), 0, MostAlive);
    });

    [Fact]
    public void A_value_stays_while_its_task_waits() => InHub.Run(() =>
    {
        using ManualResetEventSlim go = new();
        GreenTask<bool> task = Hub.Spawn(() =>
        {
            t_object = new int[100];
            go.Wait();
            return t_object is int[] { Length: 100 };
        });
        Hub.Yield();
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect();
        go.Set();
        Assert.True(task.Result);
    });

    // As with threads: who comes first has what the initializer made, all others have the default.
    [Fact]
    public void The_first_use_runs_the_static_constructor() => InHub.Run(() =>
    {
        Assert.Equal([1, 0, 0], Enumerable.Range(0, 3).Select(_ => Hub.Spawn(() => Initialized.Value).Result));
        Assert.Equal([1, 0, 0], Enumerable.Range(0, 3).Select(_ => Hub.Spawn(() => Constructed.Value).Result));
        Assert.Equal([1, 0, 0], Enumerable.Range(0, 3).Select(_ => Hub.Spawn(() => Initialized<string>.Value).Result));
        Assert.Equal([1, 0, 0], Enumerable.Range(0, 3).Select(_ => Hub.Spawn(() => Initialized<int>.Value).Result));
    });

    [Fact]
    public void What_is_reached_by_reflection_stays_the_threads() => InHub.Run(() =>
    {
        Reflected.Looked = 4;
        Assert.Equal(GreenletRuntime.Backend == GreenletBackend.Threads ? 0 : 4, Hub.Spawn(() => Reflected.Looked).Result);
        Assert.Equal(4, typeof(Reflected).GetField("Looked")!.GetValue(null));
    });

    [Fact]
    public void Random_programs_have_the_values_that_they_set() => InHub.Run(() =>
    {
        GreenTask[] tasks = [.. Enumerable.Range(0, 50).Select(i => Hub.Spawn(() =>
        {
            Random random = new(i);
            int number = 0;
            int seed = 0;
            string? name = null;
            for (int round = 0; round < 200; round++)
            {
                Assert.Equal((number, seed, name), (t_number, t_seed, (string?)t_object));
                switch (random.Next(4))
                {
                    case 0:
                        t_number = number = random.Next();
                        break;
                    case 1:
                        t_seed += 3;
                        seed += 3;
                        break;
                    case 2:
                        t_object = name = $"{i} {round}";
                        break;
                    default:
                        Hub.Yield();
                        break;
                }
            }
        }))];
        Hub.WaitAll(tasks);
        Array.ForEach(tasks, task => Assert.Null(task.Exception));
    });

    /// <summary>A sum that only tasks with values of their own have right.</summary>
    internal static int SumOf(int hub)
    {
        GreenTask<int>[] tasks = [.. Enumerable.Range(0, 10).Select(_ => Hub.Spawn(() =>
        {
            for (int i = 0; i < hub; i++)
            {
                t_number++;
                Hub.Yield();
            }

            return t_number;
        }))];
        return tasks.Sum(task => task.Result);
    }

    private static void Grow<T>(int depth)
    {
        Cache<T>.Value = default;
        if (depth > 0)
        {
            Grow<(T, T)>(depth - 1);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (GreenTask Task, Greenlet Greenlet, WeakReference Value) Leave()
    {
        WeakReference? reference = null;
        Greenlet? greenlet = null;
        GreenTask task = Hub.Spawn(() =>
        {
            greenlet = Greenlet.Current;
            reference = Keep();
        });
        task.Join();
        return (task, greenlet!, reference!);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference LeaveRaw()
    {
        WeakReference? reference = null;
        Greenlet main = Greenlet.Current;
        Start();
        return reference!;

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Start() => new Greenlet(() =>
        {
            reference = Keep();
            main.Switch();
        }).Switch();
    }

    // The value refers to the greenlet, as it may.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Keep()
    {
        object value = new Tuple<object, Greenlet>(new object(), Greenlet.Current);
        t_object = value;
        return new WeakReference(value);
    }

    private static void Collect(WeakReference value)
    {
        for (int i = 0; i < 20 && value.IsAlive; i++)
        {
            Hub.Yield(); // which kills greenlets that nobody has
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static class Cache<T>
    {
        [ThreadStatic]
        public static T? Value;

        public static class Nested<TOther>
        {
            [ThreadStatic]
            public static TOther? Last;
        }
    }

    [SuppressMessage("Usage", "CA2019:Improper 'ThreadStatic' field initialization", Justification = "The subject.")]
    private static class Initialized
    {
        [ThreadStatic]
        public static int Value = 1;
    }

    [SuppressMessage("Usage", "CA2019:Improper 'ThreadStatic' field initialization", Justification = "The subject.")]
    private static class Initialized<T>
    {
        [ThreadStatic]
        public static int Value = 1;
    }

    private static class Constructed
    {
        [ThreadStatic]
        public static int Value;

        [SuppressMessage("Performance", "CA1810:Initialize reference type static fields inline", Justification = "The subject.")]
        static Constructed()
        {
            Value = 1;
        }
    }

    private static class Reflected
    {
        [ThreadStatic]
        public static int Looked;
    }
}
