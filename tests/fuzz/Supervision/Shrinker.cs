using System.Diagnostics;
using System.Globalization;
using NativeGreenlet.Fuzz.Traces;
using Trace = NativeGreenlet.Fuzz.Traces.Trace;

namespace NativeGreenlet.Fuzz.Supervision;

/// <summary>Leaves steps out of a failing trace for as long as it still fails on greenlets.</summary>
/// <remarks>Time is up only after the trace has become smaller: on a busy machine the first attempts alone may take longer. A trace that needs
/// each of its steps is tried without each.</remarks>
internal sealed class Shrinker(Options options, RuntimeSetting setting, TimeSpan failureTime)
{
    private static readonly TimeSpan s_leastTime = TimeSpan.FromSeconds(1);

    /// <summary>The steps that it fails without.</summary>
    public IReadOnlySet<int> Shrink()
    {
        Stopwatch watch = Stopwatch.StartNew();
        Trace trace = TraceGenerator.Generate(options.Seed!.Value, options.ThrowsInFilters);
        HashSet<int> without = [.. options.Without];
        int before = trace.Without(without).OperationIds.Count();
        int size = before / 2;
        while (size > 0 && !IsTimeUp())
        {
            bool hasShrunk = false;
            int[] left = [.. trace.Without(without).OperationIds];
            for (int i = 0; i < left.Length && !IsTimeUp(); i += size)
            {
                HashSet<int> candidate = [.. without, .. left.Skip(i).Take(size)];
                if (Fails(candidate))
                {
                    without = candidate;
                    hasShrunk = true;
                }
            }

            size = hasShrunk && size == 1 ? 1 : size / 2;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"shrunk from {before} steps to {trace.Without(without).OperationIds.Count()} in {watch.Elapsed.TotalSeconds:F0} s"));
        return without;

        bool IsTimeUp() => without.Count > options.Without.Count && watch.Elapsed >= options.ShrinkTime;
    }

    private bool Fails(IReadOnlySet<int> without)
    {
        TimeSpan time = 2 * failureTime > s_leastTime ? 2 * failureTime : s_leastTime;
        return Child.Run(options with { Hosts = Hosts.Greenlets, Without = without, Time = time }, setting).Ending != Ending.Passed;
    }
}
