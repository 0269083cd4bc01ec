using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>What suspended greenlets cost a generation 0 collection, which walks each of their stacks; against what else can
/// wait. The figures are of one of them, the collection's own cost shared out among all: "nothing" says how much that is.</summary>
public class CollectionBenchmarks
{
    private const int Many = 10_000;
    private const int ManyThreads = 1000;
    private readonly List<object> _parked = [];
    private readonly ManualResetEventSlim _end = new();

    [GlobalSetup(Target = nameof(Greenlets))]
    public void ParkGreenlets() => Park(0);

    [GlobalSetup(Target = nameof(DeepGreenlets))]
    public void ParkDeepGreenlets() => Park(5);

    [GlobalSetup(Target = nameof(AsyncMethods))]
    public void ParkAsyncMethods()
    {
        for (int i = 0; i < Many; i++)
        {
            Suspension suspension = new();
            _parked.Add(suspension);
            _ = Suspend(suspension);
        }
    }

    [GlobalSetup(Target = nameof(Threads))]
    public void ParkThreads()
    {
        for (int i = 0; i < ManyThreads; i++)
        {
            Thread thread = new(_end.Wait);
            thread.Start();
            _parked.Add(thread);
        }
    }

    [GlobalCleanup]
    public void End()
    {
        _end.Set();
        foreach (object parked in _parked)
        {
            (parked as Greenlet)?.Dispose();
            (parked as Thread)?.Join();
        }
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Many, Description = "gen0, each of 10,000 greenlets")]
    public void Greenlets() => GC.Collect(0);

    [Benchmark(OperationsPerInvoke = Many, Description = "gen0, each of 10,000 greenlets, 5 frames deep")]
    public void DeepGreenlets() => GC.Collect(0);

    [Benchmark(OperationsPerInvoke = Many, Description = "gen0, each of 10,000 async methods")]
    public void AsyncMethods() => GC.Collect(0);

    [Benchmark(OperationsPerInvoke = ManyThreads, Description = "gen0, each of 1,000 threads")]
    public void Threads() => GC.Collect(0);

    [Benchmark(OperationsPerInvoke = Many, Description = "gen0, nothing, as a 10,000th")]
    public void Nothing() => GC.Collect(0);

    private static async Task Suspend(Suspension suspension)
    {
        object held = new();
        await suspension;
        GC.KeepAlive(held);
    }

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

    private void Park(int depth)
    {
        for (int i = 0; i < Many; i++)
        {
            Greenlet greenlet = new(() => Descend(depth));
            greenlet.Switch();
            _parked.Add(greenlet);
        }
    }
}
