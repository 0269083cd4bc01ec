using System.Diagnostics;
using System.Diagnostics.Metrics;
using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative.Diagnostics;

/// <summary>Figures of all hubs as instruments of the meter <c>NativeGreenlet.Cooperative</c>; read only when someone
/// listens; and its histograms.</summary>
internal static class HubMeter
{
    /// <summary>The attribute with the name of a hub.</summary>
    public const string NameTag = "nativegreenlet.hub.name";

    private static readonly Lock s_lock = new();
    private static Meter? s_meter;
    private static HubTimes? s_times;

    /// <summary>The histograms, once they are published.</summary>
    public static HubTimes? Times => s_times;

    /// <summary>Publishes the instruments, unless they are. If a listener fails, or there is no memory, the next hub tries
    /// again; hubs run all the same.</summary>
    public static void Publish()
    {
        if (Volatile.Read(ref s_meter) is not null)
        {
            return;
        }

        lock (s_lock)
        {
            if (s_meter is null)
            {
                TryCreate();
            }
        }
    }

    private static void TryCreate()
    {
        Meter? meter = null;
        try
        {
            meter = new Meter("NativeGreenlet.Cooperative");
            AddTo(meter);
            s_times = new HubTimes(meter);
            Volatile.Write(ref s_meter, meter);
        }
        catch (Exception exception)
        {
            meter?.Dispose();
            Trace.WriteLine($"The meter NativeGreenlet.Cooperative could not be published: {exception}");
        }
    }

    private static void AddTo(Meter meter)
    {
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.hubs", () => HubRegistry.All.Count, "{hub}", "Hubs that run.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.tasks", () => OfEach(hub => hub.TaskCount), "{task}", "Tasks that have not ended.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.tasks.ready", () => OfEach(hub => hub.ReadyCount), "{task}", "Tasks and callbacks that can go on and wait for their turn.");
        _ = meter.CreateObservableCounter("nativegreenlet.hub.resumptions", () => OfEach(hub => hub.Switches), "{resumption}", "Tasks continued and callbacks called by hubs that run.");
        _ = meter.CreateObservableCounter("nativegreenlet.hub.blocking_waits", () => BlockedWaitReports.Blocked, "{wait}", "Waits of .NET that blocked a hub which reports them.");
        _ = meter.CreateObservableCounter("nativegreenlet.hub.parked_waits", () => BlockedWaitReports.Parked, "{wait}", "Waits of .NET that were parked instead.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.offload.threads", () => OffloadScheduler.AllThreads, "{thread}", "Threads of all offload pools.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.offload.queue", () => OffloadScheduler.AllQueued, "{call}", "Offloaded functions that wait for a thread.");
    }

    // One time series for each name: hubs that share one are counted together.
    private static IEnumerable<Measurement<long>> OfEach(Func<HubLoop, long> figure) =>
        HubRegistry.All.GroupBy(hub => hub.Hub.Name, (name, hubs) => new Measurement<long>(hubs.Sum(figure), new KeyValuePair<string, object?>(NameTag, name)));
}
