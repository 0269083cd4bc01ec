using System.Diagnostics;
using System.Runtime;

namespace NativeGreenlet.Common;

/// <summary>A thread that allocates garbage and forces compacting collections of every generation until disposed of.</summary>
internal sealed class CollectorPressure : IDisposable
{
    private const int Batch = 400;
    private const int MostKept = 12_000;

    private readonly Thread _thread;
    private volatile bool _isStopping;

    public CollectorPressure(int seed)
    {
        _thread = new Thread(() => Press(new Random(seed))) { IsBackground = true, Name = "collector pressure" };
        _thread.Start();
    }

    public void Dispose()
    {
        _isStopping = true;
        _thread.Join();
    }

    /// <summary>Leaves holes behind and compacts, so that what survives moves; then writes over where it was.</summary>
    public static void Compact(int generation)
    {
        List<Cell> kept = [];
        for (int i = 0; i < Batch; i++)
        {
            _ = new Cell(i);
            kept.Add(new Cell(i));
        }

        kept.Clear();
        GC.Collect(generation, GCCollectionMode.Forced, blocking: true, compacting: true);
        for (int i = 0; i < 4 * Batch; i++)
        {
            _ = new Cell(-1);
        }
    }

    private void Press(Random random)
    {
        List<byte[]> kept = [];
        while (!_isStopping)
        {
            for (int i = 0; i < Batch; i++)
            {
                byte[] garbage = new byte[random.Next(24, 1000)];
                garbage.AsSpan().Fill(0xDD); // not zero: a slot that was missed shows it
                if (i % 3 == 0)
                {
                    kept.Add(garbage);
                }
            }

            if (kept.Count > MostKept)
            {
                kept.Clear();
            }

            long start = Stopwatch.GetTimestamp();
            int choice = random.Next(100);
            switch (choice)
            {
                case < 45:
                    GC.Collect(0, GCCollectionMode.Forced, blocking: true, compacting: true);
                    break;
                case < 80:
                    GC.Collect(1, GCCollectionMode.Forced, blocking: true, compacting: true);
                    break;
                case < 95:
                    GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
                    break;
                case < 98:
                    GC.Collect(2, GCCollectionMode.Forced, blocking: false); // in the background where that is on
                    break;
                default:
                    GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
                    kept.Add(new byte[100_000]);
                    GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
                    break;
            }

            // Some time for the others, in proportion, so that they get anywhere.
            TimeSpan pause = random.NextDouble() * Stopwatch.GetElapsedTime(start);
            start = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(start) < pause)
            {
                _ = Thread.Yield();
            }
        }
    }
}
