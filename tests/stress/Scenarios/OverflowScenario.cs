using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Scenarios;

/// <summary>Infinite recursion in a greenlet must end as it does on a thread: by the runtime, with a managed trace.</summary>
internal sealed unsafe class OverflowScenario(OverflowScenario.Place place) : Scenario
{
    private const int Warmups = 20;

    /// <summary>Where the recursion happens.</summary>
    public enum Place
    {
        Fresh,
        Pooled,
        Catch,
        LargeFrames,
    }

    public override string Name => place switch
    {
        Place.Fresh => "overflow",
        Place.Pooled => "overflow-pooled",
        Place.Catch => "overflow-catch",
        _ => "overflow-large",
    };

    public override string Summary => place switch
    {
        Place.Fresh => "infinite recursion on a new stack",
        Place.Pooled => "infinite recursion on a stack that was used before",
        Place.Catch => "infinite recursion inside catch blocks",
        _ => "infinite recursion of frames of 40 KB",
    };

    public override string Expectation => "Stack overflow.";

    public override int Run(Options options)
    {
        // Deep, but not too deep; then the same stack again.
        for (int i = 0; place == Place.Pooled && i < Warmups; i++)
        {
            Greenlet warmup = new(() => _ = Recurse(new Cell(0), 2000));
            _ = warmup.Switch();
            Check.That(warmup.IsDead);
        }

        List<Greenlet> suspended = Parking.Start(20);
        Console.WriteLine("recursing");
        _ = new Greenlet(() => _ = place switch
        {
            Place.Catch => RecurseInCatch(1),
            Place.LargeFrames => RecurseInLargeFrames(1),
            _ => Recurse(new Cell(1), int.MaxValue),
        }).Switch();
        Check.Fail("infinite recursion came to an end");
        GC.KeepAlive(suspended);
        return 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long Recurse(Cell above, int left)
    {
        if (left == 0)
        {
            return 0;
        }

        Cell cell = new(left & 7, above);
        long sum = Recurse(cell, left - 1);
        GC.KeepAlive(above);
        return sum + cell.Stamp;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int RecurseInCatch(int level)
    {
        try
        {
            throw new InvalidOperationException();
        }
        catch (InvalidOperationException)
        {
            return RecurseInCatch(level + 1) + 1;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int RecurseInLargeFrames(int level)
    {
        Large large;
        large.Bytes[level & 1023] = 1;
        return RecurseInLargeFrames(level + 1) + large.Bytes[level & 511];
    }

    private struct Large
    {
        public fixed byte Bytes[40_000];
    }
}
