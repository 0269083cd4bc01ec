using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Peer;

/// <summary>What a suspended greenlet costs while it does nothing: memory, and its part of every collection.</summary>
internal sealed class ParkWorks : Works
{
    private const int Collections = 15;

    public ParkWorks()
    {
        Add("park", Park);
    }

    private static string Park(int count)
    {
        new Greenlet(Suspend).Switch(); // what the first one brings along is not counted
        Greenlet[] parked = new Greenlet[count];
        (long emptyMemory, double emptyPause) = Measure();
        for (int i = 0; i < count; i++)
        {
            parked[i] = new Greenlet(Suspend);
            _ = parked[i].Switch();
        }

        (long fullMemory, double fullPause) = Measure();
        long stack = parked[count / 2].StackBytesUsed;
        GC.KeepAlive(parked);
        return $"park-bytes {(fullMemory - emptyMemory) / (double)count} park-pause {(fullPause - emptyPause) / count} park-stack {stack}";
    }

    // The bytes of the process in memory, and the median pause of a generation 0 collection in nanoseconds.
    private static (long Bytes, double Pause) Measure()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        double[] pauses = new double[Collections];
        for (int i = 0; i < Collections; i++)
        {
            long start = Stopwatch.GetTimestamp();
            GC.Collect(0);
            pauses[i] = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        }

        Array.Sort(pauses);
        return (Environment.WorkingSet, pauses[Collections / 2]);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Suspend() => Greenlet.Current.Parent!.Switch();
}
