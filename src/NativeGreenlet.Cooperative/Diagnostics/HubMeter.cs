using System.Diagnostics.Metrics;

namespace NativeGreenlet.Cooperative;

/// <summary>Figures of all hubs as instruments of the meter <c>NativeGreenlet.Cooperative</c>; read only when someone
/// listens.</summary>
internal static class HubMeter
{
    private static readonly Meter s_meter = Create();

    /// <summary>Publishes the instruments.</summary>
    public static void Publish() => _ = s_meter;

    private static Meter Create()
    {
        Meter meter = new("NativeGreenlet.Cooperative");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.hubs", () => HubRegistry.All.Count, "{hub}", "Hubs that run.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.tasks", () => HubRegistry.All.Sum(hub => hub.TaskCount), "{task}", "Tasks that have not ended.");
        _ = meter.CreateObservableCounter("nativegreenlet.hub.resumptions", () => HubRegistry.All.Sum(hub => hub.Switches), "{resumption}", "Tasks continued and callbacks called by hubs that run.");
        return meter;
    }
}
