using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>The start of greenlets of which many are suspended at once: on stacks that the pool kept in memory, and on such
/// that the kernel has to provide. An iteration is one call and takes a millisecond, so there are many.</summary>
[MemoryDiagnoser]
[WarmupCount(50)]
[IterationCount(50)]
public class ColdLifeBenchmarks
{
    private const int Warm = 1024; // ng_segments_config.pool_limit
    private const int Many = 1000;
    private readonly List<Greenlet> _parked = new(Warm + Many);

    /// <summary>Sees to it that the pool's stacks are in memory.</summary>
    [IterationSetup(Target = nameof(StartWarm))]
    public void FillPool()
    {
        Park(Warm);
        End();
    }

    /// <summary>Takes them all away.</summary>
    [IterationSetup(Target = nameof(StartCold))]
    public void TakeWarm() => Park(Warm);

    [IterationCleanup]
    public void End()
    {
        _parked.ForEach(greenlet => greenlet.Switch());
        _parked.Clear();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Many, Description = "create, run, suspend; stack from the pool")]
    public void StartWarm() => Park(Many);

    [Benchmark(OperationsPerInvoke = Many, Description = "create, run, suspend; stack not from the pool")]
    public void StartCold() => Park(Many);

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
