using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>One switch, in the ways there are, and on the Threads backend. Every method does some, there and back, and says how many to the
/// harness. Those of the first rows are on a thread of their own, the others below native code: that is how the harness calls.</summary>
[MemoryDiagnoser]
public class SwitchBenchmarks
{
    private const int Deep = 50;
    private Greenlet _child = null!;
    private Greenlet _driver = null!;
    private Coroutine<int, int> _coroutine = null!;

    [GlobalSetup]
    public void Setup()
    {
        _child = Bouncing.Start();
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
        _coroutine = Counting();
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
        _driver.Dispose();
        _coroutine.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = 2 * OwnThread.Rounds, Description = "main <-> child")]
    public void MainToChild() => OwnThread.Switch(static () => Bouncing.Start());

    [Benchmark(OperationsPerInvoke = 2 * OwnThread.Rounds, Description = "main <-> child, 50 frames deep")]
    public void MainToDeepChild() => OwnThread.Switch(static () => Bouncing.Start(Deep));

    [Benchmark(OperationsPerInvoke = 2 * OwnThread.Rounds, Description = "sibling <-> sibling")]
    public void Siblings() => OwnThread.Run(static () =>
    {
        Greenlet driver = new(static () =>
        {
            using Greenlet sibling = Bouncing.Start();
            for (int i = 0; i < OwnThread.Rounds; i++)
            {
                sibling.Switch();
            }
        });
        driver.Switch();
    });

    [Benchmark(OperationsPerInvoke = 2 * OwnThread.Rounds, Description = "Coroutine<int, int>.Resume and Yield")]
    public void CoroutineResume() => OwnThread.Run(static () =>
    {
        using Coroutine<int, int> coroutine = Counting();
        for (int i = 0; i < OwnThread.Rounds; i++)
        {
            coroutine.Resume(i);
        }
    });

    [Benchmark(OperationsPerInvoke = 2, Description = "main <-> child, main below native code")]
    public object? BelowNativeCode() => _child.Switch();

    [Benchmark(OperationsPerInvoke = 2, Description = "Threads backend: main <-> child")]
    public object? MainToChildOnThreads() => _child.Switch();

    [Benchmark(OperationsPerInvoke = 4, Description = "Threads backend: sibling <-> sibling")]
    public object? SiblingsOnThreads() => _driver.Switch();

    [Benchmark(OperationsPerInvoke = 2, Description = "Threads backend: Coroutine<int, int>")]
    public int CoroutineOnThreads() => _coroutine.Resume(1);

    private static Coroutine<int, int> Counting() => new(static (self, value) =>
    {
        while (true)
        {
            value = self.Yield(value + 1);
        }
    });
}
