using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Section 5 of the table: rows 67 to 80.</summary>
public class ExceptionTests
{
    [Fact]
    [FeatureRow(67)]
    public void An_uncaught_exception_is_raised_in_the_parent_as_the_same_object() => OnThread.Run(() =>
    {
        InvalidTimeZoneException thrown = new("from inside");
        Greenlet greenlet = new(() => throw thrown);

        InvalidTimeZoneException caught = Assert.Throws<InvalidTimeZoneException>(() => greenlet.Switch());

        Assert.Same(thrown, caught);
        Assert.True(greenlet.IsDead);
    });

    [Fact]
    [FeatureRow(67)]
    public void An_exception_keeps_its_stack_trace_across_greenlets() => OnThread.Run(() =>
    {
        Greenlet outer = new(() => AwaitChild(new Greenlet(FailInside)));

        InvalidTimeZoneException caught = Assert.Throws<InvalidTimeZoneException>(() => outer.Switch());

        string trace = caught.StackTrace!;
        int[] places =
        [
            trace.IndexOf(nameof(ThrowDeepInside), StringComparison.Ordinal),
            trace.IndexOf(nameof(FailInside), StringComparison.Ordinal),
            trace.IndexOf(nameof(AwaitChild), StringComparison.Ordinal),
        ];
        Assert.True(places[0] >= 0 && places.Order().SequenceEqual(places), trace);
        Assert.Contains(".cs:line", trace, StringComparison.Ordinal);
    });

    [Fact]
    [FeatureRow(67)]
    public void The_same_exception_may_pass_through_many_greenlets() => OnThread.Run(() =>
    {
        InvalidTimeZoneException thrown = new();
        List<int> finallies = [];
        Action body = () => throw thrown;
        for (int i = 0; i < 50; i++)
        {
            int level = i;
            Action inner = body;
            body = () =>
            {
                try
                {
                    _ = new Greenlet(inner).Switch();
                }
                finally
                {
                    finallies.Add(level);
                }
            };
        }

        InvalidTimeZoneException caught = Assert.Throws<InvalidTimeZoneException>(() => new Greenlet(body).Switch());

        Assert.Same(thrown, caught);
        Assert.Equal(Enumerable.Range(0, 50), finallies);
    });

    [Fact]
    [FeatureRow(68)]
    public void An_uncaught_GreenletExit_is_returned_to_the_parent() => OnThread.Run(() =>
    {
        GreenletExit exit = new("enough");
        SpecialExit special = new();

        Assert.Same(exit, new Greenlet(() => throw exit).Switch());
        Assert.Same(special, new Greenlet(() => throw special).Switch());
    });

    [Fact]
    [FeatureRow(69)]
    public void Throw_without_an_exception_raises_GreenletExit() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Exception? seen = null;
        Greenlet greenlet = new(() =>
        {
            try
            {
                _ = main.Switch();
            }
            catch (Exception exception)
            {
                seen = exception;
                throw;
            }
        });
        _ = greenlet.Switch();

        object? result = greenlet.Throw();

        Assert.IsType<GreenletExit>(seen);
        Assert.Same(seen, result);
        Assert.True(greenlet.IsDead);
    });

    [Fact]
    [FeatureRow(69, 77)]
    public void Throw_raises_the_given_exception_where_the_greenlet_is_suspended() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<object?> log = [];
        Greenlet greenlet = new(() => RunUntilThrown(main, log));
        _ = greenlet.Switch();
        InvalidTimeZoneException thrown = new("hello");

        object? result = greenlet.Throw(thrown);
        object? end = greenlet.Switch("go on");

        Assert.Equal("caught", result);
        Assert.Equal("ended", end);
        Assert.Equal([thrown, "go on"], log);
        Assert.Contains(nameof(RunUntilThrown), thrown.StackTrace, StringComparison.Ordinal);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static object? RunUntilThrown(Greenlet main, List<object?> log)
        {
            try
            {
                _ = main.Switch();
            }
            catch (InvalidTimeZoneException exception)
            {
                log.Add(exception);
            }

            log.Add(main.Switch("caught"));
            return "ended";
        }
    });

    [Fact]
    [FeatureRow(69)]
    public void Throw_with_a_captured_exception_keeps_its_trace() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() => main.Switch());
        _ = greenlet.Switch();
        ExceptionDispatchInfo captured = Capture();

        InvalidTimeZoneException caught = Assert.Throws<InvalidTimeZoneException>(() => greenlet.Throw(captured));

        Assert.Same(captured.SourceException, caught);
        Assert.Contains(nameof(ThrowDeepInside), caught.StackTrace, StringComparison.Ordinal);
    });

    [Fact]
    [FeatureRow(70)]
    public void A_missing_captured_exception_is_refused_at_the_caller() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() => main.Switch());
        _ = greenlet.Switch();

        Assert.Throws<ArgumentNullException>(() => greenlet.Throw((ExceptionDispatchInfo)null!));

        Assert.Equal(GreenletState.Suspended, greenlet.State);
        greenlet.Dispose();
    });

    [Fact]
    [FeatureRow(72)]
    public void Throwing_at_a_dead_greenlet() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet parent = new(() =>
        {
            while (true)
            {
                try
                {
                    log.Add($"got {main.Switch()!.GetType().Name}");
                }
                catch (InvalidTimeZoneException)
                {
                    log.Add("caught");
                }
            }
        });
        _ = parent.Switch();
        Greenlet dead = new(() => { }, parent);
        dead.Dispose();
        Greenlet deadChildOfMain = new(() => { });
        deadChildOfMain.Dispose();
        GreenletExit exit = new();

        _ = dead.Throw(new SpecialExit());
        _ = dead.Throw(new InvalidTimeZoneException());

        Assert.Equal(["got SpecialExit", "caught"], log);
        Assert.IsType<GreenletExit>(deadChildOfMain.Throw());
        Assert.Same(exit, deadChildOfMain.Throw(exit));
        Assert.Throws<InvalidTimeZoneException>(() => deadChildOfMain.Throw(new InvalidTimeZoneException()));
    });

    [Fact]
    [FeatureRow(73)]
    public void Throwing_at_an_unstarted_greenlet_kills_it_and_goes_to_its_parent() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        bool hasRun = false;
        string? caught = null;
        Greenlet parent = new(() =>
        {
            try
            {
                _ = main.Switch();
            }
            catch (InvalidTimeZoneException exception)
            {
                caught = exception.Message;
            }
        });
        _ = parent.Switch();
        Greenlet failing = new(() => { hasRun = true; }, parent);
        Greenlet exiting = new(() => { hasRun = true; });
        GreenletExit exit = new();

        _ = failing.Throw(new InvalidTimeZoneException("at an unstarted one"));
        object? result = exiting.Throw(exit);

        Assert.Equal("at an unstarted one", caught);
        Assert.Same(exit, result);
        Assert.False(hasRun);
        Assert.True(failing.IsDead);
        Assert.True(exiting.IsDead);
    });

    [Fact]
    [FeatureRow(73, 56)]
    public void GreenletExit_at_an_unstarted_greenlet_starts_an_unstarted_parent_with_it() => OnThread.Run(() =>
    {
        object? received = null;
        Greenlet parent = new(value =>
        {
            received = value;
            return "parent ended";
        });
        Greenlet child = new(() => { }, parent);
        GreenletExit exit = new();

        object? result = child.Throw(exit);

        Assert.Same(exit, received);
        Assert.Equal("parent ended", result);
    });

    [Fact]
    [FeatureRow(74)]
    public void Throwing_at_oneself_raises_on_the_spot() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        bool hasCaught = false;
        Greenlet greenlet = new(() =>
        {
            try
            {
                _ = Greenlet.Current.Throw(new InvalidTimeZoneException());
            }
            catch (InvalidTimeZoneException)
            {
                hasCaught = true;
            }
        });

        _ = greenlet.Switch();

        Assert.True(hasCaught);
        Assert.Throws<GreenletExit>(() => main.Throw());
        Assert.Throws<InvalidTimeZoneException>(() => main.Throw(new InvalidTimeZoneException()));
        Assert.Equal(GreenletState.Running, main.State);
    });

    [Fact]
    [FeatureRow(74)]
    public void Throwing_at_main_from_a_child_raises_in_main() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() => main.Throw());

        Assert.Throws<GreenletExit>(() => greenlet.Switch()); // raised, not returned: it did not end the greenlet
        Assert.Equal(GreenletState.Suspended, greenlet.State);
        greenlet.Dispose();
    });

    [Fact]
    [FeatureRow(75)]
    public void Throw_is_a_switch_to_a_child_that_raises() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet Catching(string name)
        {
            Greenlet greenlet = new(() =>
            {
                try
                {
                    _ = main.Switch();
                }
                catch (InvalidTimeZoneException exception)
                {
                    log.Add($"{name} caught {exception.Message}");
                }

                return name;
            });
            _ = greenlet.Switch();
            return greenlet;
        }

        Greenlet first = Catching("first");
        Greenlet second = Catching("second");

        object? direct = first.Throw(new InvalidTimeZoneException("x"));
        object? through = new Greenlet(() => throw new InvalidTimeZoneException("y"), second).Switch();

        Assert.Equal(["first", "second"], new[] { direct, through });
        Assert.Equal(["first caught x", "second caught y"], log);
    });

    [Fact]
    [FeatureRow(76)]
    public void An_exception_is_not_lost_when_the_lookup_of_the_body_runs_code() => OnThread.Run(() =>
    {
        Greenlet helper = new(() => "helped");
        BusyLookup greenlet = new(() => helper.Switch());
        InvalidTimeZoneException thrown = new();

        InvalidTimeZoneException caught = Assert.Throws<InvalidTimeZoneException>(() => greenlet.Throw(thrown));

        Assert.Same(thrown, caught);
        Assert.True(helper.IsDead);
        Assert.True(greenlet.IsDead);
        Assert.False(greenlet.HasRun);
    });

    [Fact]
    [FeatureRow(76, 46)]
    public void An_exception_reaches_a_greenlet_that_started_during_the_lookup() => OnThread.Run(() =>
    {
        BusyLookup greenlet = null!;
        bool isFirst = true;
        greenlet = new BusyLookup(() =>
        {
            if (isFirst)
            {
                isFirst = false;
                _ = greenlet.Switch();
            }
        });

        object? result = greenlet.Throw(new InvalidTimeZoneException("late"));

        Assert.Equal("caught late", result);
        Assert.True(greenlet.HasRun);
    });

    [Fact]
    [FeatureRow(77, 78)]
    public void Switching_inside_catch_finally_and_filter_keeps_exceptions_apart() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet InAllBlocks(string name) => new(() =>
        {
            try
            {
                try
                {
                    try
                    {
                        throw new InvalidTimeZoneException(name);
                    }
                    catch (InvalidTimeZoneException exception) when (SwitchAway(exception))
                    {
                        _ = main.Switch("in catch");
                        log.Add($"{name} rethrows {exception.Message}");
                        throw;
                    }
                }
                finally
                {
                    _ = main.Switch("in finally");
                    log.Add($"{name} finally");
                }
            }
            catch (Exception exception)
            {
                log.Add($"{name} caught {exception.Message}");
            }

            return "ended";
        });
        bool SwitchAway(Exception exception)
        {
            _ = main.Switch("in filter");
            log.Add($"filter of {exception.Message}");
            return true;
        }

        Greenlet first = InAllBlocks("first");
        Greenlet second = InAllBlocks("second");
        List<object?> stops = [];
        for (int i = 0; i < 4; i++)
        {
            stops.Add(first.Switch());
            Collector.Collect();
            stops.Add(second.Switch());
            Collector.Collect();
        }

        Assert.Equal(["in filter", "in filter", "in catch", "in catch", "in finally", "in finally", "ended", "ended"], stops);
        Assert.Equal(
            [
                "filter of first", "filter of second",
                "first rethrows first", "second rethrows second",
                "first finally", "first caught first",
                "second finally", "second caught second",
            ],
            log);
    });

    [Fact]
    [FeatureRow(78)]
    public void A_rethrow_is_of_the_greenlets_own_exception_in_any_order() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet[] greenlets = [.. Enumerable.Range(0, 20).Select(i => new Greenlet(() => CatchAndRethrow(main, i)))];
        foreach (Greenlet greenlet in greenlets)
        {
            _ = greenlet.Switch();
        }

        Collector.Collect();
        int[] order = [.. Enumerable.Range(0, 20)];
        new Random(3).Shuffle(order);
        List<string> caught = [.. order.Select(i => Assert.Throws<InvalidTimeZoneException>(() => greenlets[i].Switch()).Message)];

        Assert.Equal(order.Select(i => $"{i}"), caught);

        static object? CatchAndRethrow(Greenlet main, int number)
        {
            try
            {
                throw new InvalidTimeZoneException($"{number}");
            }
            catch (InvalidTimeZoneException)
            {
                _ = main.Switch();
                throw;
            }
        }
    });

    [Fact]
    [FeatureRow(78)]
    public void A_greenlet_started_inside_a_catch_block_has_exceptions_of_its_own() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet inner = null!;
        Greenlet outer = new(() =>
        {
            try
            {
                throw new InvalidTimeZoneException("outer");
            }
            catch (InvalidTimeZoneException exception)
            {
                inner = new Greenlet(() =>
                {
                    try
                    {
                        throw new FormatException("inner");
                    }
                    catch (FormatException own)
                    {
                        _ = main.Switch();
                        log.Add(own.Message);
                    }
                });
                _ = inner.Switch();
                log.Add(exception.Message);
            }
        });

        _ = outer.Switch(); // back here from inside both catch blocks
        Collector.Collect();
        _ = inner.Switch(); // its end returns to outer, whose end returns here

        Assert.Equal(["inner", "outer"], log);
        Assert.True(outer.IsDead);
    });

    [Fact]
    [FeatureRow(80)]
    public void The_types_of_exceptions()
    {
        Assert.Equal(typeof(InvalidOperationException), typeof(GreenletException).BaseType);
        Assert.Equal(typeof(OperationCanceledException), typeof(GreenletExit).BaseType);
        Assert.Equal(GreenletError.NoRun, new GreenletException(GreenletError.NoRun, "message").Reason);
        Assert.Equal("message", new GreenletException("message").Message);
        Assert.NotEmpty(new GreenletExit().Message);
        Assert.Equal("why", new GreenletExit("why").Message);
        Assert.IsType<FormatException>(new GreenletExit("why", new FormatException()).InnerException);
    }

    private static ExceptionDispatchInfo Capture()
    {
        try
        {
            ThrowDeepInside();
            throw new UnreachableException();
        }
        catch (InvalidTimeZoneException exception)
        {
            return ExceptionDispatchInfo.Capture(exception);
        }
    }

    // Without optimization there is no tail call, and no frame is missing.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static void FailInside() => ThrowDeepInside();

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.NoOptimization)]
    private static void AwaitChild(Greenlet child) => child.Switch();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowDeepInside() => throw new InvalidTimeZoneException("deep inside");

    private sealed class SpecialExit : GreenletExit;

    private sealed class BusyLookup(Action lookup) : Greenlet
    {
        public bool HasRun { get; private set; }

        protected override Func<object?, object?> GetRun()
        {
            try
            {
                throw new FormatException();
            }
            catch (FormatException)
            {
                lookup();
            }

            return base.GetRun();
        }

        protected override object? Run(object? value)
        {
            HasRun = true;
            try
            {
                return Parent!.Switch();
            }
            catch (InvalidTimeZoneException exception)
            {
                return $"caught {exception.Message}";
            }
        }
    }
}
