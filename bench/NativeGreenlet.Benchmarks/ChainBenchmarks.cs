using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>The chain of Python greenlet's own benchmarks: 100,000 greenlets, all suspended at once, then a value that
/// each increments and passes on. The figures are of one link.</summary>
[MemoryDiagnoser]
public class ChainBenchmarks
{
    private const int Length = 100_000;
    private const int FewLinks = 1000; // as many threads as any machine has
    private readonly List<Greenlet> _links = new(Length);

    [GlobalSetup(Target = nameof(FewOnThreads))]
    public void SetupOnThreads() => ThreadsBackend.Choose();

    [IterationCleanup]
    public void End()
    {
        _links.ForEach(link => link.Switch());
        _links.Clear();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Length, Description = "chain of 100,000 greenlets, a link")]
    public object? Greenlets() => Chain(Length);

    [Benchmark(OperationsPerInvoke = FewLinks, Description = "chain of 1,000 greenlets, a link")]
    public object? Few() => Chain(FewLinks);

    [Benchmark(OperationsPerInvoke = FewLinks, Description = "Threads backend: chain of 1,000, a link")]
    public object? FewOnThreads() => Chain(FewLinks);

    [Benchmark(OperationsPerInvoke = Length, Description = "chain of 100,000 async methods, a link")]
    public int AsyncMethods()
    {
        TaskCompletionSource<int> last = NewPromise();
        TaskCompletionSource<int> following = last;
        for (int i = 0; i < Length; i++)
        {
            TaskCompletionSource<int> mine = NewPromise();
            _ = AsyncLink(mine.Task, following);
            following = mine;
        }

        following.SetResult(0);
        return last.Task.GetAwaiter().GetResult();
    }

    // Continuations that ran at once would nest as deep as the chain is long.
    private static TaskCompletionSource<int> NewPromise() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static async Task AsyncLink(Task<int> mine, TaskCompletionSource<int> following) => following.SetResult(await mine + 1);

    private static object? Link(object? following)
    {
        object? value = Greenlet.Current.Parent!.Switch();
        return ((Greenlet)following!).Switch((int)value! + 1);
    }

    private object? Chain(int length)
    {
        Greenlet following = Greenlet.Current;
        for (int i = 0; i < length; i++)
        {
            Greenlet link = new(Link);
            link.Switch(following);
            _links.Add(link);
            following = link;
        }

        return following.Switch(0);
    }
}
