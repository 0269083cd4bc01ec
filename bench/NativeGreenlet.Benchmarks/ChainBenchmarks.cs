using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>The chain of Python greenlet's own benchmarks: 100,000 greenlets, all suspended at once, then a value that
/// each increments and passes on.</summary>
[MemoryDiagnoser]
public class ChainBenchmarks
{
    private const int Length = 100_000;
    private readonly List<Greenlet> _links = new(Length);

    [IterationCleanup]
    public void End()
    {
        _links.ForEach(link => link.Switch());
        _links.Clear();
    }

    [Benchmark(Description = "chain of 100,000")]
    public object? Chain()
    {
        Greenlet following = Greenlet.Current;
        for (int i = 0; i < Length; i++)
        {
            Greenlet link = new(Link);
            link.Switch(following);
            _links.Add(link);
            following = link;
        }

        return following.Switch(0);
    }

    private static object? Link(object? following)
    {
        object? value = Greenlet.Current.Parent!.Switch();
        return ((Greenlet)following!).Switch((int)value! + 1);
    }
}
