using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>A generator's step, which is a switch there and one back, against the compiler's iterators. These yield from
/// their own frame only: from five calls deep means five of them.</summary>
[MemoryDiagnoser]
public class GeneratorBenchmarks
{
    private const int Deep = 5;
    private IEnumerator<int> _generator = null!;
    private IEnumerator<int> _deepGenerator = null!;
    private IEnumerator<int> _iterator = null!;
    private IEnumerator<int> _deepIterator = null!;

    [GlobalSetup]
    public void Setup()
    {
        _generator = new GreenletGenerator<int>(static () => Yield(0)).GetEnumerator();
        _deepGenerator = new GreenletGenerator<int>(static () => Yield(Deep)).GetEnumerator();
        _iterator = Ones(0).GetEnumerator();
        _deepIterator = Ones(Deep).GetEnumerator();
    }

    [GlobalSetup(Target = nameof(GeneratorOnThreads))]
    public void SetupOnThreads()
    {
        ThreadsBackend.Choose();
        Setup();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _generator.Dispose();
        _deepGenerator.Dispose();
        _iterator.Dispose();
        _deepIterator.Dispose();
    }

    [Benchmark(Baseline = true, Description = "GreenletGenerator<int>, a step")]
    public bool Generator() => _generator.MoveNext();

    [Benchmark(Description = "GreenletGenerator<int>, yield from 5 calls deep")]
    public bool DeepGenerator() => _deepGenerator.MoveNext();

    [Benchmark(Description = "Threads backend: GreenletGenerator<int>, a step")]
    public bool GeneratorOnThreads() => _generator.MoveNext();

    [Benchmark(Description = "C# iterator, a step")]
    public bool Iterator() => _iterator.MoveNext();

    [Benchmark(Description = "C# iterators, yield from 5 deep")]
    public bool DeepIterator() => _deepIterator.MoveNext();

    private static void Yield(int depth)
    {
        if (depth > 0)
        {
            Yield(depth - 1);
        }

        while (true)
        {
            GreenletGenerator<int>.Yield(1);
        }
    }

    private static IEnumerable<int> Ones(int depth)
    {
        if (depth > 0)
        {
            foreach (int one in Ones(depth - 1))
            {
                yield return one;
            }
        }

        while (true)
        {
            yield return 1;
        }
    }
}
