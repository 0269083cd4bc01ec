using System.Diagnostics.Metrics;

namespace NativeGreenlet.Diagnostics;

/// <summary>The figures of <see cref="GreenletDiagnostics"/> as instruments; read only when someone listens.</summary>
internal static class GreenletMeter
{
    private static readonly Meter s_meter = Create();

    /// <summary>Publishes the instruments.</summary>
    public static void Publish() => _ = s_meter;

    private static Meter Create()
    {
        Meter meter = new("NativeGreenlet");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.greenlets.live", () => GreenletDiagnostics.Live, "{greenlet}", "Greenlets that have begun and not ended.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.greenlets.suspended", () => GreenletDiagnostics.Suspended, "{greenlet}", "Greenlets that are suspended.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.greenlets.pending_kills", () => GreenletDiagnostics.PendingKills, "{greenlet}", "Greenlets that wait for their thread to kill them.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.threads", () => GreenletDiagnostics.Threads, "{thread}", "Threads with a main greenlet.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.thread_records", () => GreenletDiagnostics.ThreadRecords, "{thread}", "Runtime threads that lend their records to parked stacks.");
        _ = meter.CreateObservableCounter("nativegreenlet.switches", () => GreenletDiagnostics.Switches, "{switch}", "Switches by threads that are still alive.");
        return meter;
    }
}
