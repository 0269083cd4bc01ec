using System.Globalization;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Scheduling;
using NativeGreenlet.Stacks;

namespace NativeGreenlet;

/// <summary>
/// Figures about all greenlets of the program; those by which the library checks its own freezing are not counted. The same are
/// published by the meter <c>NativeGreenlet</c>, and single events by the event source <c>NativeGreenlet</c>. Figures of other threads
/// are as of a moment ago.
/// </summary>
/// <example><code>
/// Console.WriteLine($"{GreenletDiagnostics.Suspended} of {GreenletDiagnostics.Live} greenlets are suspended");
/// GreenletDiagnostics.Dump(Console.Error); // each with its stack
/// </code></example>
public static class GreenletDiagnostics
{
    private const int MostCounts = 10; // of segments

    /// <summary>Gets the number of greenlets that have begun and not ended, main greenlets not counted.</summary>
    public static long Live => CarrierRegistry.Sum(carrier => carrier.LiveCount);

    /// <summary>Gets how many of the <see cref="Live"/> greenlets are suspended.</summary>
    public static long Suspended => CarrierRegistry.Sum(carrier => carrier.SuspendedCount);

    /// <summary>Gets the number of greenlets that wait for their thread to kill them.</summary>
    public static long PendingKills => CarrierRegistry.Sum(carrier => carrier.PendingKillCount);

    /// <summary>Gets the number of threads with a main greenlet.</summary>
    public static long Threads => CarrierRegistry.Sum(_ => 1);

    /// <summary>Gets the number of switches so far, by threads that are still alive.</summary>
    public static long Switches => CarrierRegistry.Sum(carrier => carrier.SwitchCount);

    /// <summary>Gets the number of the runtime's thread objects into which parked stacks are linked: one for each thread that runs
    /// greenlets, and one for each greenlet suspended inside a catch block, a filter or runtime code; and free ones, up to
    /// 64 or as many as are in use after a collection. They are no threads of the system, where the runtime allows
    /// it.</summary>
    public static unsafe long ThreadRecords
    {
        get
        {
            ng_clr_statistics statistics;
            return NativeEngine.IsLoaded && NativeMethods.ng_clr_query(&statistics) == ng_status.OK ? (long)statistics.records : 0;
        }
    }

    /// <summary>Gets how many of the <see cref="Suspended"/> greenlets are frozen: the collector does not walk their stacks. 0 where
    /// <see cref="GreenletRuntime.Freezing"/> is off, and on threads with few greenlets.</summary>
    public static long Frozen => FreezeFigures.Frozen;

    /// <summary>Gets what has come of freezing so far, with the reasons why greenlets were not frozen.</summary>
    public static unsafe GreenletFreezingFigures Freezing
    {
        get
        {
            ng_freeze_statistics native = default;
            if (NativeEngine.IsLoaded)
            {
                _ = NativeMethods.ng_freeze_query(&native);
            }

            return new GreenletFreezingFigures(native);
        }
    }

    /// <summary>Gets how many stack segments are in use, and how many wait in the pool.</summary>
    public static (long InUse, long Pooled) Segments
    {
        get
        {
            // Those of this library are no user's. They may come and go while all are counted: then once more.
            long own = CarrierRegistry.CountOfLibrary();
            for (int attempt = 1; ; attempt++)
            {
                (ulong live, ulong pooled) = StackPools.Count();
                long now = CarrierRegistry.CountOfLibrary();
                if (now == own || attempt == MostCounts)
                {
                    return (Math.Max((long)live - own, 0), (long)pooled);
                }

                own = now;
            }
        }
    }

    /// <summary>Writes the figures, and every greenlet that has begun: what it is, its state, the stack it uses; for the
    /// calling thread's suspended greenlets also where they are.</summary>
    /// <param name="writer">Where to.</param>
    /// <exception cref="ArgumentNullException"><paramref name="writer"/> is null.</exception>
    public static void Dump(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        (long inUse, long pooled) = Segments;
        writer.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"greenlets: {Live} live, {Suspended} suspended, {PendingKills} to be killed; threads: {Threads}; switches: {Switches}; thread records: {ThreadRecords}; segments: {inUse} in use, {pooled} pooled"));
        if (FreezeFigures.Line is { Length: > 0 } frozen)
        {
            writer.WriteLine(frozen);
        }

        CarrierRegistry.ForEach(carrier => carrier.Dump(writer));
    }
}
