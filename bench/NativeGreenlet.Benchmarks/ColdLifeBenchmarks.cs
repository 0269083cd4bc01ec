using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>The start of a greenlet whose stack is not one that the pool kept in memory: the kernel has to provide it.</summary>
[MemoryDiagnoser]
public class ColdLifeBenchmarks
{
    private const int Warm = 1024; // ng_segments_config.pool_limit
    private const int Many = 1000;
    private readonly List<Greenlet> _parked = new(Warm + Many);

    /// <summary>Takes the warm stacks away.</summary>
    [IterationSetup]
    public void TakeWarm() => Park(Warm);

    [IterationCleanup]
    public void End()
    {
        _parked.ForEach(greenlet => greenlet.Switch());
        _parked.Clear();
    }

    [Benchmark(OperationsPerInvoke = Many, Description = "create, run, suspend; stack not from the pool")]
    public void Start() => Park(Many);

    private void Park(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Greenlet greenlet = new(static _ => Greenlet.Current.Parent!.Switch());
            greenlet.Switch();
            _parked.Add(greenlet);
        }
    }
}
