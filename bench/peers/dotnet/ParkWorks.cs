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
        Add("frames", Frames);
    }

    // The floor of the pause: the collector's walk over plain managed frames, of a thread that uses no greenlet.
    private static string Frames(int count)
    {
        double[] pauses = new double[2];
        for (int i = 0; i < pauses.Length; i++)
        {
            int depth = i * count;
            using ManualResetEventSlim isThere = new();
            using ManualResetEventSlim mayEnd = new();
            Thread thread = new(() => Descend(depth, isThere, mayEnd), (count * 256) + (1 << 20));
            thread.Start();
            isThere.Wait();
            pauses[i] = Measure().Pause;
            mayEnd.Set();
            thread.Join();
        }

        return $"frame-pause {(pauses[1] - pauses[0]) / count}";
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int Descend(int depth, ManualResetEventSlim isThere, ManualResetEventSlim mayEnd)
    {
        if (depth == 0)
        {
            isThere.Set();
            mayEnd.Wait();
            return 0;
        }

        return 1 + Descend(depth - 1, isThere, mayEnd);
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
