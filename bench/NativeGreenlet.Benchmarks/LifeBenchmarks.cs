using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>A whole life: of a greenlet, and of what else could run the same function.</summary>
[MemoryDiagnoser]
public class LifeBenchmarks
{
    private readonly Func<object?, object?> _body = static value => value;
    private readonly Suspension _suspension = new();

    [GlobalSetup(Target = nameof(LifeOnThreads))]
    public void SetupOnThreads() => ThreadsBackend.Choose();

    [Benchmark(Baseline = true, Description = "greenlet: create, run, die; stack from the pool")]
    public object? Life() => new Greenlet(_body).Switch();

    [Benchmark(Description = "greenlet: create only")]
    public Greenlet Create() => new(_body);

    [Benchmark(Description = "greenlet: create, suspend, dispose")]
    public void Dispose()
    {
        using Greenlet greenlet = new(static _ => Greenlet.Current.Parent!.Switch());
        greenlet.Switch();
    }

    [Benchmark(Description = "Threads backend: create, run, die")]
    public object? LifeOnThreads() => new Greenlet(_body).Switch();

    [Benchmark(Description = "thread: create, run, join")]
    public void ThreadLife()
    {
        Thread thread = new(static () => { });
        thread.Start();
        thread.Join();
    }

    [Benchmark(Description = "Task.Run and Wait")]
    public void TaskLife() => Task.Run(static () => { }).Wait();

    [Benchmark(Description = "async method: call, suspend, continue to its end")]
    public bool AsyncLife()
    {
        Task task = SuspendOnce();
        _suspension.Continue();
        return task.IsCompleted;
    }

    [Benchmark(Description = "C# iterator: create, one step, dispose")]
    public int IteratorLife()
    {
        using IEnumerator<int> iterator = One().GetEnumerator();
        iterator.MoveNext();
        return iterator.Current;
    }

    private static IEnumerable<int> One()
    {
        yield return 1;
    }

    private async Task SuspendOnce() => await _suspension;
}
