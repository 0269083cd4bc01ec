using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Scenarios;

/// <summary>What a suspended greenlet adds to a generation 0 collection, outside of a catch block and inside of one.</summary>
/// <remarks>On slices the collector looks at every byte of a suspended stack, and there are many of them below a catch block:
/// all that the runtime has there to throw and to catch. What is asked is whether being inside of one costs more than those
/// bytes, so the greenlets outside of one get as many.</remarks>
internal sealed class GCPauseScenario : Scenario
{
    private const int Count = 4000;
    private const int LeastRounds = 5;
    private const int MostRounds = 15; // on a busy machine
    private const int Collections = 12;
    private const double MostRatio = 3;

    public override string Name => "gcpause";

    public override string Summary => "4,000 greenlets suspended inside a catch block against 4,000 outside, alone and beside those: the pause of a collection";

    public override string Expectation => $"ok, each ratio at most {MostRatio}";

    public override int Run(Options options)
    {
        if (!options.IsControl)
        {
            GreenletRuntime.Freezing = GreenletFreezing.Off; // what is measured is the walk of their stacks
        }

        // The records that suspension inside a catch block needs are part of its cost, and not of the other's. They make
        // whatever is suspended beside them dearer, so greenlets outside of a catch block are measured both beside as many
        // that are inside of one and alone, when the records of the round before have been given up.
        int room = GreenletRuntime.Backend == GreenletBackend.Slices ? (int)(StackOf(ParkInside) - StackOf(() => ParkOutsideWith(0))) : 0;

        // A shared machine changes its speed by half within seconds. Within one round it hardly does, so each round has its
        // own ratios, and their medians decide.
        List<(double Alone, double Beside, double Inside)> rounds = [];
        double ratioAlone;
        double ratioBeside;
        do
        {
            double nothing = Pause();
            List<Greenlet> outside = Park(() => ParkOutsideWith(room));
            double clean = Pause();
            End(outside);
            List<Greenlet> inside = Park(ParkInside);
            double before = Pause();
            outside = Park(() => ParkOutsideWith(room));
            double both = Pause();
            End(outside);
            double alone = Math.Min(before, Pause());
            End(inside);
            rounds.Add(((clean - nothing) / Count, (both - alone) / Count, (alone - nothing) / Count));
            ratioAlone = Median(rounds.Select(round => Ratio(round.Inside, round.Alone)));
            ratioBeside = Median(rounds.Select(round => Ratio(round.Inside, round.Beside)));
        }
        while (rounds.Count < LeastRounds || (rounds.Count < MostRounds && Math.Max(ratioAlone, ratioBeside) > MostRatio));

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"gcpause: {Count} suspended greenlets, microseconds each: outside of a catch block{(room > 0 ? $" with {room} bytes more on the stack" : string.Empty)} {Median(rounds.Select(round => round.Alone)):F2} alone and {Median(rounds.Select(round => round.Beside)):F2} beside as many that are inside, {Median(rounds.Select(round => round.Inside)):F2} inside; ratios {ratioAlone:F2} and {ratioBeside:F2} (each at most {MostRatio}), the medians of {rounds.Count} rounds"));
        bool isGood = Math.Max(ratioAlone, ratioBeside) <= MostRatio;
        Console.WriteLine(isGood ? "ok" : "TOO SLOW");
        return isGood ? 0 : 1;
    }

    // A round in which the second half cost nothing says nothing for the first.
    private static double Ratio(double inside, double outside) => outside > 0 ? inside / outside : double.MaxValue;

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[(sorted.Length - 1) / 2];
    }

    private static long StackOf(Action body)
    {
        Greenlet greenlet = new(body);
        _ = greenlet.Switch();
        long bytes = greenlet.StackBytesUsed;
        _ = greenlet.Switch();
        return bytes;
    }

    private static List<Greenlet> Park(Action body)
    {
        List<Greenlet> greenlets = [];
        for (int i = 0; i < Count; i++)
        {
            Greenlet greenlet = new(body);
            greenlets.Add(greenlet);
            _ = greenlet.Switch();
        }

        return greenlets;
    }

    private static void End(List<Greenlet> greenlets)
    {
        foreach (Greenlet greenlet in greenlets)
        {
            _ = greenlet.Switch();
            Check.That(greenlet.IsDead);
        }
    }

    // The shortest of many, in microseconds of processor time: whatever else the machine does only adds to it.
    private static double Pause()
    {
        // Until everything is in generation 2: a collection that pins much keeps it in the younger ones for longer.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        GC.Collect();
        double shortest = double.MaxValue;
        for (int i = 0; i < Collections; i++)
        {
            double start = ProcessorTime();
            GC.Collect(0);
            shortest = Math.Min(shortest, ProcessorTime() - start);
        }

        return shortest;
    }

    // Windows counts it in parts of a second that are too long for this.
    private static double ProcessorTime() => OperatingSystem.IsWindows()
        ? Stopwatch.GetElapsedTime(0).TotalMicroseconds
        : Environment.CpuUsage.TotalTime.TotalMicroseconds;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ParkOutside() => _ = Greenlet.Current.Parent!.Switch();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ParkOutsideWith(int room)
    {
        Span<byte> more = stackalloc byte[room];
        ParkOutside();
        more.Clear();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ParkInside()
    {
        try
        {
            throw new InvalidOperationException();
        }
        catch (InvalidOperationException)
        {
            ParkOutside();
        }
    }
}
