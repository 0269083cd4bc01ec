using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>One switch, in the ways there are, against other things that take turns. Every method does two hand-offs,
/// there and back, and says so to the harness.</summary>
[MemoryDiagnoser]
public class SwitchBenchmarks
{
    private const int Deep = 50;
    private Greenlet _main = null!;
    private Greenlet _child = null!;
    private Greenlet _deepChild = null!;
    private Greenlet _driver = null!;
    private Coroutine<int, int> _coroutine = null!;
    private IEnumerator<int> _generator = null!;
    private IEnumerator<int> _iterator = null!;

    [GlobalSetup]
    public void Setup()
    {
        _main = Greenlet.Current;
        _child = Looping(0);
        _deepChild = Looping(Deep);
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
                _main.Switch();
                sibling.Switch();
            }
        });
        _driver.Switch();
        _coroutine = new Coroutine<int, int>((self, value) =>
        {
            while (true)
            {
                value = self.Yield(value + 1);
            }
        });
        _generator = new GreenletGenerator<int>(() =>
        {
            while (true)
            {
                GreenletGenerator<int>.Yield(1);
            }
        }).GetEnumerator();
        _iterator = Ones().GetEnumerator();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _child.Dispose();
        _deepChild.Dispose();
        _driver.Dispose();
        _coroutine.Dispose();
        _generator.Dispose();
        _iterator.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = 2, Description = "main <-> child")]
    public object? MainToChild() => _child.Switch();

    [Benchmark(OperationsPerInvoke = 2, Description = "main <-> child, 50 frames deep")]
    public object? MainToDeepChild() => _deepChild.Switch();

    [Benchmark(OperationsPerInvoke = 4, Description = "sibling <-> sibling")]
    public object? Siblings() => _driver.Switch();

    [Benchmark(OperationsPerInvoke = 2, Description = "Coroutine<int, int>.Resume and Yield")]
    public int CoroutineResume() => _coroutine.Resume(1);

    [Benchmark(Description = "GreenletGenerator<int>, a step")]
    public bool GeneratorStep() => _generator.MoveNext();

    [Benchmark(Description = "C# iterator, a step")]
    public bool IteratorStep() => _iterator.MoveNext();

    private static IEnumerable<int> Ones()
    {
        while (true)
        {
            yield return 1;
        }
    }

    private Greenlet Looping(int depth)
    {
        Greenlet greenlet = new(() => Loop(depth));
        greenlet.Switch();
        return greenlet;
    }

    private void Loop(int depth)
    {
        if (depth > 0)
        {
            Loop(depth - 1);
            GC.KeepAlive(this); // no tail call
            return;
        }

        while (true)
        {
            _main.Switch();
        }
    }
}
