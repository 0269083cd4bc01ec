namespace NativeGreenlet.Engines.Orleans;

/// <inheritdoc cref="IAsyncWorker"/>
internal sealed class AsyncWorker : Grain, IAsyncWorker
{
    private int _count;

    public Task<int> Count() => Task.FromResult(++_count);

    public async Task<int> Forward(long other) => await GrainFactory.GetGrain<IAsyncWorker>(other).Count() + ++_count;

    public async Task<int> Wait(int milliseconds)
    {
        await Task.Delay(milliseconds);
        return ++_count;
    }

    public async Task<int> Yield()
    {
        await Task.Yield();
        return ++_count;
    }
}
