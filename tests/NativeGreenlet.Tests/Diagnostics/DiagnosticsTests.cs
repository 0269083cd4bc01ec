using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using NativeGreenlet.Common;
using NativeGreenlet.Diagnostics;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Diagnostics;

/// <summary>Row 30. The figures are of the whole process, so each test has one of its own.</summary>
public class DiagnosticsTests
{
    [UnfrozenFact("the check at the first use has greenlets of its own")]
    [FeatureRow(30)]
    public void The_figures_follow_what_happens() => Succeeds(InChild.Run(Count));

    [Fact]
    [FeatureRow(30)]
    public void The_figures_follow_what_happens_where_stacks_are_threads() =>
        Succeeds(InChild.Run(Count, ("NATIVEGREENLET_BACKEND", "threads")));

    [Fact]
    [FeatureRow(30)]
    public void The_dump_shows_every_greenlet_that_has_begun() => Succeeds(InChild.Run(Dump));

    [Fact]
    [FeatureRow(30)]
    public void The_meter_publishes_the_same_figures() => Succeeds(InChild.Run(Measure));

    [Fact]
    public void The_event_source_tells_of_starts_deaths_and_kills() => Succeeds(InChild.Run(ListenToLives));

    [UnfrozenFact("a freeze allocates")]
    public void The_event_source_tells_of_switches_only_when_they_are_asked_for() => Succeeds(InChild.Run(ListenToSwitches));

    [Fact]
    public void The_event_source_tells_which_backend_was_chosen() => Succeeds(InChild.Run(ListenToChoice));

    [Fact]
    public void The_event_source_describes_itself() => Assert.NotNull(
        EventSource.GenerateManifest(typeof(GreenletEventSource), "NativeGreenlet.dll", EventManifestOptions.Strict));

    [Fact]
    public void The_self_test_passes_on_segments() => Succeeds(InChild.Run(TestItself, ("NATIVEGREENLET_BACKEND", "segments"), ("DOTNET_gcConservative", "0")));

    [LinuxFact]
    public void The_self_test_passes_on_slices() => Succeeds(InChild.Run(TestItself, ("NATIVEGREENLET_BACKEND", "slices"), ("DOTNET_gcConservative", "1")));

    [Fact]
    public void The_self_test_passes_on_threads() => Succeeds(InChild.Run(TestItself, ("NATIVEGREENLET_BACKEND", "threads")));

    private static void Succeeds(InChild.Result child) => Assert.True(
        child.ExitCode == 0 && child.Output.TrimEnd().EndsWith("done", StringComparison.Ordinal),
        $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");

    private static void Count()
    {
        Assert.Equal((0, 0, 0), (GreenletDiagnostics.Live, GreenletDiagnostics.Threads, GreenletDiagnostics.Switches));
        Greenlet main = Greenlet.Current;
        Assert.Equal(1, GreenletDiagnostics.Threads);
        bool hasSegments = GreenletRuntime.Backend == GreenletBackend.Segments;
        int segment = hasSegments ? 1 : 0;

        Greenlet greenlet = new(() =>
        {
            Assert.Equal((1, 0), (GreenletDiagnostics.Live, GreenletDiagnostics.Suspended));
            _ = main.Switch();
            Greenlet inner = new(() =>
            {
                Assert.Equal((2, 1), (GreenletDiagnostics.Live, GreenletDiagnostics.Suspended));
                Assert.Equal(2 * segment, GreenletDiagnostics.Segments.InUse);
            });
            _ = inner.Switch();
        });
        Assert.Equal((0, 0, 0), (GreenletDiagnostics.Live, GreenletDiagnostics.Suspended, GreenletDiagnostics.Switches));
        _ = greenlet.Switch();
        Assert.Equal((1, 1, 2), (GreenletDiagnostics.Live, GreenletDiagnostics.Suspended, GreenletDiagnostics.Switches));
        Assert.Equal((segment, 0), (GreenletDiagnostics.Segments.InUse, GreenletDiagnostics.Segments.Pooled));
        _ = greenlet.Switch();
        Assert.Equal((0, 0, 6), (GreenletDiagnostics.Live, GreenletDiagnostics.Suspended, GreenletDiagnostics.Switches));
        Assert.Equal((0, 2 * segment), (GreenletDiagnostics.Segments.InUse, GreenletDiagnostics.Segments.Pooled));

        CountKills(main);
        CountThreads();
        if (hasSegments)
        {
            CountRecords(main);
        }

        Console.WriteLine("done");
    }

    private static void CountKills(Greenlet main)
    {
        Greenlet disposed = new(() => main.Switch());
        _ = disposed.Switch();
        using (Worker worker = new())
        {
            worker.Do(disposed.Dispose);
        }

        Assert.Equal((1, 1), (GreenletDiagnostics.Live, GreenletDiagnostics.PendingKills));
        _ = Greenlet.Current;
        Assert.Equal((0, 0), (GreenletDiagnostics.Live, GreenletDiagnostics.PendingKills));
    }

    private static void CountThreads()
    {
        Worker worker = new();
        Assert.Equal(1, GreenletDiagnostics.Threads);
        Greenlet there = worker.Do(() =>
        {
            Greenlet main = Greenlet.Current;
            Greenlet suspended = new(() => main.Switch());
            _ = suspended.Switch();
            return suspended;
        });
        Assert.Equal((2, 1), (GreenletDiagnostics.Threads, GreenletDiagnostics.Live));
        worker.Dispose();

        Assert.Equal((1, 0), (GreenletDiagnostics.Threads, GreenletDiagnostics.Live)); // nothing of it is left, at once
        Assert.True(there.IsDead);
    }

    private static void CountRecords(Greenlet main)
    {
        long before = GreenletDiagnostics.ThreadRecords;
        Assert.InRange(before, 1, 3);
        Greenlet[] inCatch = [.. Enumerable.Range(0, 10).Select(i => new Greenlet(() =>
        {
            try
            {
                throw new InvalidTimeZoneException();
            }
            catch (InvalidTimeZoneException)
            {
                _ = main.Switch();
            }
        }))];
        for (int turn = 0; turn < 2; turn++)
        {
            Array.ForEach(inCatch, greenlet => greenlet.Switch());
            Assert.InRange(GreenletDiagnostics.ThreadRecords, before + 7, before + 10); // kept for the next
        }
    }

    private static void Dump()
    {
        Greenlet main = Greenlet.Current;
        using Worker worker = new();
        _ = worker.Do(() =>
        {
            Greenlet there = Greenlet.Current;
            Greenlet elsewhere = new(() => there.Switch()) { Name = "elsewhere" };
            _ = elsewhere.Switch();
            return elsewhere;
        });
        Greenlet unstarted = new(() => { }) { Name = "unstarted" };
        Greenlet dead = new(() => { }) { Name = "dead" };
        _ = dead.Switch();
        Greenlet reader = new(() => WaitDeepInside(main)) { Name = "reader" };
        _ = reader.Switch();
        string inside = string.Empty;
        Greenlet dumper = new(() => { inside = DumpText(); }) { Name = "dumper" };

        string outside = DumpText();
        _ = dumper.Switch();

        string[] lines = outside.Split('\n');
        int segments = GreenletRuntime.Backend == GreenletBackend.Segments ? 2 : 0;
        Assert.Matches($@"^greenlets: 2 live, 2 suspended, 0 to be killed; threads: 2; switches: \d+; thread records: \d+; segments: {segments} in use, \d+ pooled$", lines[0]);
        int thread = Environment.CurrentManagedThreadId;
        Assert.Contains($"thread {thread}: 1 live, 0 to be killed, current: Greenlet 'main' on thread {thread}, running", lines);
        string line = Assert.Single(lines, line => line.Contains("'reader'", StringComparison.Ordinal));
        Assert.Matches(@"^  Greenlet 'reader' on thread \d+, suspended, [1-9]\d* bytes of stack$", line);
        Assert.Contains($"thread {thread}, suspended", line, StringComparison.Ordinal);
        Assert.Contains(nameof(WaitDeepInside), outside, StringComparison.Ordinal);
        Assert.Contains($"thread {worker.ThreadId}: 1 live", outside, StringComparison.Ordinal);
        Assert.Single(lines, line => line.Contains("'elsewhere'", StringComparison.Ordinal));
        Assert.DoesNotContain("'unstarted'", outside, StringComparison.Ordinal);
        Assert.DoesNotContain("'dead'", outside, StringComparison.Ordinal);

        Assert.StartsWith("greenlets: 3 live, 2 suspended", inside, StringComparison.Ordinal);
        Assert.Contains("current: Greenlet 'dumper'", inside, StringComparison.Ordinal);
        Assert.Contains(nameof(WaitDeepInside), inside, StringComparison.Ordinal);

        Assert.Equal(GreenletState.Suspended, reader.State);
        Assert.Equal("read", reader.Switch("read")); // it did not notice
        Assert.Throws<ArgumentNullException>(() => GreenletDiagnostics.Dump(null!));
        Console.WriteLine("done");
    }

    private static string DumpText()
    {
        using StringWriter writer = new() { NewLine = "\n" };
        GreenletDiagnostics.Dump(writer);
        return writer.ToString();
    }

    private static object? WaitDeepInside(Greenlet main) => main.Switch();

    private static void Measure()
    {
        Dictionary<string, (Instrument Instrument, long Value)> seen = [];
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == LibraryEvents.SourceName)
                {
                    lock (seen)
                    {
                        seen.Add(instrument.Name, (instrument, -1));
                    }

                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => seen[instrument.Name] = (instrument, value));
        listener.Start();
        Greenlet main = Greenlet.Current;
        Greenlet[] greenlets = [.. Enumerable.Range(0, 3).Select(_ => new Greenlet(() => main.Switch()))];
        Array.ForEach(greenlets, greenlet => greenlet.Switch());
        string[] expected =
        [
            "nativegreenlet.freeze.shapes",
            "nativegreenlet.freezes",
            "nativegreenlet.freezes.refused",
            "nativegreenlet.greenlets.frozen",
            "nativegreenlet.greenlets.live",
            "nativegreenlet.greenlets.pending_kills",
            "nativegreenlet.greenlets.suspended",
            "nativegreenlet.switches",
            "nativegreenlet.thaws",
            "nativegreenlet.thread_records",
            "nativegreenlet.threads",
        ];
        WaitUntil(
            () =>
            {
                lock (seen)
                {
                    return seen.Count == expected.Length;
                }
            },
            "the instruments are published");

        listener.RecordObservableInstruments();

        Assert.Equal(expected, seen.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(3, seen["nativegreenlet.greenlets.live"].Value);
        Assert.Equal(3, seen["nativegreenlet.greenlets.suspended"].Value);
        Assert.Equal(0, seen["nativegreenlet.greenlets.pending_kills"].Value);
        Assert.Equal(6, seen["nativegreenlet.switches"].Value);
        Assert.Equal(1, seen["nativegreenlet.threads"].Value);
        Assert.Equal(GreenletDiagnostics.ThreadRecords, seen["nativegreenlet.thread_records"].Value);
        Assert.All(seen.Values, value => Assert.False(string.IsNullOrEmpty(value.Instrument.Unit)));
        Assert.All(seen.Values, value => Assert.False(string.IsNullOrEmpty(value.Instrument.Description)));

        Array.ForEach(greenlets, greenlet => greenlet.Switch());
        listener.RecordObservableInstruments();
        Assert.Equal(0, seen["nativegreenlet.greenlets.live"].Value);
        Assert.Equal(12, seen["nativegreenlet.switches"].Value);
        Console.WriteLine("done");
    }

    private static void ListenToLives()
    {
        using LibraryEvents listener = new();
        _ = new Greenlet(() => { }).Switch(); // not heard: the source may not be there yet
        WaitUntil(() => listener.Source is not null, "the source is published");
        listener.Enable(EventLevel.Informational, GreenletEventSource.Keywords.Life);
        Greenlet main = Greenlet.Current;
        using Worker worker = new();

        Greenlet greenlet = new(() => main.Switch()) { Name = "first" };
        _ = greenlet.Switch();
        _ = greenlet.Switch();
        Greenlet killed = new(() => main.Switch()) { Name = "second" };
        _ = killed.Switch();
        worker.Do(killed.Dispose);
        _ = Greenlet.Current;

        Assert.Equal(
            ["Start 'first'", "Death 'first'", "Start 'second'", "Kill 'second' False", "Death 'second'"],
            listener.Heard());

        listener.Disable();
        _ = new Greenlet(() => { }).Switch();
        Assert.Equal(5, listener.Heard().Count);

        listener.Enable(EventLevel.Warning, GreenletEventSource.Keywords.Life);
        _ = new Greenlet(() => { }).Switch();
        Assert.Equal(5, listener.Heard().Count);
        Console.WriteLine("done");
    }

    private static void ListenToSwitches()
    {
        using LibraryEvents listener = new();
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() =>
        {
            while (true)
            {
                _ = main.Switch();
            }
        })
        {
            Name = "greenlet",
        };
        _ = greenlet.Switch();
        WaitUntil(() => listener.Source is not null, "the source is published");

        listener.Enable(EventLevel.Verbose, GreenletEventSource.Keywords.Life);
        _ = greenlet.Switch();
        Assert.Empty(listener.Heard());

        listener.Enable(EventLevel.Informational, GreenletEventSource.Keywords.Switch);
        _ = greenlet.Switch();
        Assert.Empty(listener.Heard());

        listener.Enable(EventLevel.Verbose, GreenletEventSource.Keywords.Switch);
        _ = greenlet.Switch();
        Assert.Equal(["Switch 'main' 'greenlet'", "Switch 'greenlet' 'main'"], listener.Heard());

        // A thread that comes later is heard too.
        OnThread.Run(() => new Greenlet(() => { }) { Name = "there" }.Switch());
        Assert.Equal(["Switch 'main' 'there'", "Switch 'there' 'main'"], listener.Heard().Skip(2));

        listener.Disable();
        _ = greenlet.Switch();
        Assert.Equal(4, listener.Heard().Count);
        Assert.Equal(0, Allocation.Of(10_000, () => greenlet.Switch())); // nothing is formatted when nobody listens
        Console.WriteLine("done");
    }

    private static void ListenToChoice()
    {
        using LibraryEvents listener = new();
        listener.EnableWhenCreated(EventLevel.Informational, GreenletEventSource.Keywords.Life);
        _ = GreenletRuntime.Backend;
        WaitUntil(() => listener.Heard().Count == 1, "the choice is told");

        Assert.Equal([$"BackendChosen {GreenletRuntime.Description}"], listener.Heard());
        Console.WriteLine("done");
    }

    private static void TestItself()
    {
        string report = GreenletRuntime.SelfTest();

        string[] lines = report.TrimEnd().Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Equal(GreenletRuntime.Description, lines[0].TrimEnd());
        Assert.Equal(Environment.GetEnvironmentVariable("NATIVEGREENLET_BACKEND"), $"{GreenletRuntime.Backend}".ToLowerInvariant());
        Assert.Matches(@"^ok: 16 greenlets, \d+ switches, \d+ checks, \d+ ms", lines[1]);
        Console.WriteLine(report);
        Console.WriteLine("done");
    }

    private static void WaitUntil(Func<bool> isSo, string what) =>
        Assert.True(SpinWait.SpinUntil(isSo, OnThread.Patience), $"not so: {what}");
}
