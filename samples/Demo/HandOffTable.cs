using System.Diagnostics;
using System.Globalization;

namespace NativeGreenlet.Demo;

/// <summary>
/// One switch between two greenlets against one hand-off between two threads. The contenders take turns in short
/// rounds, so that a change in the machine's speed hits all of them; the median of the rounds is shown.
/// </summary>
internal static class HandOffTable
{
    private const int Rounds = 5;

    public static void Measure(TimeSpan budget)
    {
        IHandOff[] contenders = [new GreenletHandOff(), new MonitorHandOff(), new AutoResetEventHandOff(), new SemaphoreSlimHandOff()];
        TimeSpan slice = budget / (Rounds + 1) / contenders.Length;
        double[][] results = [.. contenders.Select(_ => new double[Rounds])];

        foreach (IHandOff contender in contenders)
        {
            _ = NanosecondsPerHandOff(contender, slice); // warm-up: compilation, first stacks, first threads
        }

        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < contenders.Length; i++)
            {
                Console.Error.Write($"\rmeasuring: round {round + 1} of {Rounds}, {contenders[i].Name,-30}");
                results[i][round] = NanosecondsPerHandOff(contenders[i], slice);
            }
        }

        Console.Error.Write($"\r{new string(' ', 70)}\r");
        Print(contenders, results);
    }

    private static double NanosecondsPerHandOff(IHandOff contender, TimeSpan slice)
    {
        int count = 64;
        while (true)
        {
            long start = Stopwatch.GetTimestamp();
            contender.RoundTrips(count);
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            if (elapsed >= slice / 2)
            {
                return elapsed.TotalNanoseconds / count / 2; // there and back is two
            }

            count *= 2;
        }
    }

    private static void Print(IHandOff[] contenders, double[][] results)
    {
        double[] medians = [.. results.Select(rounds => rounds.Order().ElementAt(Rounds / 2))];
        Console.WriteLine($"{"one hand-off",-34}{"ns",10}{"ratio",10}");
        for (int i = 0; i < contenders.Length; i++)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{contenders[i].Name,-34}{medians[i],10:N1}{medians[i] / medians[0],9:N0}x"));
        }
    }
}
