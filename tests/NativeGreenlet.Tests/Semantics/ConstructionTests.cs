using System.Runtime.CompilerServices;
using System.Runtime.Serialization;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Section 1 of the table: rows 1 to 20.</summary>
public class ConstructionTests
{
    [Fact]
    [FeatureRow(1)]
    public void Every_constructor_creates_without_running() => OnThread.Run(() =>
    {
        List<string> ran = [];
        Greenlet[] greenlets =
        [
            new(value =>
            {
                ran.Add("function of a value");
                return value;
            }),
            new(() =>
            {
                ran.Add("function");
                return "result";
            }),
            new(() => ran.Add("action")),
            new(
                value =>
                {
                    ran.Add("with options");
                    return value;
                },
                new GreenletOptions()),
        ];

        Assert.Empty(ran);
        Assert.All(greenlets, greenlet => Assert.Equal(GreenletState.Unstarted, greenlet.State));

        object?[] results = [.. greenlets.Select(greenlet => greenlet.Switch("value"))];

        Assert.Equal(["function of a value", "function", "action", "with options"], ran);
        Assert.Equal(["value", "result", null, "value"], results);
    });

    [Fact]
    [FeatureRow(1)]
    public void Body_and_parent_can_be_named() => OnThread.Run(() =>
    {
        Greenlet other = new(() => { });

        Greenlet greenlet = new(parent: other, run: value => value);

        Assert.Same(other, greenlet.Parent);
    });

    [Fact]
    [FeatureRow(1, 5)]
    public void A_missing_body_is_refused_at_construction()
    {
        Assert.Equal("run", Assert.Throws<ArgumentNullException>(() => { _ = new Greenlet((Func<object?, object?>)null!); }).ParamName);
        Assert.Equal("run", Assert.Throws<ArgumentNullException>(() => { _ = new Greenlet((Func<object?>)null!); }).ParamName);
        Assert.Equal("run", Assert.Throws<ArgumentNullException>(() => { _ = new Greenlet((Action)null!); }).ParamName);
        Assert.Equal("run", Assert.Throws<ArgumentNullException>(() => { _ = new Greenlet(null!, new GreenletOptions()); }).ParamName);
        Assert.Equal("options", Assert.Throws<ArgumentNullException>(() => { _ = new Greenlet(value => value, (GreenletOptions)null!); }).ParamName);
    }

    [Fact]
    [FeatureRow(2)]
    public void The_parent_is_the_current_greenlet_unless_given() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet? implicitly = null;
        Greenlet? ofNull = null;
        Greenlet? ofOptions = null;
        Greenlet? explicitly = null;
        Greenlet outer = new(() =>
        {
            implicitly = new Greenlet(() => { });
            ofNull = new Greenlet(() => { }, null);
            ofOptions = new Greenlet(value => value, new GreenletOptions());
            explicitly = new Greenlet(value => value, new GreenletOptions { Parent = main });
        });

        _ = outer.Switch();

        Assert.Same(main, outer.Parent);
        Assert.Same(outer, implicitly!.Parent);
        Assert.Same(outer, ofNull!.Parent);
        Assert.Same(outer, ofOptions!.Parent);
        Assert.Same(main, explicitly!.Parent);
    });

    [Fact]
    [FeatureRow(3, 11)]
    public void Without_a_body_it_fails_at_the_switch_and_stays_unstarted() => OnThread.Run(() =>
    {
        Bodiless greenlet = new();
        Assert.Equal(GreenletState.Unstarted, greenlet.State);

        GreenletException fromSwitch = Expect.Failure(GreenletError.NoRun, () => greenlet.Switch("lost"));
        Expect.Failure(GreenletError.NoRun, () => greenlet.Throw(new InvalidTimeZoneException()));

        Assert.Contains(nameof(Bodiless), fromSwitch.Message, StringComparison.Ordinal);
        Assert.Equal(GreenletState.Unstarted, greenlet.State);
        Assert.Equal(0, greenlet.OwnerThreadId);
    });

    [Fact]
    [FeatureRow(11, 7)]
    public void It_can_be_given_a_body_later() => OnThread.Run(() =>
    {
        LateBody greenlet = new();
        Expect.Failure(GreenletError.NoRun, () => greenlet.Switch());

        greenlet.Body = _ => "replaced";
        greenlet.Body = value => $"began with {value}";
        object? result = greenlet.Switch(5);

        Assert.Equal("began with 5", result);
        Assert.True(greenlet.IsDead);
    });

    [Fact]
    [FeatureRow(11)]
    public void A_lookup_that_finds_nothing_is_a_failed_start() => OnThread.Run(() =>
    {
        LateBody greenlet = new() { ReturnsNull = true };

        Expect.Failure(GreenletError.NoRun, () => greenlet.Switch());

        Assert.Equal(GreenletState.Unstarted, greenlet.State);
    });

    [Fact]
    [FeatureRow(8)]
    public void What_the_body_captured_is_released_when_it_ends() => OnThread.Run(() =>
    {
        (Greenlet greenlet, WeakReference<object> captured) = Create();
        _ = greenlet.Switch();
        Assert.True(greenlet.IsDead);

        Collector.AssertCollected(captured, "what the body captured, while the dead greenlet is still referred to");
        GC.KeepAlive(greenlet);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (Greenlet Greenlet, WeakReference<object> Captured) Create()
        {
            object captured = new();
            return (new Greenlet(() => captured.GetHashCode()), new WeakReference<object>(captured));
        }
    });

    [Theory]
    [InlineData("dispose")]
    [InlineData("throw")]
    [FeatureRow(8)]
    public void What_the_body_captured_is_released_when_it_will_never_run(string way) => OnThread.Run(() =>
    {
        (Greenlet greenlet, WeakReference<object> captured) = Create();
        if (way == "dispose")
        {
            greenlet.Dispose();
        }
        else
        {
            _ = greenlet.Throw();
        }

        Assert.True(greenlet.IsDead);
        Collector.AssertCollected(captured, "what the body captured, while the dead greenlet is still referred to");
        GC.KeepAlive(greenlet);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (Greenlet Greenlet, WeakReference<object> Captured) Create()
        {
            object captured = new();
            return (new Greenlet(() => captured.GetHashCode()), new WeakReference<object>(captured));
        }
    });

    [FactOn(Backends.Segments | Backends.Threads, Because = "What a stack refers to", Optimized = true)]
    [FeatureRow(8)]
    public void The_delegate_is_dropped_at_the_start() => OnThread.Run(() =>
    {
        (Greenlet greenlet, WeakReference<BodyWithState> body) = Create();

        _ = greenlet.Switch();
        Assert.Equal(GreenletState.Suspended, greenlet.State);

        Collector.AssertCollected(body, "the object whose method is the body, which that no longer uses");
        Assert.Equal("done", greenlet.Switch());

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (Greenlet Greenlet, WeakReference<BodyWithState> Body) Create()
        {
            BodyWithState body = new();
            return (new Greenlet(body.Run), new WeakReference<BodyWithState>(body));
        }
    });

    [Fact]
    [FeatureRow(12)]
    public void A_first_value_that_does_not_fit_surfaces_in_the_parent() => OnThread.Run(() =>
    {
        Greenlet greenlet = new(value => ((string)value!).Length);

        Assert.Throws<InvalidCastException>(() => greenlet.Switch(5));

        Assert.True(greenlet.IsDead);
    });

    [Fact]
    [FeatureRow(13, 16)]
    public void A_derived_class_overrides_Run_and_has_members_of_its_own() => OnThread.Run(() =>
    {
        Summer greenlet = new();

        object?[] sums = [greenlet.Switch(1), greenlet.Switch(2), greenlet.Switch(3)];

        Assert.Equal([1, 3, 6], sums);
        Assert.Equal(6, greenlet.Sum);
    });

    [Fact]
    [FeatureRow(13)]
    public void A_derived_class_may_pass_a_body_to_the_base() => OnThread.Run(() =>
    {
        Tagged greenlet = new(() => ((Tagged)Greenlet.Current).Tag) { Tag = "mine" };

        Assert.Equal("mine", greenlet.Switch());
    });

    [Fact]
    [FeatureRow(14)]
    public void An_abstract_class_may_stand_between() => OnThread.Run(() =>
    {
        Shape greenlet = new Square(3);

        Assert.Equal(9, greenlet.Switch());
    });

    [Fact]
    [FeatureRow(15)]
    public void The_body_is_looked_up_once_at_the_first_start_by_whoever_switches() => OnThread.Run(() =>
    {
        CountingLookup greenlet = new();
        Assert.Equal(0, greenlet.Lookups);

        object?[] results = [greenlet.Switch("a"), greenlet.Switch("b"), greenlet.Switch("c")];

        Assert.Equal(["a", "b", "c"], results);
        Assert.Equal(1, greenlet.Lookups);
        Assert.Same(Greenlet.Current, greenlet.LookedUpBy);
    });

    [Fact]
    [FeatureRow(15)]
    public void The_lookup_may_switch_elsewhere() => OnThread.Run(() =>
    {
        List<string> log = [];
        Greenlet helper = new(() => log.Add("helper"));
        LateBody greenlet = new()
        {
            OnLookup = () => helper.Switch(),
            Body = value =>
            {
                log.Add($"body {value}");
                return null;
            },
        };

        _ = greenlet.Switch("x");

        Assert.Equal(["helper", "body x"], log);
    });

    [Fact]
    [FeatureRow(15)]
    public void A_start_that_fails_after_the_lookup_can_be_repeated() => OnThread.Run(() =>
    {
        LateBody greenlet = new() { OnLookup = () => throw new InvalidTimeZoneException(), Body = _ => "ran" };
        Assert.Throws<InvalidTimeZoneException>(() => greenlet.Switch());
        Assert.Equal(GreenletState.Unstarted, greenlet.State);

        greenlet.OnLookup = null;

        Assert.Equal("ran", greenlet.Switch());
    });

    [Fact]
    [FeatureRow(18)]
    public void A_greenlet_can_be_neither_copied_nor_serialized()
    {
        Assert.False(typeof(ICloneable).IsAssignableFrom(typeof(Greenlet)));
        Assert.False(typeof(ISerializable).IsAssignableFrom(typeof(Greenlet)));
    }

    [Fact]
    [FeatureRow(19)]
    public void A_weak_reference_to_a_greenlet_works() => OnThread.Run(() =>
    {
        Greenlet kept = new(() => { });
        WeakReference<Greenlet> toKept = new(kept);
        WeakReference<Greenlet> toDropped = Drop();

        Collector.AssertCollected(toDropped, "a greenlet that nobody refers to");

        Assert.True(toKept.TryGetTarget(out Greenlet? found));
        Assert.Same(kept, found);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference<Greenlet> Drop() => new(new Greenlet(() => { }));
    });

    [Fact]
    public void Options_are_copied() => OnThread.Run(() =>
    {
        GreenletOptions options = new() { Name = "first", Parent = Greenlet.Current };
        Greenlet greenlet = new(value => value, options);

        options.Name = "second";
        options.Parent = new Greenlet(() => { });

        Assert.Equal("first", greenlet.Name);
        Assert.Same(Greenlet.Current, greenlet.Parent);
    });

    [Theory]
    [InlineData(-1)]
    [InlineData((1 << 30) + 1)]
    public void A_stack_size_out_of_range_is_refused(int size) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new GreenletOptions { StackSize = size });

    private sealed class Bodiless : Greenlet;

    private sealed class LateBody : Greenlet
    {
        public Func<object?, object?>? Body { get; set; }

        public Action? OnLookup { get; set; }

        public bool ReturnsNull { get; init; }

        protected override Func<object?, object?> GetRun()
        {
            OnLookup?.Invoke();
            return ReturnsNull ? null! : Body ?? base.GetRun();
        }
    }

    private sealed class Summer : Greenlet
    {
        public int Sum { get; private set; }

        protected override object? Run(object? value)
        {
            while (true)
            {
                Sum += (int)value!;
                value = Parent!.Switch(Sum);
            }
        }
    }

    private sealed class Tagged(Func<object?> run) : Greenlet(run)
    {
        public string? Tag { get; init; }
    }

    private abstract class Shape : Greenlet
    {
        protected abstract override object? Run(object? value);
    }

    private sealed class Square(int side) : Shape
    {
        protected override object? Run(object? value) => side * side;
    }

    private sealed class CountingLookup : Greenlet
    {
        public int Lookups { get; private set; }

        public Greenlet? LookedUpBy { get; private set; }

        protected override Func<object?, object?> GetRun()
        {
            Lookups++;
            LookedUpBy = Current;
            return base.GetRun();
        }

        protected override object? Run(object? value)
        {
            while (true)
            {
                value = Parent!.Switch(value);
            }
        }
    }

    private sealed class BodyWithState
    {
        private readonly Greenlet _main = Greenlet.Current;

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public object? Run()
        {
            _ = _main.Switch();
            return "done";
        }
    }
}
