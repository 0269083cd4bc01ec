using System.Threading.Channels;
using BenchmarkDotNet.Attributes;

namespace NativeGreenlet.Benchmarks;

/// <summary>One suspension and its resumption, there and back, by a greenlet and by await in several ways. What goes
/// through the thread pool does it many times per call: the harness blocks at the end of each.</summary>
[MemoryDiagnoser]
public class AwaitBenchmarks
{
    private const int Many = 1000;
    private readonly Suspension _suspension = new();
    private readonly Channel<int>[] _channels = [Unbounded(false), Unbounded(false)];
    private readonly Channel<int>[] _synchronousChannels = [Unbounded(true), Unbounded(true)];
    private Greenlet _child = null!;

    [GlobalSetup]
    public void Setup()
    {
        _child = Bouncing.Start();
        _ = SuspendForEver();
        _ = Echo(_channels);
        _ = Echo(_synchronousChannels);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _child.Dispose();
        _channels[0].Writer.Complete();
        _synchronousChannels[0].Writer.Complete();
    }

    [Benchmark(Baseline = true, Description = "greenlet, there and back")]
    public object? Greenlets() => _child.Switch();

    [Benchmark(Description = "await of a custom awaiter")]
    public void CustomAwaiter() => _suspension.Continue();

    [Benchmark(OperationsPerInvoke = Many, Description = "await Task.Yield()")]
    public async Task TaskYield()
    {
        for (int i = 0; i < Many; i++)
        {
            await Task.Yield();
        }
    }

    [Benchmark(OperationsPerInvoke = Many, Description = "Channel, there and back")]
    public Task Channels() => PingPong(_channels);

    [Benchmark(OperationsPerInvoke = Many, Description = "Channel, synchronous continuations")]
    public Task SynchronousChannels() => PingPong(_synchronousChannels);

    private static Channel<int> Unbounded(bool isSynchronous) => Channel.CreateUnbounded<int>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true, AllowSynchronousContinuations = isSynchronous });

    private static async Task PingPong(Channel<int>[] channels)
    {
        for (int i = 0; i < Many; i++)
        {
            await channels[0].Writer.WriteAsync(i);
            _ = await channels[1].Reader.ReadAsync();
        }
    }

    private static async Task Echo(Channel<int>[] channels)
    {
        await foreach (int value in channels[0].Reader.ReadAllAsync())
        {
            await channels[1].Writer.WriteAsync(value);
        }
    }

    private async Task SuspendForEver()
    {
        while (true)
        {
            await _suspension;
        }
    }
}
