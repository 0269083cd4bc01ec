using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>A greenlet's whole life, and its end by an exception.</summary>
[MemoryDiagnoser]
public class LifeBenchmarks
{
    private readonly Func<object?, object?> _body = static value => value;

    [Benchmark(Baseline = true, Description = "create, run, die; stack from the pool")]
    public object? Life() => new Greenlet(_body).Switch();

    [Benchmark(Description = "create only")]
    public Greenlet Create() => new(_body);

    [Benchmark(Description = "create, suspend, dispose")]
    public void Dispose()
    {
        using Greenlet greenlet = new(static _ => Greenlet.Current.Parent!.Switch());
        greenlet.Switch();
    }

    [Benchmark(OperationsPerInvoke = 1000, Description = "chain of 1,000: each starts the next, then all end")]
    public object? Chain() => Link(1000).Switch();

    private static Greenlet Link(int left) => new(value => left == 0 ? value : Link(left - 1).Switch(value));
}
