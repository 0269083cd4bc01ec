using System.Diagnostics;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Section 8 of the table: rows 117 to 122, and 102.</summary>
public class ContextTests
{
    private readonly AsyncLocal<string?> _local = new();

    [Fact]
    [FeatureRow(118)]
    public void By_default_a_greenlet_has_a_copy_of_its_creators_context() => OnThread.Run(() =>
    {
        List<string?> seen = [];
        _local.Value = "at creation";
        Greenlet greenlet = NotingGreenlet(seen, ContextFlow.Capture);
        _local.Value = "at the start";

        _ = greenlet.Switch("set by greenlet");
        seen.Add(_local.Value);
        _local.Value = "later";
        _ = greenlet.Switch(null);

        Assert.Equal(["at creation", "at the start", "set by greenlet"], seen);
        Assert.Equal("later", _local.Value);
    });

    [Fact]
    [FeatureRow(118)]
    public void The_constructors_without_options_capture() => OnThread.Run(() =>
    {
        List<string?> seen = [];
        _local.Value = "captured";
        Greenlet[] greenlets = [new(value => NoteValue(seen)), new(() => NoteValue(seen)), new(() => { _ = NoteValue(seen); }), new Derived(() => NoteValue(seen))];
        _local.Value = "later";

        foreach (Greenlet greenlet in greenlets)
        {
            _ = greenlet.Switch();
        }

        Assert.Equal(["captured", "captured", "captured", "captured"], seen);
        Assert.Equal(ContextFlow.Capture, new GreenletOptions().ContextFlow);
    });

    [Fact]
    [FeatureRow(118)]
    public void With_Empty_a_greenlet_starts_with_an_empty_context_of_its_own() => OnThread.Run(() =>
    {
        List<string?> seen = [];
        _local.Value = "main's";
        Greenlet greenlet = NotingGreenlet(seen, ContextFlow.Empty);

        _ = greenlet.Switch("set by greenlet");
        seen.Add(_local.Value);
        _ = greenlet.Switch(null);

        Assert.Equal([null, "main's", "set by greenlet"], seen);
        Assert.Equal("main's", _local.Value);
    });

    [Fact]
    [FeatureRow(119)]
    public void With_Share_changes_are_seen_both_ways() => OnThread.Run(() =>
    {
        List<string?> seen = [];
        _local.Value = "before creation";
        Greenlet greenlet = NotingGreenlet(seen, ContextFlow.Share);
        _local.Value = "after creation";

        _ = greenlet.Switch("set by greenlet");
        seen.Add(_local.Value);
        _local.Value = "set by main";
        _ = greenlet.Switch(null);

        Assert.Equal(["after creation", "set by greenlet", "set by main"], seen);
    });

    [Fact]
    [FeatureRow(119)]
    public void Sharing_spans_generations_and_leaves_others_alone() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string?> seen = [];
        _local.Value = "main's";
        Greenlet root = new(
            _ =>
            {
                _local.Value = "root's";
                Greenlet child = new(
                    _ =>
                    {
                        Greenlet grandchild = new(
                            _ =>
                            {
                                seen.Add(_local.Value);
                                _local.Value = "grandchild's";
                                return null;
                            },
                            new GreenletOptions { ContextFlow = ContextFlow.Share });
                        _ = grandchild.Switch();
                        seen.Add(_local.Value);
                        _ = main.Switch();
                        seen.Add(_local.Value);
                        return null;
                    },
                    new GreenletOptions { ContextFlow = ContextFlow.Share });
                _ = child.Switch();
                seen.Add(_local.Value);
                return child;
            },
            new GreenletOptions { ContextFlow = ContextFlow.Capture });

        _ = root.Switch();
        seen.Add(_local.Value);
        _ = root.Switch(); // pretends that the child came back

        Assert.Equal(["root's", "grandchild's", "main's", "grandchild's"], seen);
    });

    [Fact]
    [FeatureRow(119)]
    public void A_shared_context_is_read_and_written_through_every_sharer() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        _local.Value = "other";
        ExecutionContext other = ExecutionContext.Capture()!;
        _local.Value = "main's";
        Greenlet sharer = NotingGreenlet([], ContextFlow.Share);
        _ = sharer.Switch("set by sharer");
        _local.Value = "set by main";

        Assert.Equal("set by main", ValueIn(sharer.Context));

        sharer.Context = other; // at once, because main is running in it

        Assert.Equal("other", _local.Value);
        Assert.Equal("other", ValueIn(main.Context));
    });

    [Fact]
    [FeatureRow(119)]
    public void A_sharer_that_another_thread_adopts_goes_with_a_copy() => OnThread.Run(() =>
    {
        using Worker worker = new();
        List<string?> seen = [];
        _local.Value = "before";
        Greenlet greenlet = NotingGreenlet(seen, ContextFlow.Share);

        worker.Do(() =>
        {
            greenlet.Parent = Greenlet.Current;
            _ = greenlet.Switch("set there");
            Assert.Null(_local.Value);
        });

        Assert.Equal(["before"], seen);
        Assert.Equal("before", _local.Value);
        _local.Value = "set here";
        worker.Do(() => greenlet.Switch());
        Assert.Equal(["before", "set there"], seen);
    });

    [Fact]
    [FeatureRow(120)]
    public void The_context_can_be_read_and_written_in_every_state() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        ExecutionContext[] contexts = [.. Enumerable.Range(0, 4).Select(i => ContextWith($"{i}"))];
        List<string?> seen = [];
        Greenlet greenlet = null!;
        greenlet = new Greenlet(() =>
        {
            seen.Add(_local.Value);
            greenlet.Context = contexts[1]; // running: takes effect at once
            seen.Add(_local.Value);
            seen.Add(ValueIn(greenlet.Context));
            _ = main.Switch();
            seen.Add(_local.Value);
        });

        greenlet.Context = contexts[0];
        Assert.Same(contexts[0], greenlet.Context);
        _ = greenlet.Switch();
        Assert.Same(contexts[1], greenlet.Context);
        greenlet.Context = contexts[2];
        Assert.Same(contexts[2], greenlet.Context);
        _ = greenlet.Switch();
        Assert.True(greenlet.IsDead);
        greenlet.Context = contexts[3];

        Assert.Same(contexts[3], greenlet.Context);
        Assert.Equal(["0", "1", "1", "2"], seen);
        Assert.Null(_local.Value);
    });

    [Fact]
    [FeatureRow(120)]
    public void Null_stands_for_an_empty_context() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string?> seen = [];
        _local.Value = "main's";
        Greenlet greenlet = NotingGreenlet(seen, ContextFlow.Capture);

        greenlet.Context = null;
        Assert.Null(greenlet.Context);
        _ = greenlet.Switch("set by greenlet");
        greenlet.Context = null;
        _ = greenlet.Switch();
        main.Context = null;

        Assert.Equal([null, null], seen);
        Assert.Null(_local.Value);
        Assert.Null(main.Context);
    });

    [Fact]
    [FeatureRow(120)]
    public void The_context_of_main_can_be_written_while_it_is_suspended() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        ExecutionContext other = ContextWith("other");
        _local.Value = "main's";
        string? read = null;
        Greenlet greenlet = new(() =>
        {
            read = ValueIn(main.Context);
            main.Context = other;
        });

        _ = greenlet.Switch();

        Assert.Equal("main's", read);
        Assert.Equal("other", _local.Value);
    });

    [Fact]
    [FeatureRow(102)]
    public void The_context_of_a_greenlet_running_on_another_thread_is_out_of_reach() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet there = worker.Do(() => Greenlet.Current);

        Expect.Failure(GreenletError.WrongThread, () => there.Context);
        Expect.Failure(GreenletError.WrongThread, () => there.Context = null);
    });

    [Fact]
    [FeatureRow(121)]
    public void Running_in_a_context_may_span_switches_in_any_order() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string?> seen = [];
        Greenlet Spanning(string name)
        {
            ExecutionContext inner = ContextWith($"inner {name}");
            ExecutionContext outer = ContextWith($"outer {name}");
            return new Greenlet(() =>
            {
                Greenlet.Current.Context = outer;
                ExecutionContext.Run(
                    inner,
                    _ =>
                    {
                        seen.Add(_local.Value);
                        _ = main.Switch();
                        seen.Add(_local.Value);
                    },
                    null);
                seen.Add(_local.Value);
            });
        }

        Greenlet first = Spanning("first");
        Greenlet second = Spanning("second");
        _local.Value = "main's";

        _ = first.Switch();
        _ = second.Switch();
        _ = first.Switch(); // ends first although it began first
        seen.Add(_local.Value);
        _ = second.Switch();
        seen.Add(_local.Value);

        Assert.Equal(
            ["inner first", "inner second", "inner first", "outer first", "main's", "inner second", "outer second", "main's"],
            seen);
    });

    [Fact]
    [FeatureRow(122)]
    public void A_dead_greenlet_keeps_its_last_context() => OnThread.Run(() =>
    {
        Greenlet greenlet = new(() => { _local.Value = "last"; });
        Greenlet failing = new(() =>
        {
            _local.Value = "last of failing";
            throw new InvalidTimeZoneException();
        });

        _ = greenlet.Switch();
        Assert.Throws<InvalidTimeZoneException>(() => failing.Switch());

        Assert.Equal("last", ValueIn(greenlet.Context));
        Assert.Equal("last of failing", ValueIn(failing.Context));
        Assert.Null(_local.Value);
    });

    [Fact]
    [FeatureRow(117)]
    public void Activities_follow_their_greenlet() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string?> seen = [];
        Greenlet Working(string name) => new(() =>
        {
            using Activity activity = new Activity(name).Start();
            for (int i = 0; i < 3; i++)
            {
                seen.Add(Activity.Current?.OperationName);
                _ = main.Switch();
            }
        });
        Greenlet first = Working("first");
        Greenlet second = Working("second");

        for (int i = 0; i < 4; i++)
        {
            _ = first.Switch();
            Assert.Null(Activity.Current);
            _ = second.Switch();
            Assert.Null(Activity.Current);
        }

        Assert.Equal(["first", "second", "first", "second", "first", "second"], seen);
    });

    [Fact]
    public void Suppressed_flow_belongs_to_the_greenlet_that_suppresses_it() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<(string Where, bool IsSuppressed, string? Value)> seen = [];
        void Note(string where) => seen.Add((where, ExecutionContext.IsFlowSuppressed(), _local.Value));
        Greenlet greenlet = new(() =>
        {
            Note("greenlet at first");
            _ = main.Switch();
            Note("greenlet while main suppresses");
            _local.Value = "greenlet's";
            using (ExecutionContext.SuppressFlow())
            {
                _ = main.Switch();
                Note("greenlet while it suppresses");
            }

            Note("greenlet at last");
        });
        _local.Value = "main's";

        _ = greenlet.Switch();
        using (ExecutionContext.SuppressFlow())
        {
            Note("main while it suppresses");
            _ = greenlet.Switch();
            Note("main while both suppress");
        }

        Note("main while greenlet suppresses");
        _ = greenlet.Switch();
        Note("main at last");

        Assert.Equal(
            [
                ("greenlet at first", false, null),
                ("main while it suppresses", true, "main's"),
                ("greenlet while main suppresses", false, null),
                ("main while both suppress", true, "main's"),
                ("main while greenlet suppresses", false, "main's"),
                ("greenlet while it suppresses", true, "greenlet's"),
                ("greenlet at last", false, "greenlet's"),
                ("main at last", false, "main's"),
            ],
            seen);
    });

    [Fact]
    public void Under_suppressed_flow_nothing_is_captured_as_for_a_new_thread() => OnThread.Run(() =>
    {
        List<string?> seen = [];
        List<bool> suppressed = [];
        _local.Value = "main's";
        Greenlet greenlet;
        using (ExecutionContext.SuppressFlow())
        {
            greenlet = new Greenlet(() =>
            {
                seen.Add(_local.Value);
                suppressed.Add(ExecutionContext.IsFlowSuppressed());
            });
            Thread thread = new(() =>
            {
                seen.Add(_local.Value);
                suppressed.Add(ExecutionContext.IsFlowSuppressed());
            });
            thread.Start();
            thread.Join();
        }

        _ = greenlet.Switch();

        Assert.Equal([null, null], seen);
        Assert.Equal([false, false], suppressed);
        Assert.Equal("main's", _local.Value);
    });

    [Fact]
    public void Handlers_of_changed_values_run_in_the_greenlet_that_continues() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<(string? Where, string? Before, string? After)> changes = [];
        AsyncLocal<string?> local = new(change =>
        {
            if (change.ThreadContextChanged)
            {
                changes.Add((Greenlet.Current.Name, change.PreviousValue, change.CurrentValue));
            }
        });
        Greenlet greenlet = new(() =>
        {
            local.Value = "greenlet's";
            _ = main.Switch();
        })
        {
            Name = "greenlet",
        };
        local.Value = "main's";

        _ = greenlet.Switch();
        _ = greenlet.Switch();

        Assert.Equal(
            [
                ("greenlet", "main's", null),
                ("main", "greenlet's", "main's"),
                ("greenlet", "main's", "greenlet's"),
                ("main", "greenlet's", "main's"),
            ],
            changes);
    });

    [Fact]
    public void Handlers_do_not_run_between_greenlets_of_one_context() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        int changes = 0;
        AsyncLocal<string?> local = new(_ => changes++) { Value = "one" };
        Assert.Equal(1, changes);
        Greenlet captured = new(() => main.Switch());
        Greenlet shared = new(_ => main.Switch(), new GreenletOptions { ContextFlow = ContextFlow.Share });

        _ = captured.Switch();
        _ = shared.Switch();
        _ = captured.Switch();
        _ = shared.Switch();

        Assert.Equal(1, changes);
        Assert.Equal("one", local.Value);
    });

    [Fact]
    public async Task A_context_flows_out_of_a_greenlet_into_tasks()
    {
        Task<string?> task = OnThread.Run(() =>
        {
            Task<string?> inner = null!;
            Greenlet greenlet = new(() =>
            {
                _local.Value = "greenlet's";
                inner = Task.Run<string?>(() => _local.Value);
            });
            _ = greenlet.Switch();
            return inner;
        });

        Assert.Equal("greenlet's", await task);
    }

    private Greenlet NotingGreenlet(List<string?> seen, ContextFlow flow)
    {
        Greenlet main = Greenlet.Current;
        return new Greenlet(
            value =>
            {
                seen.Add(_local.Value);
                _local.Value = (string?)value;
                _ = Greenlet.Current.Parent!.Switch();
                seen.Add(_local.Value);
                return null;
            },
            new GreenletOptions { ContextFlow = flow, Parent = main });
    }

    private object? NoteValue(List<string?> seen)
    {
        seen.Add(_local.Value);
        return null;
    }

    private ExecutionContext ContextWith(string value)
    {
        ExecutionContext before = ExecutionContext.Capture()!;
        _local.Value = value;
        ExecutionContext context = ExecutionContext.Capture()!;
        ExecutionContext.Restore(before);
        return context;
    }

    private string? ValueIn(ExecutionContext? context)
    {
        string? value = null;
        if (context is not null)
        {
            ExecutionContext.Run(context, _ => value = _local.Value, null);
        }

        return value;
    }

    private sealed class Derived(Func<object?> body) : Greenlet
    {
        protected override object? Run(object? value) => body();
    }
}
