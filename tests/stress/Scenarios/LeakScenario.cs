using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Scenarios;

/// <summary>Greenlets are made, finished, disposed of, abandoned, left behind by ended threads, over and over: memory,
/// threads and handles must stay as they were after the first rounds.</summary>
internal sealed class LeakScenario : Scenario
{
    private const int WarmupCycles = 100;
    private const int LeastCycles = 400;
    private const int PerCycle = 400;
    private const double MostResidentGrowth = 24; // MiB
    private const double MostManagedGrowth = 1; // MiB
    private const int MostOtherGrowth = 4;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private const ulong MostOnSlices = PerCycle / 20; // of half a million that were abandoned: kept by some word on a stack

    public override string Name => "leak";

    public override string Summary => "greenlets made, finished, disposed of and abandoned over and over: memory, threads, handles";

    public override int Run(Options options)
    {
        using Progress progress = new();
        Figures figures = Figures.Add();
        for (int i = 0; i < WarmupCycles; i++)
        {
            Cycle(figures);
        }

        Usage before = Usage.AfterCollection();
        Console.WriteLine($"after {WarmupCycles} cycles: {before}");
        Deadline deadline = new(options.Time);
        int cycles = 0;
        while (cycles < LeastCycles || !deadline.HasPassed)
        {
            Cycle(figures);
            cycles++;
        }

        Usage after = Usage.AfterCollection();
        Console.WriteLine($"after {cycles} more of {PerCycle} greenlets: {after}");
        if (after.Stacks > (GreenletRuntime.Backend == GreenletBackend.Slices ? MostOnSlices : 0) || after.Resident - before.Resident > MostResidentGrowth
            || after.Managed - before.Managed > MostManagedGrowth || after.Threads - before.Threads > MostOtherGrowth
            || after.Handles - before.Handles > MostOtherGrowth)
        {
            Console.WriteLine("LEAK");
            return 1;
        }

        Console.WriteLine($"ok: {Progress.Line()}");
        return 0;
    }

    private static void Cycle(Figures figures)
    {
        RunHere();
        Thread thread = new(() =>
        {
            RunHere();
            _ = Parking.Start(PerCycle / 4); // the thread ends now
        });
        thread.Start();
        thread.Join();
        Settle();
        figures.Rounds++;
        figures.Resumes += PerCycle;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RunHere()
    {
        List<Greenlet> greenlets = Parking.Start(PerCycle / 2);
        for (int i = 0; i < greenlets.Count; i++)
        {
            switch (i % 4)
            {
                case 0:
                    _ = greenlets[i].Switch();
                    break;
                case 1:
                    greenlets[i].Dispose();
                    break;
                case 2:
                    _ = greenlets[i].Throw();
                    break;
                case 3 when !Build.CanAbandon:
                    _ = greenlets[i].Switch();
                    break;
                default:
                    break; // abandoned
            }
        }
    }

    // Abandoned greenlets are found by the collector, then killed at the next use of the library. The check of freezing, on a thread of
    // its own, has some stacks for a while.
    private static void Settle()
    {
        Deadline deadline = new(s_patience);
        for (int i = 0; Usage.LiveStacks() != 0 && (i < 10 || (GreenletRuntime.Freezing != GreenletFreezing.Off && !deadline.HasPassed)); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            _ = Greenlet.Current;
        }
    }
}
