using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Diagnostics;

/// <summary>Watchdog, dump and figures.</summary>
public class DiagnosticsTests
{
    // The one calls the other, which may be inlined.
    private static readonly string[] s_leaves = ["SwitchOut", "Park"];

    [Fact]
    public void The_watchdog_tells_who_blocks_a_hub_and_where() => InHub.OnThread(() =>
    {
        ConcurrentQueue<HubBlockedEventArgs> reports = new();
        using HubWatchdog watchdog = new(TimeSpan.FromMilliseconds(100));
        watchdog.Blocked += (_, e) =>
        {
            if (e.Task?.Name is "patient" or "blocker")
            {
                reports.Enqueue(e);
            }
        };
        watchdog.Start();
        Hub.Run(() =>
        {
            GreenTask patient = Hub.Spawn(() => Hub.Sleep(TimeSpan.FromMilliseconds(300)));
            patient.Name = "patient";
            patient.Join();
            Assert.Empty(reports); // who waits blocks nobody
            GreenTask blocker = Hub.Spawn(() => BlockTheThread(reports));
            blocker.Name = "blocker";
            blocker.Join();
        });
        Assert.Equal(2, reports.Count);
        Assert.Null(reports.First().StackTrace);
        Assert.Contains(nameof(BlockTheThread), reports.Last().StackTrace!.ToString(), StringComparison.Ordinal);
        Assert.Contains(reports.Last().StackTrace!.GetFrame(0)!.GetMethod()!.Name, s_leaves); // from where it leaves its stack
        Assert.True(reports.Last().Duration >= TimeSpan.FromMilliseconds(100));
    });

    [Fact]
    public async Task Each_of_two_watchdogs_gets_the_stacks_of_its_own_hubs()
    {
        using Hub hub = Hub.Start("watched");
        using Hub other = Hub.Start("not watched");
        ConcurrentQueue<HubBlockedEventArgs>[] reports = [new(), new()];
        using HubWatchdog first = new(TimeSpan.FromMilliseconds(100), [hub]);
        using HubWatchdog second = new(TimeSpan.FromMilliseconds(150), [hub]);
        using HubWatchdog unstarted = new(TimeSpan.FromMilliseconds(1));
        first.Blocked += (_, e) => reports[0].Enqueue(e);
        second.Blocked += (_, e) => reports[1].Enqueue(e);
        unstarted.Blocked += (_, e) => reports[0].Enqueue(e);
        await hub.InvokeAsync(() => Hub.Sleep(InHub.Tick)); // the first task of a hub takes long
        first.Start();
        first.Start();
        second.Start();
        await other.InvokeAsync(() =>
        {
            Thread.Sleep(500); // longer than both limits
            Hub.Sleep(InHub.Tick);
        });
        Assert.Empty(reports[0].Concat(reports[1]));
        await hub.InvokeAsync(() =>
        {
            SpinWait.SpinUntil(() => Array.TrueForAll(reports, each => !each.IsEmpty), InHub.Long);
            Hub.Sleep(InHub.Tick);
        });
        Assert.All(reports, each =>
        {
            Assert.All(each, report => Assert.Same(hub, report.Hub));
            Assert.Equal(2, each.Count);
            Assert.NotNull(each.Last().StackTrace);
        });
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(first.Start);
    }

    [Fact]
    public void A_dump_shows_what_each_task_waits_for_and_where() => InHub.Run(() =>
    {
        GreenTask waiting = Hub.Spawn(WaitSomewhere);
        waiting.Name = "waiting";
        Hub.Yield();
        using StringWriter writer = new();
        Hub.Current.Dump(writer);
        Assert.Contains("2 tasks", writer.ToString(), StringComparison.Ordinal);
        Assert.Contains("'waiting', running, waits for an event", writer.ToString(), StringComparison.Ordinal);
        Assert.Contains(nameof(WaitSomewhere), writer.ToString(), StringComparison.Ordinal);
        Assert.Contains("the current one", writer.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    public void A_dump_shows_where_a_task_was_spawned_if_asked_to()
    {
        InHub.Run(() => Assert.Null(Hub.Spawn(() => { }).SpawnStack));
        InHub.Run(
            () =>
            {
                GreenTask task = SpawnHere();
                Hub.Yield();
                using StringWriter dump = new();
                Hub.Current.Dump(dump);
                Assert.Contains(nameof(SpawnHere), dump.ToString(), StringComparison.Ordinal);
                task.Kill();
            },
            new HubOptions { KeepsSpawnStacks = true });

        [MethodImpl(MethodImplOptions.NoInlining)]
        static GreenTask SpawnHere() => Hub.Spawn(() => Hub.Sleep(InHub.Long));
    }

    [Fact]
    public void A_signal_starts_a_task() => InHub.Run(() =>
    {
        if (OperatingSystem.IsWindows())
        {
            return; // a program cannot send them to itself there
        }

        int handled = 0;
        using (Hub.OnSignal(PosixSignal.SIGCONT, () =>
        {
            Hub.Sleep(InHub.Tick); // it is a task: it may wait
            handled++;
        }))
        {
            for (int i = 1; i <= 3; i++)
            {
                Assert.Equal(0, GreenProcess.Run("kill", "-CONT", $"{Environment.ProcessId}").ExitCode);
                while (handled < i)
                {
                    Hub.Sleep(InHub.Tick);
                }
            }
        }

        GreenProcess.Run("kill", "-CONT", $"{Environment.ProcessId}");
        Hub.Sleep(InHub.Tick * 20);
        Assert.Equal(3, handled);
    });

    [Fact]
    public void The_meter_counts_hubs_and_tasks() => InHub.Run(() =>
    {
        ConcurrentDictionary<string, long> seen = new();
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, each) =>
            {
                if (instrument.Meter.Name == "NativeGreenlet.Cooperative")
                {
                    each.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => seen[instrument.Name] = value);
        string own = Hub.Current.Name;
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            if (tags.Length == 0 || (string?)tags[0].Value == own)
            {
                seen[instrument.Name] = value;
            }
        });
        listener.Start();
        listener.RecordObservableInstruments();
        long before = seen["nativegreenlet.tasks"];
        GreenTask[] tasks = [.. Enumerable.Range(0, 5).Select(_ => Hub.Spawn(() => { }))];
        listener.RecordObservableInstruments();
        Assert.Equal(before + 5, seen["nativegreenlet.tasks"]);
        Assert.True(seen["nativegreenlet.hubs"] >= 1);
        long resumptions = seen["nativegreenlet.hub.resumptions"];
        Hub.WaitAll(tasks);
        listener.RecordObservableInstruments();
        Assert.Equal(before, seen["nativegreenlet.tasks"]);
        Assert.True(seen["nativegreenlet.hub.resumptions"] >= resumptions + 5);
        Assert.Equal(1, Hub.Current.TaskCount);
    });

    private static void WaitSomewhere() => new GreenEvent().Wait();

    private static void BlockTheThread(ConcurrentQueue<HubBlockedEventArgs> reports)
    {
        SpinWait.SpinUntil(() => !reports.IsEmpty, InHub.Long);
        Hub.Sleep(InHub.Tick);
    }
}
