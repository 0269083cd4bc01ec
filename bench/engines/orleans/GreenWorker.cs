using NativeGreenlet.Cooperative;
using NativeGreenlet.Orleans;

namespace NativeGreenlet.Engines.Orleans;

/// <inheritdoc cref="IGreenWorker"/>
[RunOnGreenlets]
internal sealed class GreenWorker : Grain, IGreenWorker
{
    private int _count;

    public Task<int> Count() => Task.FromResult(++_count);

    public Task<int> Forward(long other) => Task.FromResult(Hub.Await(GrainFactory.GetGrain<IGreenWorker>(other).Count()) + ++_count);

    public Task<int> Wait(int milliseconds)
    {
        Hub.Sleep(TimeSpan.FromMilliseconds(milliseconds));
        return Task.FromResult(++_count);
    }

    public Task<int> Yield()
    {
        Hub.Yield();
        return Task.FromResult(++_count);
    }
}
