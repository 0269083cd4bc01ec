using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>What parked greenlets cost a collection: each of them is walked.</summary>
public class CollectionBenchmarks
{
    private readonly List<Greenlet> _parked = [];

    [Params(0, 1_000, 10_000)]
    public int Parked { get; set; }

    [Params(0, 5)]
    public int Depth { get; set; }

    [GlobalSetup]
    public void Park()
    {
        for (int i = 0; i < Parked; i++)
        {
            Greenlet greenlet = new(() => Descend(Depth));
            greenlet.Switch();
            _parked.Add(greenlet);
        }
    }

    [GlobalCleanup]
    public void End() => _parked.ForEach(greenlet => greenlet.Dispose());

    [Benchmark(Description = "gen0 collection")]
    public void Gen0() => GC.Collect(0);

    private static void Descend(int depth)
    {
        object held = new();
        if (depth > 0)
        {
            Descend(depth - 1);
        }
        else
        {
            _ = Greenlet.Current.Parent!.Switch();
        }

        GC.KeepAlive(held);
    }
}
