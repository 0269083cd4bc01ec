using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>The deterministic kill, which Python has not: rows 81 to 83 hold for it too.</summary>
public class DisposeTests
{
    [Fact]
    public void Disposing_of_an_unstarted_greenlet_keeps_it_from_running() => OnThread.Run(() =>
    {
        bool hasRun = false;
        Greenlet greenlet = new(() => { hasRun = true; });

        greenlet.Dispose();
        greenlet.Dispose();

        Assert.True(greenlet.IsDead);
        Assert.Equal("for its parent", greenlet.Switch("for its parent"));
        Assert.False(hasRun);
    });

    [Fact]
    [FeatureRow(81)]
    public void Disposing_of_a_suspended_greenlet_runs_its_cleanup_before_it_returns() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet ownParent = new(() => main.Switch());
        _ = ownParent.Switch();
        Greenlet greenlet = new(
            () =>
            {
                using IDisposable resource = new Logging(log, "resource");
                try
                {
                    _ = main.Switch();
                }
                catch (GreenletExit)
                {
                    log.Add($"exit, parent is main: {Greenlet.Current.Parent == main}");
                    throw;
                }
            },
            ownParent);
        _ = greenlet.Switch();

        greenlet.Dispose();
        log.Add("disposed");

        Assert.Equal(["exit, parent is main: True", "resource", "disposed"], log);
        Assert.True(greenlet.IsDead);
        Assert.Same(ownParent, greenlet.Parent);
        Assert.Equal(GreenletState.Suspended, ownParent.State);
        ownParent.Dispose();
    });

    [Fact]
    public void A_using_statement_ends_a_worker_with_an_endless_loop() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        using (Greenlet worker = new(() =>
        {
            try
            {
                while (true)
                {
                    log.Add($"work {main.Switch()}");
                }
            }
            finally
            {
                log.Add("cleanup");
            }
        }))
        {
            _ = worker.Switch();
            _ = worker.Switch(1);
            _ = worker.Switch(2);
        }

        Assert.Equal(["work 1", "work 2", "cleanup"], log);
    });

    [Fact]
    public void Disposing_of_the_current_greenlet_ends_it() => OnThread.Run(() =>
    {
        bool wentOn = false;
        Greenlet greenlet = null!;
        greenlet = new Greenlet(() =>
        {
            greenlet.Dispose();
            wentOn = true;
        });

        object? result = greenlet.Switch();

        Assert.IsType<GreenletExit>(result);
        Assert.False(wentOn);
        Assert.True(greenlet.IsDead);
    });

    [Fact]
    public void A_main_greenlet_cannot_be_disposed_of() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;

        Assert.Throws<InvalidOperationException>(main.Dispose);

        Assert.Equal(GreenletState.Running, main.State);
    });

    [Fact]
    public void An_exception_of_the_cleanup_is_thrown_to_whoever_disposes() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() =>
        {
            try
            {
                _ = main.Switch();
            }
            catch (GreenletExit)
            {
                throw new InvalidTimeZoneException("of the cleanup");
            }
        });
        _ = greenlet.Switch();

        Assert.Equal("of the cleanup", Assert.Throws<InvalidTimeZoneException>(greenlet.Dispose).Message);
        Assert.True(greenlet.IsDead);
    });

    [Fact]
    [FeatureRow(82)]
    public void One_that_swallows_the_exit_stays_alive_and_is_reported() => OnThread.Run(() =>
    {
        using Unobserved unobserved = new();
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() =>
        {
            try
            {
                _ = main.Switch();
            }
            catch (GreenletExit)
            {
            }

            _ = main.Switch();
            return "ended";
        })
        {
            Name = "swallows a dispose",
        };
        _ = greenlet.Switch();

        greenlet.Dispose();

        Assert.Equal(GreenletState.Suspended, greenlet.State);
        (Exception exception, _, _) = Assert.Single(unobserved.Of("swallows a dispose"));
        Assert.IsType<GreenletException>(exception);
        Assert.Equal("ended", greenlet.Switch());
    });

    [Fact]
    public void On_another_thread_the_owner_does_it_at_its_next_use_of_the_library() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet greenlet = new(() =>
        {
            try
            {
                _ = main.Switch();
            }
            catch (GreenletExit exit)
            {
                log.Add($"{exit.Message} Thread {ThisRun.ThreadId}");
                throw;
            }
        });
        _ = greenlet.Switch();

        worker.Do(greenlet.Dispose);
        Assert.Equal(GreenletState.Suspended, greenlet.State);
        _ = Greenlet.Current;

        Assert.True(greenlet.IsDead);
        Assert.Equal([$"Killing the greenlet because it was disposed of. Thread {Environment.CurrentManagedThreadId}"], log);
    });

    [Fact]
    [FeatureRow(83)]
    public void An_exception_of_a_kill_that_another_thread_asked_for_is_unobserved() => OnThread.Run(() =>
    {
        using Worker worker = new();
        using Unobserved unobserved = new();
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() =>
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
            Name = "fails when disposed of",
        };
        _ = greenlet.Switch();

        worker.Do(greenlet.Dispose);
        _ = Greenlet.Current;

        Assert.True(greenlet.IsDead);
        Assert.IsType<InvalidTimeZoneException>(Assert.Single(unobserved.Of("fails when disposed of")).Exception);
    });

    [Fact]
    public void A_running_greenlet_that_another_thread_disposes_of_is_killed_once_it_is_left() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet main = Greenlet.Current;
        bool cleanedUp = false;
        Greenlet greenlet = null!;
        greenlet = new Greenlet(() =>
        {
            try
            {
                worker.Do(greenlet.Dispose);
                _ = Greenlet.Current; // it cannot be killed here
                Assert.Equal(GreenletState.Running, greenlet.State);
                _ = main.Switch();
            }
            finally
            {
                cleanedUp = true;
            }
        });

        _ = greenlet.Switch();
        _ = Greenlet.Current;

        Assert.True(greenlet.IsDead);
        Assert.True(cleanedUp);
    });

    [Fact]
    public void An_unstarted_greenlet_may_be_disposed_of_by_any_thread() => OnThread.Run(() =>
    {
        using Worker worker = new();
        Greenlet greenlet = new(() => "ran");

        worker.Do(greenlet.Dispose);

        Assert.True(greenlet.IsDead);
        Assert.Null(greenlet.Switch());
    });

    [Fact]
    public void Disposing_of_a_greenlet_of_an_ended_thread_does_nothing()
    {
        Greenlet greenlet = OnThread.Run(() =>
        {
            Greenlet main = Greenlet.Current;
            Greenlet suspended = new(() => main.Switch());
            _ = suspended.Switch();
            return suspended;
        });

        greenlet.Dispose();

        Assert.True(greenlet.IsDead);
    }

    private sealed class Logging(List<string> log, string name) : IDisposable
    {
        public void Dispose() => log.Add(name);
    }
}
