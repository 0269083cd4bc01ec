using System.Numerics;

namespace NativeGreenlet.Engines.Akka;

/// <summary>Counts times of any length, to a sixteenth of each.</summary>
internal sealed class Histogram
{
    private const int Parts = 16;

    private readonly long[] _counts = new long[64 * Parts];

    /// <summary>Counts one; from any thread.</summary>
    public void Add(long ticks) => Interlocked.Increment(ref _counts[IndexOf(ticks)]);

    /// <summary>Forgets all.</summary>
    public void Clear() => Array.Clear(_counts);

    /// <summary>Gets what a share of all is not longer than.</summary>
    public long Percentile(double share)
    {
        long left = (long)(_counts.Sum() * share);
        for (int i = 0; i < _counts.Length; i++)
        {
            left -= _counts[i];
            if (left < 0)
            {
                return ValueOf(i + 1);
            }
        }

        return 0;
    }

    private static int IndexOf(long ticks)
    {
        if (ticks < Parts)
        {
            return (int)Math.Max(0, ticks);
        }

        int power = BitOperations.Log2((ulong)ticks) - 4;
        return ((power + 1) * Parts) + (int)((ticks >> power) - Parts);
    }

    private static long ValueOf(int index)
    {
        int power = (index / Parts) - 1;
        return power < 0 ? index : (Parts + (index % Parts)) << power;
    }
}
