namespace NativeGreenlet.Orleans.Tests.Grains;

/// <summary>What counts, and notices when two slices run at the same time.</summary>
internal sealed class CounterSteps
{
    private int _inside;

    public int Count { get; private set; }

    public int Overlaps { get; private set; }

    /// <summary>Takes one step, which loses another's if both run at the same time.</summary>
    public void Take(Random random)
    {
        if (Interlocked.Increment(ref _inside) != 1)
        {
            Overlaps++;
        }

        int before = Count;
        Thread.SpinWait(random.Next(60));
        Count = before + 1;
        Interlocked.Decrement(ref _inside);
    }
}
