namespace NativeGreenlet.Engines.Orleans;

/// <inheritdoc cref="IBlockingWorker"/>
internal sealed class BlockingWorker : Grain, IBlockingWorker
{
    private int _count;

    public Task<int> Count() => Task.FromResult(++_count);

    public Task<int> Forward(long other)
    {
        Task<int> call = GrainFactory.GetGrain<IBlockingWorker>(other).Count();
        call.Wait();
        return Task.FromResult(call.Result + ++_count);
    }

    public Task<int> Wait(int milliseconds)
    {
        Thread.Sleep(milliseconds);
        return Task.FromResult(++_count);
    }

    public Task<int> Yield()
    {
        Thread.Yield();
        return Task.FromResult(++_count);
    }
}
