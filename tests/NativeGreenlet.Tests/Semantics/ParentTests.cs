using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Section 4 of the table: rows 54 to 66.</summary>
public class ParentTests
{
    [Fact]
    [FeatureRow(54, 55)]
    public void The_result_goes_to_the_parent_not_to_the_creator_or_the_last_switcher() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet parent = new(() =>
        {
            object? fromChild = main.Switch("parent waits");
            log.Add($"parent got {fromChild}");
            return "parent ended";
        });
        Greenlet? child = null;
        Greenlet creator = new(() => child = new Greenlet(() => "child's result", parent));
        Greenlet switcher = new(() =>
        {
            object? result = child!.Switch();
            log.Add($"switcher got {result}");
        });
        _ = parent.Switch();
        _ = creator.Switch();

        object? received = switcher.Switch();

        Assert.Equal("parent ended", received);
        Assert.Equal(["parent got child's result"], log);
        Assert.Equal(GreenletState.Suspended, switcher.State);
    });

    [Fact]
    [FeatureRow(55, 67)]
    public void An_exception_goes_to_the_parent_not_to_the_last_switcher() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
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
        Greenlet child = new(() => throw new InvalidTimeZoneException("from child"), parent);
        Greenlet switcher = new(() => child.Switch());
        _ = parent.Switch();

        _ = switcher.Switch();

        Assert.Equal("from child", caught);
        Assert.Equal(GreenletState.Suspended, switcher.State);
    });

    [Fact]
    [FeatureRow(56)]
    public void A_result_starts_an_unstarted_parent_with_it() => OnThread.Run(() =>
    {
        Greenlet grandparent = new(value => $"grandparent({value})");
        Greenlet parent = new(value => $"parent({value})", grandparent);
        Greenlet child = new(value => $"child({value})", parent);

        object? result = child.Switch("x");

        Assert.Equal("grandparent(parent(child(x)))", result);
        Assert.All(new[] { child, parent, grandparent }, greenlet => Assert.True(greenlet.IsDead));
    });

    [Fact]
    [FeatureRow(57)]
    public void An_error_at_the_start_of_a_parent_climbs_to_the_next_one() => OnThread.Run(() =>
    {
        string? caught = null;
        Greenlet main = Greenlet.Current;
        Greenlet grandparent = new(() =>
        {
            try
            {
                _ = main.Switch();
            }
            catch (InvalidTimeZoneException exception)
            {
                caught = exception.Message;
            }

            return "grandparent ended";
        });
        Unstartable parent = new(grandparent);
        Greenlet child = new(() => "lost", parent);
        _ = grandparent.Switch();

        object? result = child.Switch();

        Assert.Equal("grandparent ended", result);
        Assert.Equal("no start", caught);
        Assert.True(child.IsDead);
        Assert.Equal(GreenletState.Unstarted, parent.State);
    });

    [Fact]
    [FeatureRow(57)]
    public void A_parent_with_nothing_to_run_is_an_error_in_the_next_one() => OnThread.Run(() =>
    {
        Bodiless parent = new();
        Greenlet child = new(() => "lost", parent);

        Expect.Failure(GreenletError.NoRun, () => child.Switch());

        Assert.True(child.IsDead);
        Assert.Equal(GreenletState.Unstarted, parent.State);
    });

    [Fact]
    [FeatureRow(58)]
    public void An_exception_kills_unstarted_parents_and_climbs() => OnThread.Run(() =>
    {
        bool hasRun = false;
        Greenlet grandparent = new(() => { hasRun = true; });
        Greenlet parent = new(() => { hasRun = true; }, grandparent);
        Greenlet child = new(() => throw new InvalidTimeZoneException("from child"), parent);

        InvalidTimeZoneException caught = Assert.Throws<InvalidTimeZoneException>(() => child.Switch());

        Assert.Equal("from child", caught.Message);
        Assert.False(hasRun);
        Assert.All(new[] { child, parent, grandparent }, greenlet => Assert.True(greenlet.IsDead));
    });

    [Fact]
    [FeatureRow(59)]
    public void The_parent_can_be_changed_in_every_state() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet Waiting(string name)
        {
            Greenlet greenlet = new(() =>
            {
                while (true)
                {
                    log.Add($"{name} got {main.Switch()}");
                }
            });
            _ = greenlet.Switch();
            return greenlet;
        }

        Greenlet first = Waiting("first");
        Greenlet second = Waiting("second");
        Greenlet third = Waiting("third");
        Greenlet greenlet = null!;
        greenlet = new Greenlet(() =>
        {
            Assert.Same(first, greenlet.Parent);
            greenlet.Parent = second; // running
            _ = main.Switch();
            return "result";
        });

        greenlet.Parent = first; // unstarted
        _ = greenlet.Switch();
        Assert.Same(second, greenlet.Parent);
        greenlet.Parent = third; // suspended
        _ = greenlet.Switch();
        Assert.True(greenlet.IsDead);
        greenlet.Parent = first; // dead
        _ = greenlet.Switch("late");

        Assert.Equal(["third got result", "first got late"], log);
        Assert.Same(first, greenlet.Parent);
    });

    [Fact]
    [FeatureRow(60)]
    public void A_cycle_of_parents_is_refused() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet first = new(() => { });
        Greenlet second = new(() => { }, first);
        Greenlet third = new(() => { }, second);

        Expect.Failure(GreenletError.CyclicParent, () => first.Parent = first);
        Expect.Failure(GreenletError.CyclicParent, () => first.Parent = second);
        Expect.Failure(GreenletError.CyclicParent, () => first.Parent = third);

        Assert.Equal([main, first, second], new[] { first.Parent, second.Parent, third.Parent });
    });

    [Fact]
    [FeatureRow(60)]
    public void A_cycle_through_dead_and_suspended_greenlets_is_refused() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet suspended = new(() => main.Switch());
        _ = suspended.Switch();
        Greenlet dead = new(() => main.Switch(), suspended);
        dead.Dispose();
        Greenlet leaf = new(() => { }, dead);

        Expect.Failure(GreenletError.CyclicParent, () => suspended.Parent = leaf);

        Assert.Same(main, suspended.Parent);
    });

    [Fact]
    [FeatureRow(60)]
    public void While_a_child_kills_its_own_parent_parents_can_still_be_set() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet parent = null!;
        Greenlet other = new(() => { });
        parent = new Greenlet(() =>
        {
            try
            {
                _ = main.Switch();
            }
            finally
            {
                // For now its parent is its own child.
                other.Parent = parent;
                log.Add(other.Parent == parent ? "set" : "not set");
            }
        });
        _ = parent.Switch();
        Greenlet child = new(
            () =>
            {
                parent.Dispose();
                log.Add($"parent {parent.State}");
                return "child ended";
            },
            parent);

        object? result = child.Switch();

        Assert.Equal("child ended", result); // through the dead parent to main
        Assert.Equal(["set", "parent Dead"], log);
        Assert.Same(main, parent.Parent);
    });

    [Fact]
    [FeatureRow(61)]
    public void A_null_parent_is_refused() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() => { });

        Assert.Throws<ArgumentNullException>(() => greenlet.Parent = null);

        Assert.Same(main, greenlet.Parent);
    });

    [Fact]
    [FeatureRow(63)]
    public void The_parent_of_main_cannot_be_set() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() => { });

        Assert.Throws<InvalidOperationException>(() => main.Parent = greenlet);
        Assert.Throws<InvalidOperationException>(() => main.Parent = main);

        Assert.Null(main.Parent);
    });

    [Fact]
    [FeatureRow(64)]
    public void A_started_greenlet_cannot_get_a_parent_on_another_thread() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet main = Greenlet.Current;
        Greenlet there = worker.Do(() => Greenlet.Current);
        Greenlet unstartedThere = worker.Do(() => new Greenlet(() => { }));
        Greenlet greenlet = new(() => main.Switch());
        _ = greenlet.Switch();

        GreenletException refused = Expect.Failure(GreenletError.WrongThread, () => greenlet.Parent = there);
        Expect.Failure(GreenletError.WrongThread, () => greenlet.Parent = unstartedThere);

        Assert.Contains($"{worker.ThreadId}", refused.Message, StringComparison.Ordinal);
        Assert.Contains($"{Environment.CurrentManagedThreadId}", refused.Message, StringComparison.Ordinal);
        Assert.Same(main, greenlet.Parent);
        greenlet.Dispose();
        Expect.Failure(GreenletError.WrongThread, () => greenlet.Parent = there); // nor when it is dead
    });

    [Fact]
    [FeatureRow(65)]
    public void A_parent_whose_thread_has_ended_is_refused() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet ended = OnThread.Run(() => Greenlet.Current);
        Greenlet unstarted = new(() => { });
        Greenlet suspended = new(() => main.Switch());
        _ = suspended.Switch();

        Expect.Failure(GreenletError.ThreadExited, () => unstarted.Parent = ended);
        Expect.Failure(GreenletError.ThreadExited, () => suspended.Parent = ended);

        Assert.Same(main, unstarted.Parent);
        Assert.Same(main, suspended.Parent);
        suspended.Dispose();
    });

    [Fact]
    [FeatureRow(65)]
    public void A_parent_that_went_to_another_thread_meanwhile_is_an_error_in_main() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet main = Greenlet.Current;
        Greenlet parent = new(() => "parent must not run here");
        Greenlet child = new(
            () =>
            {
                _ = main.Switch();
                return "lost";
            },
            parent);
        _ = child.Switch();
        parent.Parent = worker.Do(() => Greenlet.Current); // unstarted, so it may go

        Expect.Failure(GreenletError.WrongThread, () => child.Switch());

        Assert.True(child.IsDead);
        Assert.Equal(GreenletState.Unstarted, parent.State);
        Assert.Equal("parent must not run here", worker.Do(() => parent.Switch()));
    });

    [Fact]
    [FeatureRow(65)]
    public void A_child_whose_parent_went_on_to_live_on_another_thread_is_an_error_in_main() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet main = Greenlet.Current;
        Greenlet parent = new(() => { _ = Greenlet.Current.Parent!.Switch(); });
        Greenlet child = new(() => { _ = main.Switch(); }, parent);
        _ = child.Switch();
        worker.Do(() =>
        {
            parent.Parent = Greenlet.Current;
            _ = parent.Switch();
        });

        Expect.Failure(GreenletError.WrongThread, () => child.Switch());

        Assert.True(child.IsDead);
        Assert.Equal(GreenletState.Suspended, parent.State);
        worker.Do(parent.Dispose);
    });

    [Fact]
    [FeatureRow(66)]
    public void An_unstarted_greenlet_may_be_adopted_by_another_thread() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet greenlet = new(value => (value, ThisRun.ThreadId));
        Assert.Equal(0, greenlet.OwnerThreadId);
        Expect.Failure(GreenletError.WrongThread, () => worker.Do(() => greenlet.Switch())); // it is still this thread's

        (object? result, int owner) = worker.Do(() =>
        {
            greenlet.Parent = Greenlet.Current;
            return (greenlet.Switch("adopted"), greenlet.OwnerThreadId);
        });

        Assert.Equal<object?>(((object?)"adopted", worker.ThreadId), result);
        Assert.Equal(worker.ThreadId, owner);
        Expect.Failure(GreenletError.WrongThread, () => greenlet.Switch());
    });

    [Fact]
    [FeatureRow(66)]
    public void An_unstarted_greenlet_belongs_to_the_thread_of_its_lineage() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet parent = new(value => $"parent({value}) on {ThisRun.ThreadId}");
        Greenlet child = new(value => $"child({value})", parent);

        parent.Parent = worker.Do(() => Greenlet.Current); // the child goes with it

        Expect.Failure(GreenletError.WrongThread, () => child.Switch());
        Assert.Equal($"parent(child(x)) on {worker.ThreadId}", worker.Do(() => child.Switch("x")));
    });

    private sealed class Bodiless : Greenlet;

    private sealed class Unstartable(Greenlet parent) : Greenlet(parent)
    {
        protected override Func<object?, object?> GetRun() => throw new InvalidTimeZoneException("no start");
    }
}
