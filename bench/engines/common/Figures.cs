using System.Globalization;

namespace NativeGreenlet.Engines;

/// <summary>What a cell has measured, as it is told from process to process.</summary>
/// <param name="Rate">Calls a second.</param>
/// <param name="Median">The median of their times, in milliseconds.</param>
/// <param name="Percentile99">What 99 of 100 are not longer than, in milliseconds.</param>
/// <param name="Processor">Processor time of each, in microseconds.</param>
/// <param name="Allocated">Bytes allocated by each.</param>
/// <param name="Paused">The part of the time in which a collection stopped all.</param>
/// <param name="Threads">Threads of the process.</param>
/// <param name="Resident">Resident memory, in MiB.</param>
/// <param name="Idle">Managed memory of one that does nothing, in KiB.</param>
public sealed record Figures(double Rate, double Median, double Percentile99, double Processor, double Allocated, double Paused, double Threads, double Resident, double Idle)
{
    private const int Count = 9;

    /// <summary>Gets the median of each figure.</summary>
    /// <param name="rounds">The figures of several rounds.</param>
    public static Figures MedianOf(IReadOnlyList<Figures> rounds)
    {
        double[][] all = [.. rounds.Select(static round => round.Values)];
        return Of([.. Enumerable.Range(0, Count).Select(column => all.Select(values => values[column]).Order().ElementAt(all.Length / 2))]);
    }

    /// <summary>Reads what another process has told; null if that is something else.</summary>
    /// <param name="line">Its output.</param>
    public static Figures? TryParse(string line)
    {
        string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words.Length == Count ? Of([.. words.Select(static word => double.Parse(word, CultureInfo.InvariantCulture))]) : null;
    }

    /// <summary>Writes it for another process.</summary>
    public override string ToString() => string.Join(' ', Values.Select(static value => value.ToString("R", CultureInfo.InvariantCulture)));

    private static Figures Of(double[] values) => new(values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7], values[8]);

    private double[] Values => [Rate, Median, Percentile99, Processor, Allocated, Paused, Threads, Resident, Idle];
}
