using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Weaving.Tests.Locals;

/// <summary>A <see cref="ThreadLocal{T}"/> of woven code does in the tasks of a hub what the original does in threads.</summary>
public class ThreadLocalTests
{
    // Of 20 values that nobody has: some word of a stack may lead to one, where the collector takes every word for a reference.
    private static int MostAlive => GreenletRuntime.Backend == GreenletBackend.Slices ? 5 : 0;

    // Each makes its local by the constructor that it is given, and runs functions by what it is given: in tasks or in threads.
    private static readonly Dictionary<string, Func<Place, string>> s_scenarios = new()
    {
        ["begins as the default"] = place =>
        {
            using ThreadLocal<int> local = place.Make<int>(null, false);
            bool before = local.IsValueCreated;
            return $"{before} {local.Value} {local.IsValueCreated}";
        },
        ["begins as null"] = place =>
        {
            using ThreadLocal<string> local = place.Make<string>(null, false);
            return $"{local.Value is null} {local.IsValueCreated} {Thrown(() => local.ToString())}";
        },
        ["each has its own"] = place =>
        {
            using ThreadLocal<int> local = place.Make<int>(null, false);
            local.Value = 100;
            string others = place.Run(i =>
            {
                local.Value += i;
                place.Yield();
                local.Value += i;
                return $"{local.Value} {local}";
            });
            return $"{others} {local.Value}";
        },
        ["the factory runs once for each"] = place =>
        {
            int calls = 0;
            using ThreadLocal<object> local = place.Make<object>(() => Interlocked.Increment(ref calls), false);
            string others = place.Run(_ =>
            {
                object first = local.Value!;
                place.Yield();
                return $"{ReferenceEquals(first, local.Value)}";
            });
            return $"{others} {local.IsValueCreated} {local.Value} {calls}";
        },
        ["the factory does not run for what was set"] = place =>
        {
            using ThreadLocal<int> local = place.Make<int>(() => throw new FormatException("no"), false);
            local.Value = 3;
            return $"{local.Value} {place.Run(_ => Thrown(() => local.Value) + local.IsValueCreated)}";
        },
        ["the factory waits"] = place =>
        {
            using ThreadLocal<int> local = place.Make(
                () =>
                {
                    place.Yield();
                    return 4;
                },
                false);
            return place.Run(i => $"{local.Value += i}");
        },
        ["the factory asks for the value"] = place =>
        {
            ThreadLocal<int>? local = null;
            int depth = 0;
            local = place.Make(() => depth++ == 0 ? local!.Value + 1 : 7, false);
            string result = $"{Thrown(() => local.Value)} {local.IsValueCreated}";
            local.Dispose();
            return result;
        },
        ["no factory"] = place => Thrown(() => place.Make<int>(null!, null)),
        ["all values"] = place =>
        {
            using ThreadLocal<int> local = place.Make<int>(() => 1000, true);
            string others = place.Run(i =>
            {
                local.Value = i;
                place.Yield();
                return $"{local.Value = i * 10}";
            });
            string before = string.Join(',', local.Values.Order());
            local.Value++;
            return $"{others} {before} {string.Join(',', local.Values.Order())}";
        },
        ["all values, refused"] = place =>
        {
            using ThreadLocal<int> local = place.Make<int>(null, false);
            return Thrown(() => local.Values.Count);
        },
        ["disposed of"] = place =>
        {
            ThreadLocal<int> local = place.Make<int>(() => 1, true);
            string values = place.Run(_ => $"{local.Value}");
            local.Value = 2;
            local.Dispose();
            local.Dispose();
            return $"{values} {Thrown(() => local.Value)} {Thrown(() => local.Value = 3)} {Thrown(() => local.IsValueCreated)} {Thrown(() => local.Values)} {Thrown(() => local.ToString())}";
        },
        ["disposed of while the factory runs"] = place =>
        {
            ThreadLocal<int>? local = null;
            local = place.Make(
                () =>
                {
                    local!.Dispose();
                    return 1;
                },
                false);
            return Thrown(() => local.Value).Split(':')[0];
        },
        ["a structure"] = place =>
        {
            using ThreadLocal<(int, string)> local = place.Make(() => (1, "one"), false);
            return place.Run(i => $"{local.Value} {local.Value = (i, "other")}");
        },
        ["slots"] = place =>
        {
            LocalDataStoreSlot slot = Thread.AllocateDataSlot();
            LocalDataStoreSlot other = Thread.GetNamedDataSlot("woven");
            Thread.SetData(slot, "first");
            string others = place.Run(i =>
            {
                bool isNew = Thread.GetData(slot) is null && Thread.GetData(other) is null;
                Thread.SetData(slot, i);
                Thread.SetData(other, -i);
                place.Yield();
                Thread.SetData(other, (int)Thread.GetData(other)! - 1);
                return $"{isNew} {Thread.GetData(slot)} {Thread.GetData(other)}";
            });
            string result = $"{others} {Thread.GetData(slot)} {Thread.GetData(other) is null} {Thrown(() => Thread.GetData(null!))} {Thrown(() => Thread.SetData(null!, 1))}";
            Thread.FreeNamedDataSlot("woven");
            return result;
        },
    };

    private static bool AreTasksThreads => GreenletRuntime.Backend == GreenletBackend.Threads;

    public static TheoryData<string> Scenarios => [.. s_scenarios.Keys];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void A_local_of_woven_code_does_what_the_original_does(string scenario)
    {
        Func<Place, string> body = s_scenarios[scenario];
        string original = Place.OriginalOnThreads(body);

        Assert.Equal(original, Place.WovenOnThreads(body));
        Assert.Equal(original, Place.WovenInHub(body));
    }

    [Fact]
    public void The_thread_has_its_own_before_and_after_the_hub() => InHub.OnThread(() =>
    {
        using ThreadLocal<int> local = new(() => 1, trackAllValues: true);
        local.Value = 5;
        Hub.Run(() =>
        {
            Assert.Equal(1, local.Value);
            local.Value = 6;
            Assert.Equal([5, 6], local.Values.Order());
        });
        Assert.Equal(5, local.Value);
        Assert.Equal([5, 6], local.Values.Order()); // as of a thread that has ended
    });

    [Fact]
    public void A_local_of_code_that_is_not_woven_stays_the_threads() => InHub.Run(() =>
    {
        using ThreadLocal<int> local = UnwovenTwin.NewLocal<int>(null, trackAllValues: false);
        local.Value = 5;
        int seen = Hub.Spawn(() => local.Value++).Result;
        Assert.Equal(AreTasksThreads ? (0, 5) : (5, 6), (seen, local.Value));
    });

    [Fact]
    public void A_value_goes_with_its_task_though_the_task_and_its_greenlet_are_kept() => InHub.Run(() =>
    {
        using ThreadLocal<object> local = new();
        (GreenTask Task, Greenlet Greenlet, WeakReference Value)[] left = [.. Enumerable.Range(0, 20).Select(_ => Leave(local))];
        Array.ForEach(left, each => Collect(each.Value));
        Assert.InRange(left.Count(each => each.Value.IsAlive), 0, MostAlive);
        Assert.All(left, each => Assert.True(each.Task.IsCompleted && each.Greenlet.IsDead));
        GC.KeepAlive(local);
    });

    [Fact]
    public void A_value_goes_with_its_local_though_the_task_goes_on() => InHub.Run(() =>
    {
        WeakReference[] values = [.. Enumerable.Range(0, 20).Select(_ => Forget())];
        Array.ForEach(values, Collect);
        Assert.InRange(values.Count(value => value.IsAlive), 0, 5); // some, where the collector is conservative
    });

    [Fact]
    public void A_local_of_a_derived_class_stays_the_threads() => InHub.Run(() =>
    {
        using Derived local = new() { Value = 5 };
        Assert.Equal(AreTasksThreads ? 0 : 5, Hub.Spawn(() => local.Value).Result);
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (GreenTask Task, Greenlet Greenlet, WeakReference Value) Leave(ThreadLocal<object> local)
    {
        WeakReference? reference = null;
        Greenlet? greenlet = null;
        GreenTask task = Hub.Spawn(() =>
        {
            greenlet = Greenlet.Current;
            reference = Keep(local);
        });
        task.Join();
        return (task, greenlet!, reference!);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Forget() => Keep(new ThreadLocal<object>());

    // The value refers to its greenlet, as it may. (One that refers to its local keeps that alive, as in the original.)
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Keep(ThreadLocal<object> local)
    {
        object value = new Tuple<object, Greenlet>(new object(), Greenlet.Current);
        local.Value = value;
        return new WeakReference(value);
    }

    private static void Collect(WeakReference value)
    {
        for (int i = 0; i < 20 && value.IsAlive; i++)
        {
            Hub.Yield();
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static string Thrown<T>(Func<T> function)
    {
        try
        {
            return $"{function()}";
        }
        catch (Exception exception)
        {
            return $"{exception.GetType().Name}: {exception.Message}";
        }
    }

    private static string Thrown(Action action) => Thrown(() =>
    {
        action();
        return "ok";
    });

    /// <summary>Where a scenario runs.</summary>
    internal sealed class Place
    {
        private readonly bool _isOriginal;
        private readonly bool _isInHub;

        private Place(bool isOriginal, bool isInHub)
        {
            _isOriginal = isOriginal;
            _isInHub = isInHub;
        }

        public static string OriginalOnThreads(Func<Place, string> scenario) => OnThread(scenario, new Place(isOriginal: true, isInHub: false));

        public static string WovenOnThreads(Func<Place, string> scenario) => OnThread(scenario, new Place(isOriginal: false, isInHub: false));

        public static string WovenInHub(Func<Place, string> scenario)
        {
            string result = string.Empty;
            InHub.Run(() => result = scenario(new Place(isOriginal: false, isInHub: true)));
            return result;
        }

        public ThreadLocal<T> Make<T>(Func<T>? factory, bool? keepsAll)
        {
            if (_isOriginal)
            {
                return UnwovenTwin.NewLocal(factory, keepsAll);
            }

            return (factory, keepsAll) switch
            {
                (null, false) => new ThreadLocal<T>(),
                (null, true) => new ThreadLocal<T>(trackAllValues: true),
                (_, null) => new ThreadLocal<T>(factory!),
                (_, true) => new ThreadLocal<T>(factory, trackAllValues: true),
                _ => new ThreadLocal<T>(factory),
            };
        }

        /// <summary>Runs a function in three tasks or threads that take turns at each <see cref="Yield"/>.</summary>
        public string Run(Func<int, string> function)
        {
            if (_isInHub)
            {
                GreenTask<string>[] tasks = [.. Enumerable.Range(1, 3).Select(i => Hub.Spawn(() => function(i)))];
                return string.Join(' ', tasks.Select(task => task.Result));
            }

            string[] results = new string[3];
            Thread[] threads = [.. Enumerable.Range(1, 3).Select(i => new Thread(() => results[i - 1] = function(i)))];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            return string.Join(' ', results);
        }

        public void Yield()
        {
            if (_isInHub)
            {
                Hub.Yield();
            }
        }

        private static string OnThread(Func<Place, string> scenario, Place place)
        {
            string result = string.Empty;
            InHub.OnThread(() => result = scenario(place));
            return result;
        }
    }

    private sealed class Derived : ThreadLocal<int>
    {
    }
}
