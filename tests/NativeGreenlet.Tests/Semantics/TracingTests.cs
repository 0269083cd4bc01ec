using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Section 8 of the table: rows 112 to 116, and 103.</summary>
public class TracingTests
{
    [Fact]
    [FeatureRow(112)]
    public void SetTrace_returns_the_previous_callback() => OnThread.Run(() =>
    {
        GreenletTraceCallback first = (_, _, _) => { };
        GreenletTraceCallback second = (_, _, _) => { };

        Assert.Null(Greenlet.GetTrace());
        Assert.Null(Greenlet.SetTrace(first));
        Assert.Same(first, Greenlet.GetTrace());
        Assert.Same(first, Greenlet.SetTrace(second));
        Assert.Same(second, Greenlet.SetTrace(null));
        Assert.Null(Greenlet.GetTrace());
    });

    [Fact]
    [FeatureRow(112, 114)]
    public void Switches_throws_and_both_ways_to_end_are_told_apart() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> events = [];
        Greenlet returning = new(value => value) { Name = "returning" };
        Greenlet failing = new(() => throw new InvalidTimeZoneException()) { Name = "failing" };
        Greenlet catching = new(() =>
        {
            try
            {
                _ = main.Switch();
            }
            catch (InvalidTimeZoneException)
            {
            }

            _ = main.Switch();
        })
        {
            Name = "catching",
        };
        Greenlet before = new(() => { });
        _ = before.Switch(); // not traced
        _ = Greenlet.SetTrace((kind, origin, target) => events.Add($"{kind} {origin.Name} {target.Name}"));

        _ = returning.Switch();
        Assert.Throws<InvalidTimeZoneException>(() => failing.Switch());
        _ = catching.Switch();
        _ = catching.Throw(new InvalidTimeZoneException());
        _ = catching.Throw(); // GreenletExit, which is returned to main
        _ = Greenlet.SetTrace(null);
        _ = new Greenlet(() => { }).Switch(); // not traced

        Assert.Equal(
            [
                "Switch main returning", "Switch returning main",
                "Switch main failing", "Throw failing main",
                "Switch main catching", "Switch catching main",
                "Throw main catching", "Switch catching main",
                "Throw main catching", "Switch catching main",
            ],
            events);
    });

    [Fact]
    [FeatureRow(113)]
    public void The_callback_runs_in_the_target_before_its_code_goes_on() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        AsyncLocal<string?> local = new() { Value = "main's" };
        List<string> log = [];
        Greenlet greenlet = new(() =>
        {
            log.Add("body");
            local.Value = "greenlet's";
            _ = main.Switch();
            log.Add("body again");
        })
        {
            Name = "greenlet",
        };
        _ = Greenlet.SetTrace((_, _, target) =>
        {
            Assert.Same(target, Greenlet.Current);
            Assert.Equal(GreenletState.Running, target.State);
            log.Add($"trace in {target.Name} with {local.Value}");
        });

        _ = greenlet.Switch();
        log.Add("main");
        _ = greenlet.Switch();
        log.Add("main again");

        Assert.Equal(
            [
                "trace in greenlet with main's", "body", "trace in main with main's", "main",
                "trace in greenlet with greenlet's", "body again", "trace in main with main's", "main again",
            ],
            log);
    });

    [Fact]
    [FeatureRow(113)]
    public void An_exception_of_the_callback_is_raised_in_the_target_and_ends_tracing() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> log = [];
        Greenlet greenlet = new(() =>
        {
            try
            {
                log.Add($"got {main.Switch()}");
            }
            catch (FormatException exception)
            {
                log.Add($"caught {exception.Message}");
            }

            return "ended";
        });
        _ = greenlet.Switch();
        int calls = 0;
        _ = Greenlet.SetTrace((_, _, _) =>
        {
            calls++;
            throw new FormatException("of the callback");
        });

        object? result = greenlet.Switch("lost");

        Assert.Equal("ended", result);
        Assert.Equal(["caught of the callback"], log);
        Assert.Equal(1, calls);
        Assert.Null(Greenlet.GetTrace());
    });

    [Fact]
    [FeatureRow(113)]
    public void An_exception_of_the_callback_replaces_one_in_flight() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() => main.Switch());
        _ = greenlet.Switch();
        _ = Greenlet.SetTrace((_, _, _) => throw new FormatException());

        Assert.Throws<FormatException>(() => greenlet.Throw(new InvalidTimeZoneException()));

        Assert.True(greenlet.IsDead);
        Assert.Null(Greenlet.GetTrace());
    });

    [Fact]
    [FeatureRow(113, 116)]
    public void An_exception_of_the_callback_at_the_first_switch_keeps_the_body_from_running() => OnThread.Run(() =>
    {
        bool hasRun = false;
        Greenlet greenlet = new(() => { hasRun = true; });
        _ = Greenlet.SetTrace((_, _, _) => throw new FormatException());

        Assert.Throws<FormatException>(() => greenlet.Switch());

        Assert.False(hasRun);
        Assert.True(greenlet.IsDead);
    });

    [Fact]
    [FeatureRow(115)]
    public void Switches_made_by_the_callback_are_traced_too() => OnThread.Run(() =>
    {
        Greenlet main = Greenlet.Current;
        List<string> events = [];
        Greenlet helper = new(() => "helped") { Name = "helper" };
        Greenlet greenlet = new(value => value) { Name = "greenlet" };
        object? helped = null;
        _ = Greenlet.SetTrace((kind, origin, target) =>
        {
            events.Add($"{kind} {origin.Name} {target.Name}");
            if (target == greenlet && helped is null)
            {
                helper.Parent = greenlet;
                helped = helper.Switch();
            }
        });

        object? result = greenlet.Switch("value");

        Assert.Equal("value", result);
        Assert.Equal("helped", helped);
        Assert.Equal(
            ["Switch main greenlet", "Switch greenlet helper", "Switch helper greenlet", "Switch greenlet main"],
            events);
    });

    [Fact]
    [FeatureRow(116)]
    public void The_first_switch_is_traced_before_the_body_begins() => OnThread.Run(() =>
    {
        List<string> log = [];
        Greenlet greenlet = new(() => log.Add("body")) { Name = "greenlet" };
        _ = Greenlet.SetTrace((_, origin, target) => log.Add($"to {target.Name} ({target.State}) from {origin.Name} ({origin.State})"));

        _ = greenlet.Switch();

        Assert.Equal(["to greenlet (Running) from main (Suspended)", "body", "to main (Running) from greenlet (Dead)"], log);
    });

    [Fact]
    [FeatureRow(103)]
    public void The_callback_is_per_thread() => OnThread.Run(() =>
    {
        using Worker worker = new();
        List<int> threads = [];
        _ = Greenlet.SetTrace((_, _, _) => threads.Add(ThisRun.ThreadId));

        worker.Do(() =>
        {
            Assert.Null(Greenlet.GetTrace());
            _ = new Greenlet(() => { }).Switch();
        });
        _ = new Greenlet(() => { }).Switch();

        Assert.Equal([Environment.CurrentManagedThreadId, Environment.CurrentManagedThreadId], threads);
    });

    [Fact]
    public void The_callback_may_replace_itself() => OnThread.Run(() =>
    {
        List<string> log = [];
        _ = Greenlet.SetTrace((_, _, _) =>
        {
            log.Add("first");
            _ = Greenlet.SetTrace((_, _, _) => log.Add("second"));
        });

        _ = new Greenlet(() => { }).Switch();

        Assert.Equal(["first", "second"], log);
    });
}
