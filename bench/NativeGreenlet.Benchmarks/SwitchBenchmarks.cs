using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>One switch, in the ways there are, and on the Threads backend. Every method does two or four of them, there
/// and back, and says so to the harness.</summary>
[MemoryDiagnoser]
public class SwitchBenchmarks
{
    private const int Deep = 50;
    private Greenlet _child = null!;
    private Greenlet _deepChild = null!;
    private Greenlet _driver = null!;
    private Coroutine<int, int> _coroutine = null!;

    [GlobalSetup]
    public void Setup()
    {
        _child = Bouncing.Start();
        _deepChild = Bouncing.Start(Deep);
        Greenlet main = Greenlet.Current;
        Greenlet sibling = new(() =>
        {
            while (true)
            {
                _driver.Switch();
            }
        });
        _driver = new Greenlet(() =>
        {
            while (true)
            {
                main.Switch();
                sibling.Switch();
            }
        });
        _driver.Switch();
        _coroutine = new Coroutine<int, int>(static (self, value) =>
        {
            while (true)
            {
                value = self.Yield(value + 1);
            }
        });
    }

    [GlobalSetup(Targets = [nameof(MainToChildOnThreads), nameof(SiblingsOnThreads), nameof(CoroutineOnThreads)])]
    public void SetupOnThreads()
    {
        ThreadsBackend.Choose();
        Setup();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _child.Dispose();
        _deepChild.Dispose();
        _driver.Dispose();
        _coroutine.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = 2, Description = "main <-> child")]
    public object? MainToChild() => _child.Switch();

    [Benchmark(OperationsPerInvoke = 2, Description = "main <-> child, 50 frames deep")]
    public object? MainToDeepChild() => _deepChild.Switch();

    /// <summary>Main to the driver, to its sibling, to the driver, to main.</summary>
    [Benchmark(OperationsPerInvoke = 4, Description = "sibling <-> sibling")]
    public object? Siblings() => _driver.Switch();

    [Benchmark(OperationsPerInvoke = 2, Description = "Coroutine<int, int>.Resume and Yield")]
    public int CoroutineResume() => _coroutine.Resume(1);

    [Benchmark(OperationsPerInvoke = 2, Description = "Threads backend: main <-> child")]
    public object? MainToChildOnThreads() => _child.Switch();

    [Benchmark(OperationsPerInvoke = 4, Description = "Threads backend: sibling <-> sibling")]
    public object? SiblingsOnThreads() => _driver.Switch();

    [Benchmark(OperationsPerInvoke = 2, Description = "Threads backend: Coroutine<int, int>")]
    public int CoroutineOnThreads() => _coroutine.Resume(1);
}
