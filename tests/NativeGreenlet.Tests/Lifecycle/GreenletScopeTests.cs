using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Lifecycle;

public class GreenletScopeTests
{
    private readonly List<Greenlet> _kept = []; // else a collection meanwhile has them killed in its own order

    [Fact]
    public void It_ends_what_was_started_in_it_and_is_suspended() => OnThread.Run(() =>
    {
        List<string> log = [];
        Greenlet before = Suspended(log, "before");
        Greenlet unstarted = new(() => "ran");
        Greenlet inside;
        Greenlet dead;
        using (GreenletScope scope = GreenletScope.Enter())
        {
            inside = Suspended(log, "inside");
            dead = new Greenlet(() => { });
            _ = dead.Switch();
        }

        Assert.Equal(["inside"], log);
        Assert.True(inside.IsDead);
        Assert.Equal(GreenletState.Suspended, before.State);
        Assert.Equal("ran", unstarted.Switch());
        before.Dispose();
    });

    [Fact]
    public void The_youngest_is_ended_first() => OnThread.Run(() =>
    {
        List<string> log = [];
        Greenlet createdFirst = SuspendedUnstarted(log, "created first, started last");
        using (GreenletScope scope = GreenletScope.Enter())
        {
            foreach (string name in (string[])["1", "2", "3"])
            {
                _ = Suspended(log, name);
            }

            _ = createdFirst.Switch();
        }

        Assert.Equal(["created first, started last", "3", "2", "1"], log);
    });

    [Fact]
    [FeatureRow(85)]
    public void A_thread_that_ends_inside_of_one_cleans_up()
    {
        List<string> log = [];
        int owner = 0;
        OnThread.Run(() =>
        {
            using GreenletScope scope = GreenletScope.Enter();
            owner = Environment.CurrentManagedThreadId;
            Greenlet main = Greenlet.Current;
            _ = new Greenlet(() =>
            {
                try
                {
                    _ = main.Switch();
                }
                finally
                {
                    log.Add($"thread {ThisRun.ThreadId}");
                }
            }).Switch();
        });

        Assert.Equal([$"thread {owner}"], log);
    }

    [Fact]
    public void Scopes_nest() => OnThread.Run(() =>
    {
        List<string> log = [];
        using (GreenletScope outer = GreenletScope.Enter())
        {
            _ = Suspended(log, "outer");
            using (GreenletScope inner = GreenletScope.Enter())
            {
                _ = Suspended(log, "inner");
            }

            log.Add("between");
            _ = Suspended(log, "outer again");
        }

        Assert.Equal(["inner", "between", "outer again", "outer"], log);
    });

    [Fact]
    public void A_greenlet_may_have_one() => OnThread.Run(() =>
    {
        List<string> log = [];
        Greenlet main = Greenlet.Current;
        Greenlet owner = new(() =>
        {
            using GreenletScope scope = GreenletScope.Enter();
            _ = Suspended(log, "inside");
            _ = main.Switch();
        });

        _ = owner.Switch();
        Greenlet later = Suspended(log, "started meanwhile");
        Assert.Empty(log);
        _ = owner.Switch();

        Assert.Equal(["started meanwhile", "inside"], log);
        Assert.True(later.IsDead);
    });

    [Fact]
    public void What_a_cleanup_starts_is_ended_too() => OnThread.Run(() =>
    {
        List<string> log = [];
        Greenlet main = Greenlet.Current;
        using (GreenletScope scope = GreenletScope.Enter())
        {
            _ = new Greenlet(() =>
            {
                try
                {
                    _ = main.Switch();
                }
                finally
                {
                    _ = SuspendedUnstarted(log, "of the cleanup").Switch();
                    log.Add("cleanup");
                }
            }).Switch();
        }

        // The one started last switched to main instead of ending: its parent was passed over, and ended after it.
        Assert.Contains("of the cleanup", log);
    });

    [Fact]
    public void One_that_swallows_the_exit_is_reported_and_the_others_are_ended() => OnThread.Run(() =>
    {
        using Unobserved unobserved = new();
        List<string> log = [];
        Greenlet main = Greenlet.Current;
        Greenlet stubborn;
        using (GreenletScope scope = GreenletScope.Enter())
        {
            _ = Suspended(log, "older");
            stubborn = new Greenlet(() =>
            {
                while (true)
                {
                    try
                    {
                        _ = main.Switch();
                    }
                    catch (GreenletExit)
                    {
                        log.Add("swallowed");
                    }
                }
            })
            {
                Name = "swallows the exit of a scope",
            };
            _ = stubborn.Switch();
            _ = Suspended(log, "younger");
        }

        Assert.Equal(["younger", "swallowed", "older"], log);
        Assert.Equal(GreenletState.Suspended, stubborn.State);
        _ = Assert.IsType<GreenletException>(Assert.Single(unobserved.Of("swallows the exit of a scope")).Exception);
        _ = Assert.Throws<InvalidTimeZoneException>(() => stubborn.Throw(new InvalidTimeZoneException()));
    });

    [Fact]
    public void An_exception_of_a_cleanup_is_unobserved_and_the_others_are_ended() => OnThread.Run(() =>
    {
        using Unobserved unobserved = new();
        List<string> log = [];
        Greenlet main = Greenlet.Current;
        using (GreenletScope scope = GreenletScope.Enter())
        {
            _ = Suspended(log, "older");
            Greenlet failing = new(() =>
            {
                try
                {
                    _ = main.Switch();
                }
                catch (GreenletExit)
                {
                    throw new InvalidTimeZoneException();
                }
            })
            {
                Name = "fails at the end of a scope",
            };
            _ = failing.Switch();
        }

        Assert.Equal(["older"], log);
        _ = Assert.IsType<InvalidTimeZoneException>(Assert.Single(unobserved.Of("fails at the end of a scope")).Exception);
    });

    [Fact]
    public void It_does_not_hide_an_exception() => OnThread.Run(() =>
    {
        List<string> log = [];

        Assert.Throws<InvalidTimeZoneException>(Fail);

        Assert.Equal(["inside"], log);

        void Fail()
        {
            using GreenletScope scope = GreenletScope.Enter();
            _ = Suspended(log, "inside");
            throw new InvalidTimeZoneException();
        }
    });

    [Fact]
    public void Disposing_of_it_twice_does_nothing_more() => OnThread.Run(() =>
    {
        List<string> log = [];
        GreenletScope scope = GreenletScope.Enter();
        scope.Dispose();
        Greenlet later = Suspended(log, "later");

        scope.Dispose();

        Assert.Equal(GreenletState.Suspended, later.State);
        later.Dispose();
    });

    [Fact]
    public void Only_the_greenlet_that_entered_it_can_end_it() => OnThread.Run(() =>
    {
        using Worker worker = new();
        List<string> log = [];
        GreenletScope scope = GreenletScope.Enter();
        Greenlet inside = Suspended(log, "inside");

        Assert.Throws<InvalidOperationException>(() => worker.Do(scope.Dispose));
        Assert.Throws<InvalidOperationException>(() => new Greenlet(scope.Dispose).Switch());
        Assert.Equal(GreenletState.Suspended, inside.State);
        scope.Dispose();

        Assert.Equal(["inside"], log);
    });

    private Greenlet Suspended(List<string> log, string name)
    {
        Greenlet greenlet = SuspendedUnstarted(log, name);
        _kept.Add(greenlet);
        _ = greenlet.Switch();
        return greenlet;
    }

    // One that suspends itself when it is started, into whoever started it.
    private static Greenlet SuspendedUnstarted(List<string> log, string name)
    {
        Greenlet creator = Greenlet.Current;
        return new Greenlet(() =>
        {
            try
            {
                _ = creator.Switch();
            }
            finally
            {
                log.Add(name);
            }
        });
    }
}
