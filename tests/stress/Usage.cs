using System.Diagnostics;
using System.Globalization;
using NativeGreenlet.Stacks;

namespace NativeGreenlet.Stress;

/// <summary>What the process holds.</summary>
internal sealed record Usage(double Resident, double Managed, int Threads, int Handles, ulong Stacks)
{
    private const double MiB = 1024 * 1024;

    /// <summary>Once everything is collected that can be.</summary>
    public static Usage AfterCollection()
    {
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _ = GC.GetTotalMemory(forceFullCollection: true);
        return Now();
    }

    /// <summary>As it is.</summary>
    public static Usage Now()
    {
        using Process self = Process.GetCurrentProcess();
        int handles = OperatingSystem.IsLinux() ? Directory.GetFiles("/proc/self/fd").Length : self.HandleCount;
        return new Usage(self.WorkingSet64 / MiB, GC.GetTotalMemory(forceFullCollection: false) / MiB, self.Threads.Count, handles, LiveStacks());
    }

    /// <summary>Stacks in use. A slice is no more than its greenlet.</summary>
    public static ulong LiveStacks() =>
        GreenletRuntime.Backend == GreenletBackend.Slices ? (ulong)GreenletDiagnostics.Live : StackPools.Count().Live;

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Resident:F1} MiB resident, {Managed:F2} MiB managed, {Threads} threads, {Handles} handles, {Stacks} live stacks");
}
