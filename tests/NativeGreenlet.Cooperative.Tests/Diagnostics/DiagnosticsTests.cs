using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Diagnostics;

/// <summary>Watchdog, dump and figures.</summary>
public class DiagnosticsTests
{
    [Fact]
    public void The_watchdog_tells_who_blocks_a_hub_and_where() => InHub.OnThread(() =>
    {
        ConcurrentQueue<HubBlockedEventArgs> reports = new();
        using HubWatchdog watchdog = new(TimeSpan.FromMilliseconds(50));
        watchdog.Blocked += (_, e) =>
        {
            if (e.Task?.Name == "blocker")
            {
                reports.Enqueue(e);
            }
        };
        Hub.Run(() =>
        {
            GreenTask patient = Hub.Spawn(() => Hub.Sleep(TimeSpan.FromMilliseconds(300)));
            patient.Join();
            Assert.Empty(reports); // who waits blocks nobody
            GreenTask blocker = Hub.Spawn(() => BlockTheThread(reports));
            blocker.Name = "blocker";
            blocker.Join();
        });
        Assert.Equal(2, reports.Count);
        Assert.Null(reports.First().StackTrace);
        Assert.Contains(nameof(BlockTheThread), reports.Last().StackTrace!.ToString(), StringComparison.Ordinal);
        Assert.True(reports.Last().Duration >= TimeSpan.FromMilliseconds(50));
    });

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
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => seen[instrument.Name] = value);
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
