using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Section 3 of the table: rows 32 to 53.</summary>
public class SwitchingTests
{
    [Fact]
    [FeatureRow(32)]
    public void Nothing_switches_by_itself() => OnThread.Run(() =>
    {
        List<string> events = [];
        Greenlet main = Greenlet.Current;
        Greenlet busy = new(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                _ = new byte[100_000];
                Collector.Collect();
                Thread.Sleep(1);
                Assert.Same(Greenlet.Current, Greenlet.Current);
            }
        });
        _ = Greenlet.SetTrace((kind, origin, target) => events.Add($"{kind} {(origin == main ? "main" : "busy")}"));

        _ = busy.Switch();

        Assert.Equal(["Switch main", "Switch busy"], events);
    });

    [Fact]
    [FeatureRow(33, 34, 41)]
    public void A_switch_starts_or_resumes_and_returns_what_the_caller_is_resumed_with() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<object?> log = [];
        Greenlet greenlet = new(value =>
        {
            log.Add(("body got", value));
            log.Add(("switch got", main.Switch("out 1")));
            log.Add(("switch got", main.Switch("out 2")));
            return "result";
        });

        log.Add(("main got", greenlet.Switch("in 1")));
        log.Add(("main got", greenlet.Switch("in 2")));
        log.Add(("main got", greenlet.Switch("in 3")));

        Assert.Equal(
            [
                ("body got", "in 1"),
                ("main got", "out 1"),
                ("switch got", "in 2"),
                ("main got", "out 2"),
                ("switch got", "in 3"),
                ("main got", "result"),
            ],
            log.Cast<(string, object?)>());
    });

    [Fact]
    [FeatureRow(41)]
    public void What_a_switcher_receives_may_come_from_a_third_greenlet() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet second = new(_ => main.Switch("from second"));
        Greenlet first = new(_ => second.Switch("for second"));

        Assert.Equal("from second", first.Switch("for first"));
        Assert.Equal([GreenletState.Suspended, GreenletState.Suspended], new[] { first.State, second.State });
    });

    [Fact]
    [FeatureRow(35)]
    public void Without_a_value_null_is_sent() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<object?> received = [];
        Greenlet greenlet = new(value =>
        {
            received.Add(value);
            received.Add(main.Switch());
            return null;
        });

        received.Add(greenlet.Switch());
        received.Add(greenlet.Switch());

        Assert.Equal([null, null, null, null], received);
    });

    [Fact]
    [FeatureRow(36, 37)]
    public void A_value_arrives_as_the_same_object_tuples_included() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        object?[] values = [new object(), (1, "two"), ValueTuple.Create(1), default(ValueTuple), Array.Empty<object>(), new object[] { 1 }, "text", null, 7];
        Greenlet echo = new(value =>
        {
            while (true)
            {
                value = main.Switch(value);
            }
        });

        foreach (object? value in values)
        {
            Greenlet returning = new(_ => value);

            Assert.Same(value, echo.Switch(value));
            Assert.Same(value, returning.Switch());
        }
    });

    [Fact]
    [FeatureRow(38)]
    public void Switching_to_oneself_returns_the_value_at_once() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        object? inside = null;
        Greenlet greenlet = null!;
        greenlet = new Greenlet(() => inside = greenlet.Switch("self"));

        object? outside = main.Switch("main");
        _ = greenlet.Switch();

        Assert.Equal("main", outside);
        Assert.Equal("self", inside);
    });

    [Fact]
    [FeatureRow(39)]
    public void A_dead_greenlet_stands_for_its_nearest_living_ancestor() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<object?> received = [];
        Greenlet living = new(value =>
        {
            received.Add(value);
            while (true)
            {
                received.Add(main.Switch("from living"));
            }
        });
        Greenlet middle = new(() => "middle ended", living);
        Greenlet leaf = new(() => "leaf ended", middle);
        _ = leaf.Switch(); // its result starts middle, whose result starts living
        Assert.True(leaf.IsDead);
        Assert.True(middle.IsDead);

        object? result = leaf.Switch("for leaf");

        Assert.Equal("from living", result);
        Assert.Equal(["middle ended", "for leaf"], received);
    });

    [Fact]
    [FeatureRow(39)]
    public void A_dead_child_of_main_stands_for_main() => OnThread.Run(() =>
    {
        Greenlet dead = new(() => { });
        _ = dead.Switch();
        Greenlet other = new(() => dead.Switch("from other"));

        Assert.Equal("at once", dead.Switch("at once"));
        Assert.Equal("from other", other.Switch());
        Assert.Equal(GreenletState.Suspended, other.State);
    });

    [Fact]
    [FeatureRow(40)]
    public void A_dead_greenlet_honours_a_new_parent_and_starts_it() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<object?> received = [];
        Greenlet dead = new(() => { });
        _ = dead.Switch();
        Greenlet heir = new(value =>
        {
            received.Add(value);
            received.Add(main.Switch("heir began"));
            return "heir ended";
        });

        dead.Parent = heir;
        object?[] results = [dead.Switch("first"), dead.Switch("second"), dead.Switch("third")];

        Assert.Equal(["first", "second"], received);
        Assert.Equal(["heir began", "heir ended", "third"], results);
    });

    [Fact]
    [FeatureRow(42)]
    public void A_value_survives_the_death_of_its_sender() => OnThread.Run(() =>
    {
        WeakReference<Greenlet> sender = new(null!);
        int collections = 0;
        _ = Greenlet.SetTrace((_, _, _) =>
        {
            Collector.Collect();
            collections++;
        });

        object? result = Send(sender);

        Assert.Equal("a value that only the transfer held", result!.ToString());
        Assert.Equal(2, collections);
        _ = Greenlet.SetTrace(null);
        Collector.AssertCollected(sender, "the sender");

        [MethodImpl(MethodImplOptions.NoInlining)]
        static object? Send(WeakReference<Greenlet> sender)
        {
            Greenlet greenlet = new(() => new System.Text.StringBuilder("a value that only the transfer held"));
            sender.SetTarget(greenlet);
            return greenlet.Switch();
        }
    });

    [Fact]
    [FeatureRow(43)]
    public void A_tracer_that_switches_does_not_disturb_what_is_in_flight() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<object?> received = [];
        Greenlet helper = new(value =>
        {
            while (true)
            {
                value = Greenlet.Current.Parent!.Switch($"helped {value}");
            }
        });
        Greenlet greenlet = new(value =>
        {
            received.Add(value);
            received.Add(main.Switch("out"));
            return "end";
        });
        bool isNested = false;
        _ = Greenlet.SetTrace((_, _, target) =>
        {
            if (!isNested)
            {
                isNested = true;
                helper.Parent = target;
                Assert.Equal("helped nested", helper.Switch("nested"));
                isNested = false;
            }
        });

        object?[] results = [greenlet.Switch("in 1"), greenlet.Switch("in 2")];

        Assert.Equal(["in 1", "in 2"], received);
        Assert.Equal(["out", "end"], results);
    });

    [Fact]
    [FeatureRow(43)]
    public void An_exception_in_flight_is_not_disturbed_by_a_tracer_that_switches() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<object?> received = [];
        Greenlet helper = new(value =>
        {
            while (true)
            {
                value = Greenlet.Current.Parent!.Switch(value);
            }
        });
        Greenlet greenlet = new(() =>
        {
            try
            {
                received.Add(main.Switch());
            }
            catch (InvalidTimeZoneException exception)
            {
                received.Add(exception.Message);
            }
        });
        _ = greenlet.Switch();
        bool isNested = false;
        _ = Greenlet.SetTrace((_, _, target) =>
        {
            if (!isNested)
            {
                isNested = true;
                helper.Parent = target;
                Assert.Equal("nested", helper.Switch("nested"));
                isNested = false;
            }
        });

        object? result = greenlet.Throw(new InvalidTimeZoneException("in flight"));

        Assert.Null(result);
        Assert.Equal(["in flight"], received);
    });

    [Fact]
    [FeatureRow(43)]
    public void A_handler_of_changed_context_values_that_switches_does_not_disturb_what_is_in_flight() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet helper = new(
            value =>
            {
                while (true)
                {
                    value = Greenlet.Current.Parent!.Switch(value);
                }
            });
        List<object?> nested = [];
        bool isNested = false;
        AsyncLocal<string?> local = new(change =>
        {
            if (change.ThreadContextChanged && !isNested)
            {
                isNested = true;
                helper.Parent = Greenlet.Current;
                nested.Add(helper.Switch("nested")); // nothing may be thrown here: the runtime would end the process
                isNested = false;
            }
        });
        List<object?> received = [];
        local.Value = "main's";
        Greenlet greenlet = new(value =>
        {
            local.Value = "greenlet's";
            received.Add(value);
            received.Add(main.Switch("out"));
            return "end";
        });

        object?[] results = [greenlet.Switch("in 1"), greenlet.Switch("in 2")];

        Assert.Equal(["in 1", "in 2"], received);
        Assert.Equal(["out", "end"], results);
        Assert.NotEmpty(nested);
        Assert.All(nested, value => Assert.Equal("nested", value));
        Assert.Equal("main's", local.Value);
    });

    [Fact]
    [FeatureRow(44)]
    public void Delivered_values_are_not_kept_alive() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet sink = new(() =>
        {
            while (true)
            {
                Receive(main);
            }
        });
        _ = sink.Switch();
        List<WeakReference<object>> values = [];
        for (int i = 0; i < 100; i++)
        {
            Send(sink, values);
        }

        _ = sink.Switch(); // a suspended frame may refer to what it sent last
        Collector.CollectUntil(() => values.TrueForAll(value => !value.TryGetTarget(out _)), "all values were collected");
        Assert.Equal(200, values.Count);
        Assert.Equal(GreenletState.Suspended, sink.State);
        sink.Dispose();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Receive(Greenlet main) => _ = main.Switch(new object());

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Send(Greenlet sink, List<WeakReference<object>> values)
        {
            object value = new();
            object? answer = sink.Switch(value);
            values.Add(new WeakReference<object>(value));
            values.Add(new WeakReference<object>(answer!));
        }
    });

    [OptimizedFact]
    [FeatureRow(44)]
    public void Delivered_exceptions_first_values_and_results_are_not_kept_alive() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        (Greenlet sink, WeakReference<object>[] values) = Send(main);
        Assert.Throws<FormatException>(() => main.Throw(new FormatException())); // the runtime remembers the last one itself

        Collector.CollectUntil(() => Array.TrueForAll(values, value => !value.TryGetTarget(out _)), "first value, exception and result were collected");
        Assert.Equal(GreenletState.Suspended, sink.State);
        sink.Dispose();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (Greenlet Sink, WeakReference<object>[] Values) Send(Greenlet main)
        {
            object first = new();
            Exception thrown = new InvalidTimeZoneException();
            Greenlet sink = new([MethodImpl(MethodImplOptions.AggressiveOptimization)] (_) => Swallow(main));
            _ = sink.Switch(first);
            _ = sink.Throw(thrown);
            object? result = new Greenlet(_ => new object()).Switch();
            return (sink, [new WeakReference<object>(first), new WeakReference<object>(thrown), new WeakReference<object>(result!)]);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static object? Swallow(Greenlet main)
        {
            SwallowOne(main);
            return main.Switch();
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void SwallowOne(Greenlet main)
        {
            try
            {
                _ = main.Switch();
            }
            catch (InvalidTimeZoneException)
            {
            }
        }
    });

    [Fact]
    [FeatureRow(46)]
    public void A_start_during_the_lookup_of_the_body_turns_the_outer_start_into_a_switch() => OnThread.Run(() =>
    {
        StartsItself greenlet = new();

        object? outer = greenlet.Switch("outer");

        Assert.Equal("inner", outer); // the body answers everything with what it received first
        Assert.Equal(["inner", "outer"], greenlet.Received);
        Assert.Equal("inner", greenlet.ReceivedByLookup);
        Assert.Equal(GreenletState.Suspended, greenlet.State);
    });

    [Fact]
    [FeatureRow(46)]
    public void A_greenlet_that_lives_and_dies_during_the_lookup_is_climbed_over() => OnThread.Run(() =>
    {
        LivesDuringLookup greenlet = new();

        object? outer = greenlet.Switch("outer");

        Assert.Equal("outer", outer); // dead by now: its parent, the caller, gets the value
        Assert.Equal(["inner"], greenlet.Received);
        Assert.True(greenlet.IsDead);
    });

    [FactOn(Backends.Segments, Because = "Limits of stacks")]
    [FeatureRow(47)]
    public void When_stacks_run_out_the_target_stays_unstarted_and_usable() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        GreenletOptions huge = new() { StackSize = 1 << 30 };
        Stack<Greenlet> started = new();
        Greenlet last;
        GreenletException? failure = null;
        do
        {
            last = new Greenlet(value => main.Switch(value), huge);
            try
            {
                _ = last.Switch();
                started.Push(last);
            }
            catch (GreenletException exception)
            {
                failure = exception;
            }
        }
        while (failure is null && started.Count < 10_000);

        Assert.NotNull(failure);
        Assert.Equal(GreenletError.OutOfStacks, failure.Reason);
        Assert.Equal(GreenletState.Unstarted, last.State);
        Assert.Equal(0, last.OwnerThreadId);
        Assert.Equal(GreenletState.Running, main.State);
        Assert.Same(main, Greenlet.Current);

        started.Pop().Dispose();
        object? result = last.Switch("now it starts");

        Assert.Equal("now it starts", result);
        last.Dispose();
        foreach (Greenlet each in started)
        {
            each.Dispose();
        }
    });

    [Fact]
    [FeatureRow(49, 50)]
    public unsafe void Native_frames_may_be_on_the_stacks_of_both_sides() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        int[][] numbers = [[3, 1, 2, 9, 4, 7, 8], [20, 30, 10, 60, 50, 40, 0], [5, 4, 3, 2, 1, 0, -1]];
        Greenlet[] sorters = [.. numbers.Select(each => new Greenlet(() => Sort(each)))];
        int switches = 0;

        while (Array.Exists(sorters, sorter => !sorter.IsDead))
        {
            foreach (Greenlet sorter in sorters)
            {
                if (!sorter.IsDead)
                {
                    _ = sorter.Switch();
                    switches++;
                    Collector.Collect();
                }
            }
        }

        Assert.Equal([1, 2, 3, 4, 7, 8, 9], numbers[0]);
        Assert.Equal([0, 10, 20, 30, 40, 50, 60], numbers[1]);
        Assert.Equal([-1, 0, 1, 2, 3, 4, 5], numbers[2]);
        Assert.True(switches > 3 * 6, $"{switches} switches out of native callbacks");
    });

    [FactOn(Backends.Segments | Backends.Threads, Because = "Depth of recursion")]
    [FeatureRow(52)]
    public void Each_stack_has_its_own_limit_of_recursion() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<(bool AtEntry, int Depth)> seen = [];
        Greenlet Deep(int stackSize) => new(
            _ =>
            {
                bool atEntry = RuntimeHelpers.TryEnsureSufficientExecutionStack();
                int depth = 0;
                Descend(ref depth, () => main.Switch());
                seen.Add((atEntry, depth));
                return null;
            },
            new GreenletOptions { StackSize = stackSize });
        Greenlet[] greenlets = [Deep(0), Deep(0), Deep(4 << 20)];

        foreach (Greenlet greenlet in greenlets)
        {
            _ = greenlet.Switch(); // each suspended at its deepest
            Assert.True(RuntimeHelpers.TryEnsureSufficientExecutionStack());
        }

        foreach (Greenlet greenlet in greenlets)
        {
            _ = greenlet.Switch();
        }

        Assert.All(seen, each => Assert.True(each.AtEntry));
        Assert.True(seen[0].Depth > 1_000, $"{seen[0].Depth} levels on a default stack");
        Assert.True(Math.Abs(seen[0].Depth - seen[1].Depth) < seen[0].Depth / 2, $"{seen[0].Depth} and {seen[1].Depth} levels");
        Assert.True(seen[2].Depth > 3 * seen[1].Depth, $"{seen[2].Depth} levels on four times the stack");
    });

    [Fact]
    public void Many_greenlets_take_turns_in_any_order() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Random random = new(7);
        Greenlet[] adders = [.. Enumerable.Range(0, 200).Select(_ => new Greenlet(value =>
        {
            int sum = 0;
            while (true)
            {
                sum += (int)value!;
                value = main.Switch(sum);
            }
        }))];
        int[] expected = new int[adders.Length];
        for (int i = 0; i < 20_000; i++)
        {
            int which = random.Next(adders.Length);
            expected[which] += i;

            Assert.Equal(expected[which], adders[which].Switch(i));
        }

        foreach (Greenlet adder in adders)
        {
            adder.Dispose();
        }
    });

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void Descend(ref int depth, Action atTheEnd)
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            atTheEnd();
            return;
        }

        depth++;
        Descend(ref depth, atTheEnd);
    }

    private static unsafe void Sort(int[] numbers)
    {
        fixed (int* first = numbers)
        {
            if (OperatingSystem.IsWindows())
            {
                QuickSortOfWindows(first, (nuint)numbers.Length, sizeof(int), &Compare);
            }
            else
            {
                QuickSort(first, (nuint)numbers.Length, sizeof(int), &Compare);
            }
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int Compare(int* left, int* right)
    {
        _ = Greenlet.Current.Parent!.Switch();
        return left->CompareTo(*right);
    }

    [DllImport("libc", EntryPoint = "qsort")]
    private static extern unsafe void QuickSort(void* first, nuint count, nuint size, delegate* unmanaged[Cdecl]<int*, int*, int> compare);

    [DllImport("msvcrt", EntryPoint = "qsort", CallingConvention = CallingConvention.Cdecl)]
    private static extern unsafe void QuickSortOfWindows(void* first, nuint count, nuint size, delegate* unmanaged[Cdecl]<int*, int*, int> compare);

    private sealed class StartsItself : Greenlet
    {
        private bool _hasStarted;

        public List<object?> Received { get; } = [];

        public object? ReceivedByLookup { get; private set; }

        protected override Func<object?, object?> GetRun()
        {
            if (!_hasStarted)
            {
                _hasStarted = true;
                ReceivedByLookup = Switch("inner");
            }

            return base.GetRun();
        }

        protected override object? Run(object? value)
        {
            while (true)
            {
                Received.Add(value);
                value = Parent!.Switch(Received[0]);
            }
        }
    }

    private sealed class LivesDuringLookup : Greenlet
    {
        private bool _hasStarted;

        public List<object?> Received { get; } = [];

        protected override Func<object?, object?> GetRun()
        {
            if (!_hasStarted)
            {
                _hasStarted = true;
                _ = Switch("inner");
            }

            return base.GetRun();
        }

        protected override object? Run(object? value)
        {
            Received.Add(value);
            return null;
        }
    }
}
