using System.Diagnostics;
using System.Globalization;
using NativeGreenlet;

namespace NativeGreenlet.Strategies;

/// <summary>What it takes to freeze a greenlet and to thaw it, while its stack stays where it is. The same greenlets are continued before
/// they are frozen, as the control: most of what that takes is their memory, which no cache holds.</summary>
internal sealed class FreezeCosts : IDisposable
{
    private const int Warmups = 2;
    private const int Rounds = 7;
    private const int MostCollections = 200;

    private readonly Greenlet[] _parked;
    private readonly Greenlet _hot = new(() =>
    {
        while (true)
        {
            _ = Greenlet.Current.Parent!.Switch();
        }
    });

    private FreezeCosts(int count, Func<int, int> park, int depth)
    {
        GreenletOptions options = new() { StackSize = Program.SmallStack };
        _parked = [.. Enumerable.Range(0, count).Select(_ => new Greenlet(
            _ =>
            {
                while (true)
                {
                    _ = park(depth);
                }
            },
            options))];
        Array.ForEach(_parked, greenlet => greenlet.Switch());
    }

    /// <summary>Medians of rounds: <c>freeze</c>, <c>thaw</c> and <c>plain</c>, nanoseconds for each of so many greenlets.</summary>
    /// <param name="count">Greenlets.</param>
    /// <param name="park">Suspends its greenlet once, so many frames deeper.</param>
    /// <param name="depth">These.</param>
    public static string Measure(int count, Func<int, int> park, int depth)
    {
        using FreezeCosts costs = new(count, park, depth);
        List<(double Freeze, double Thaw, double Plain)> rounds = [.. Enumerable.Range(0, Warmups + Rounds).Select(_ => costs.Round()).Skip(Warmups)];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"freeze {Median(rounds.Select(round => round.Freeze)):F0} thaw {Median(rounds.Select(round => round.Thaw)):F0} plain {Median(rounds.Select(round => round.Plain)):F0}");
    }

    public void Dispose()
    {
        Array.ForEach(_parked, greenlet => greenlet.Dispose());
        _hot.Dispose();
    }

    private (double Freeze, double Thaw, double Plain) Round()
    {
        _ = Continue(); // thaws what is frozen
        double plain = Continue();
        double freeze = Freeze();
        return (freeze, Continue(), plain);
    }

    // What each takes that is continued until it parks again.
    private double Continue()
    {
        long start = Stopwatch.GetTimestamp();
        foreach (Greenlet greenlet in _parked)
        {
            _ = greenlet.Switch();
        }

        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / _parked.Length;
    }

    // What each takes that is frozen. It is done by switches after a collection; only those that froze some are counted.
    private double Freeze()
    {
        long ticks = 0;
        long first = GreenletDiagnostics.Frozen;
        for (int i = 0; i < MostCollections && GreenletDiagnostics.Frozen < _parked.Length - Program.FewLinked; i++)
        {
            GC.Collect(0);
            GC.WaitForPendingFinalizers();
            long before;
            long after = GreenletDiagnostics.Frozen;
            do
            {
                before = after;
                long start = Stopwatch.GetTimestamp();
                _ = _hot.Switch();
                long taken = Stopwatch.GetTimestamp() - start;
                after = GreenletDiagnostics.Frozen;
                ticks += after > before ? taken : 0;
            }
            while (after > before);
        }

        return ticks * (1e9 / Stopwatch.Frequency) / (GreenletDiagnostics.Frozen - first);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
