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
    private const int LeastRounds = 4;
    private const int MostRounds = 12; // on a busy machine
    private const int Collections = 12;
    private const double MostRatio = 3;

    public override string Name => "gcpause";

    public override string Summary => "4,000 greenlets suspended inside a catch block against 4,000 outside: the pause of a collection";

    public override string Expectation => $"ok, ratio at most {MostRatio}";

    public override int Run(Options options)
    {
        // The records that suspension inside a catch block needs are part of its cost, and not of the other's. They go back
        // when they are not in use, and cost each collection something while they are there: so that both are measured in
        // the same process, greenlets outside of a catch block are measured beside as many that are inside of one.
        int room = GreenletRuntime.Backend == GreenletBackend.Slices ? (int)(StackOf(ParkInside) - StackOf(() => ParkOutsideWith(0))) : 0;
        double withoutRecords = Pause();
        double withRecords = double.MaxValue;
        double withInside = PauseWith(ParkInside);
        double withOutside = double.MaxValue;
        double inside;
        double outside;
        double ratio;
        int round = 0;
        do
        {
            (double records, double both) = PauseBeside(ParkInside, () => ParkOutsideWith(room));
            withRecords = Math.Min(withRecords, records);
            withOutside = Math.Min(withOutside, both);
            withInside = Math.Min(withInside, PauseWith(ParkInside));
            inside = (withInside - withoutRecords) / Count;
            outside = (withOutside - withRecords) / Count;
            ratio = inside / outside;
            round++;
        }
        while (round < LeastRounds || (round < MostRounds && ratio > MostRatio));

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"gcpause: {Count} suspended greenlets, microseconds each: {outside:F2} outside of a catch block{(room > 0 ? $" with {room} bytes more on the stack" : string.Empty)}, {inside:F2} inside, ratio {ratio:F2} (at most {MostRatio})"));
        Console.WriteLine(ratio <= MostRatio ? "ok" : "TOO SLOW");
        return ratio <= MostRatio ? 0 : 1;
    }

    private static long StackOf(Action body)
    {
        Greenlet greenlet = new(body);
        _ = greenlet.Switch();
        long bytes = greenlet.StackBytesUsed;
        _ = greenlet.Switch();
        return bytes;
    }

    private static double PauseWith(Action body)
    {
        List<Greenlet> greenlets = Park(body);
        double pause = Pause();
        End(greenlets);
        return pause;
    }

    // With the first alone, and with the second as well.
    private static (double Alone, double Both) PauseBeside(Action first, Action second)
    {
        List<Greenlet> others = Park(first);
        double alone = Pause();
        double both = PauseWith(second);
        End(others);
        return (alone, both);
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

    // The shortest of many, in microseconds: whatever else the machine does only adds to it.
    private static double Pause()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(0);
        double shortest = double.MaxValue;
        for (int i = 0; i < Collections; i++)
        {
            long start = Stopwatch.GetTimestamp();
            GC.Collect(0);
            shortest = Math.Min(shortest, Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        return shortest;
    }

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
