using System.Diagnostics.Metrics;
using NativeGreenlet.Interop;
using NativeGreenlet.Scheduling;

namespace NativeGreenlet.Diagnostics;

/// <summary>The figures of <see cref="GreenletDiagnostics"/> as instruments; read only when someone listens.</summary>
internal static class GreenletMeter
{
    private static readonly Lock s_lock = new();
    private static Meter? s_meter;

    /// <summary>Publishes the instruments, unless they are. What fails leaves nothing behind, so that it can be tried
    /// again.</summary>
    public static void Publish()
    {
        lock (s_lock)
        {
            if (s_meter is not null)
            {
                return;
            }

            Meter meter = new("NativeGreenlet");
            bool isDone = false;
            try
            {
                AddTo(meter);
                s_meter = meter;
                isDone = true;
            }
            finally
            {
                if (!isDone)
                {
                    meter.Dispose();
                }
            }
        }
    }

    private static void AddTo(Meter meter)
    {
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.greenlets.live", () => GreenletDiagnostics.Live, "{greenlet}", "Greenlets that have begun and not ended.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.greenlets.suspended", () => GreenletDiagnostics.Suspended, "{greenlet}", "Greenlets that are suspended.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.greenlets.pending_kills", () => GreenletDiagnostics.PendingKills, "{greenlet}", "Greenlets that wait for their thread to kill them.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.threads", () => GreenletDiagnostics.Threads, "{thread}", "Threads with a main greenlet.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.thread_records", () => GreenletDiagnostics.ThreadRecords, "{thread}", "Runtime threads that lend their records to parked stacks.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.greenlets.frozen", () => GreenletDiagnostics.Frozen, "{greenlet}", "Suspended greenlets that the collector does not walk.");
        _ = meter.CreateObservableCounter("nativegreenlet.freezes", static () => FreezeFigures.Verdicts(ng_freeze_verdict.POSSIBLE), "{freeze}", "Times that a parked greenlet was frozen.");
        _ = meter.CreateObservableCounter("nativegreenlet.thaws", static () => FreezeFigures.Thaws, "{thaw}", "Times that a frozen greenlet was put back.");
        _ = meter.CreateObservableCounter("nativegreenlet.freezes.refused", Refusals, "{refusal}", "Times that a parked greenlet was looked at and not frozen.");
        _ = meter.CreateObservableUpDownCounter("nativegreenlet.freeze.shapes", static () => GreenletDiagnostics.Freezing.Shapes, "{shape}", "Kinds of stacks whose references are known.");
        _ = meter.CreateObservableCounter("nativegreenlet.switches", () => GreenletDiagnostics.Switches, "{switch}", "Switches by threads that are still alive.");
    }

    // A reason that has never been one is not told.
    private static IEnumerable<Measurement<long>> Refusals() =>
        from reason in Enum.GetValues<GreenletFreezingRefusal>()
        let times = FreezeFigures.Verdicts(FreezeFigures.VerdictOf(reason))
        where times != 0
        select new Measurement<long>(times, new KeyValuePair<string, object?>("nativegreenlet.freeze.reason", reason.ToString()));
}
