using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Section 2 of the table: rows 21 to 31.</summary>
public class StateTests
{
    [Fact]
    [FeatureRow(21)]
    public void Current_is_the_greenlet_that_runs_of_whatever_class() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<Greenlet> seen = [];
        Own own = new(seen);

        seen.Add(Greenlet.Current);
        _ = own.Switch();
        seen.Add(Greenlet.Current);

        Assert.Equal([main, own, main], seen);
        Assert.IsType<Own>(seen[1]);
    });

    [Fact]
    [FeatureRow(22)]
    public void Each_thread_has_one_main_greenlet() => OnThread.Run(() =>
    {
        using Worker worker = new();

        Greenlet here = Greenlet.Current;
        Greenlet there = worker.Do(() => Greenlet.Current);

        Assert.NotSame(here, there);
        Assert.Same(here, Greenlet.Current);
        Assert.Same(there, worker.Do(() => Greenlet.Current));
        Assert.All(new[] { here, there }, main =>
        {
            Assert.True(main.IsMain);
            Assert.True(main.IsActive);
            Assert.False(main.IsDead);
            Assert.Null(main.Parent);
        });
        Assert.Equal(Environment.CurrentManagedThreadId, here.OwnerThreadId);
        Assert.Equal(worker.ThreadId, there.OwnerThreadId);
    });

    [Fact]
    [FeatureRow(22)]
    public void Only_main_greenlets_are_main_and_without_a_parent() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() => main.Switch());
        List<(bool IsMain, Greenlet? Parent)> seen = [(greenlet.IsMain, greenlet.Parent)];

        _ = greenlet.Switch();
        seen.Add((greenlet.IsMain, greenlet.Parent));
        _ = greenlet.Switch();
        seen.Add((greenlet.IsMain, greenlet.Parent));

        Assert.All(seen, each => Assert.Equal((false, main), each));
    });

    [Fact]
    [FeatureRow(23)]
    public void A_main_greenlet_is_an_ordinary_greenlet() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() => main.Switch("to main"));

        Assert.IsType<Greenlet>(main);
        Assert.Equal("to main", greenlet.Switch());
        Assert.Equal(GreenletState.Running, main.State);
        Assert.Equal("main", main.Name);
    });

    [Fact]
    [FeatureRow(24, 25, 26)]
    public void States_follow_its_life() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<(GreenletState Own, GreenletState Main)> states = [];
        List<(bool IsActive, bool IsDead)> flags = [];
        Greenlet greenlet = null!;
        void Note()
        {
            states.Add((greenlet.State, main.State));
            flags.Add((greenlet.IsActive, greenlet.IsDead));
        }

        greenlet = new Greenlet(() =>
        {
            Note();
            _ = main.Switch();
            Note();
        });

        Note();
        _ = greenlet.Switch();
        Note();
        _ = greenlet.Switch();
        Note();

        Assert.Equal(
            [
                (GreenletState.Unstarted, GreenletState.Running),
                (GreenletState.Running, GreenletState.Suspended),
                (GreenletState.Suspended, GreenletState.Running),
                (GreenletState.Running, GreenletState.Suspended),
                (GreenletState.Dead, GreenletState.Running),
            ],
            states);
        Assert.Equal([(false, false), (true, false), (true, false), (true, false), (false, true)], flags);
    });

    [Fact]
    [FeatureRow(25)]
    public void It_is_dead_after_a_return_an_exception_and_a_kill() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet returned = new(() => { });
        Greenlet failed = new(() => throw new InvalidTimeZoneException());
        Greenlet killed = new(() => main.Switch());

        _ = returned.Switch();
        Assert.Throws<InvalidTimeZoneException>(() => failed.Switch());
        _ = killed.Switch();
        killed.Dispose();

        Assert.All(new[] { returned, failed, killed }, greenlet =>
        {
            Assert.True(greenlet.IsDead);
            Assert.False(greenlet.IsActive);
            Assert.Equal(GreenletState.Dead, greenlet.State);
        });
    });

    [Fact]
    [FeatureRow(26, 27)]
    public void The_text_tells_class_name_thread_and_state() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> texts = [];
        Own own = null!;
        own = new Own([], () =>
        {
            texts.Add(own.ToString());
            _ = main.Switch();
        })
        {
            Name = "reader",
        };

        texts.Add(own.ToString());
        _ = own.Switch();
        texts.Add(own.ToString());
        _ = own.Switch();
        texts.Add(own.ToString());

        string[] words = ["unstarted", "running", "suspended", "dead"];
        Assert.All(texts.Zip(words), pair =>
        {
            Assert.StartsWith("Own 'reader'", pair.First, StringComparison.Ordinal);
            Assert.Contains(pair.Second, pair.First, StringComparison.Ordinal);
        });
        Assert.DoesNotContain("thread", texts[0], StringComparison.Ordinal);
        Assert.All(texts.Skip(1), text => Assert.Contains($"thread {Environment.CurrentManagedThreadId}", text, StringComparison.Ordinal));
        Assert.Contains("main", main.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    [FeatureRow(26, 28)]
    public void Greenlets_of_a_thread_that_ended_are_dead_at_once_and_say_so()
    {
        Greenlet suspended = null!;
        Greenlet main = OnThread.Run(() =>
        {
            Greenlet current = Greenlet.Current;
            suspended = new Greenlet(() => current.Switch());
            _ = suspended.Switch();
            Assert.True(suspended.IsActive);
            return current;
        });

        Assert.All(new[] { main, suspended }, greenlet =>
        {
            for (int i = 0; i < 2; i++)
            {
                Assert.Equal(GreenletState.Dead, greenlet.State);
                Assert.True(greenlet.IsDead);
                Assert.False(greenlet.IsActive);
                Assert.Contains("(thread exited) dead", greenlet.ToString(), StringComparison.Ordinal);
            }
        });
        Assert.True(main.IsMain);
        Assert.Null(main.Parent);
    }

    [Fact]
    [FeatureRow(29)]
    public void The_functions_of_greenlets_module_are_statics_of_the_class() => OnThread.Run(() =>
    {
        GreenletTraceCallback callback = (_, _, _) => { };

        Assert.NotNull(Greenlet.Current);
        Assert.Null(Greenlet.SetTrace(callback));
        Assert.Same(callback, Greenlet.GetTrace());
    });

    [Fact]
    public void The_name_can_be_changed_at_any_time() => OnThread.Run(() =>
    {
        Greenlet greenlet = new(() => { });
        Assert.Null(greenlet.Name);

        greenlet.Name = "before";
        Assert.Equal("before", greenlet.Name);
        _ = greenlet.Switch();
        greenlet.Name = "after";

        Assert.Equal("after", greenlet.Name);
    });

    private sealed class Own(List<Greenlet> seen, Action? then = null) : Greenlet
    {
        protected override object? Run(object? value)
        {
            seen.Add(Current);
            then?.Invoke();
            return null;
        }
    }
}
