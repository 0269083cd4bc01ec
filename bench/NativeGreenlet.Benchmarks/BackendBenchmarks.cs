using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;

namespace NativeGreenlet.Benchmarks;

/// <summary>The same greenlets on stacks of their own and on threads of their own.</summary>
[Config(typeof(Backends))]
[MemoryDiagnoser]
public class BackendBenchmarks
{
    private readonly Func<object?, object?> _body = static value => value;
    private Greenlet _child = null!;

    [GlobalSetup]
    public void Setup()
    {
        Greenlet main = Greenlet.Current;
        _child = new Greenlet(() =>
        {
            while (true)
            {
                main.Switch();
            }
        });
        _child.Switch();
    }

    [GlobalCleanup]
    public void Cleanup() => _child.Dispose();

    [Benchmark(OperationsPerInvoke = 2, Description = "main <-> child")]
    public object? MainToChild() => _child.Switch();

    [Benchmark(Description = "create, run, die")]
    public object? Life() => new Greenlet(_body).Switch();

    // The backend is chosen once per process, from the environment.
    private sealed class Backends : ManualConfig
    {
        public Backends()
        {
            AddJob(Job.Default.WithId("Segments").WithEnvironmentVariable("NATIVEGREENLET_BACKEND", "segments").AsBaseline());
            AddJob(Job.Default.WithId("Threads").WithEnvironmentVariable("NATIVEGREENLET_BACKEND", "threads"));
            HideColumns("EnvironmentVariables");
        }
    }
}
