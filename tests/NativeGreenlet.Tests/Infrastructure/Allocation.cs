namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>Bytes that something allocates each time.</summary>
internal static class Allocation
{
    private const int MostRounds = 20;

    /// <summary>Repeats it in rounds, and tells the bytes of the round with the fewest: what is compiled or made once in a process is in one round
    /// only. The first switch that a collection interrupts allocates 56 bytes, for example.</summary>
    /// <param name="times">How often in each round.</param>
    /// <param name="action">What is repeated.</param>
    public static long Of(int times, Action action)
    {
        long least = long.MaxValue;
        for (int round = 0; round < MostRounds && least != 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < times; i++)
            {
                action();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
