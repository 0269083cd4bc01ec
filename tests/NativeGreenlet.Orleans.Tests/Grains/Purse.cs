using Orleans.Concurrency;
using Orleans.Transactions.Abstractions;

namespace NativeGreenlet.Orleans.Tests.Grains;

/// <inheritdoc cref="IPurse"/>
[Reentrant]
[RunOnGreenlets]
public sealed class Purse([TransactionalState("purse")] ITransactionalState<CallbackState> state) : Grain, IPurse
{
    public Task Add(int amount)
    {
        Hub.Await(state.PerformUpdate(each => each.Value += amount));
        return Task.CompletedTask;
    }

    public Task<int> Read() => Task.FromResult(Hub.Await(state.PerformRead(static each => each.Value)));

    public Task Move(IPurse from, IPurse to, int amount, bool isToFail)
    {
        Hub.Await(from.Add(-amount));
        Hub.Await(to.Add(amount));
        return isToFail ? throw new FormatException("given up") : Task.CompletedTask;
    }
}
