using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>An exception that is raised in another greenlet, or leaves one, against one that stays where it is. A new one
/// each time: one that is thrown again and again collects the frames of all its journeys.</summary>
[MemoryDiagnoser]
public class ThrowBenchmarks
{
    private readonly Suspension _suspension = new();
    private Greenlet _catching = null!;

    [GlobalSetup]
    public void Setup()
    {
        Greenlet main = Greenlet.Current;
        _catching = new Greenlet(() =>
        {
            while (true)
            {
                try
                {
                    main.Switch();
                }
                catch (InvalidOperationException)
                {
                }
            }
        });
        _catching.Switch();
        _ = Catch();
    }

    [GlobalSetup(Target = nameof(IntoOnThreads))]
    public void SetupOnThreads()
    {
        ThreadsBackend.Choose();
        Setup();
    }

    [GlobalCleanup]
    public void Cleanup() => _catching.Dispose();

    [Benchmark(Baseline = true, Description = "throw and catch, no greenlet")]
    public void Plain()
    {
        try
        {
            throw new InvalidOperationException();
        }
        catch (InvalidOperationException)
        {
        }
    }

    [Benchmark(Description = "throw into a greenlet, which catches it and switches back")]
    public object? Into() => _catching.Throw(new InvalidOperationException());

    [Benchmark(Description = "Threads backend: throw into a greenlet")]
    public object? IntoOnThreads() => _catching.Throw(new InvalidOperationException());

    [Benchmark(Description = "throw into an async method, which catches it and awaits again")]
    public void IntoAsyncMethod() => _suspension.Fail(new InvalidOperationException());

    [Benchmark(Description = "an exception ends a greenlet and arrives at its parent")]
    public void OutOf()
    {
        try
        {
            new Greenlet(static () => throw new InvalidOperationException()).Switch();
        }
        catch (InvalidOperationException)
        {
        }
    }

    private async Task Catch()
    {
        while (true)
        {
            try
            {
                await _suspension;
            }
            catch (InvalidOperationException)
            {
            }
        }
    }
}
