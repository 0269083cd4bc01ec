using NativeGreenlet.Cooperative;
using NativeGreenlet.Orleans;
using Orleans.Concurrency;

namespace NativeGreenlet.OrleansBank;

/// <inheritdoc cref="IDesk"/>
[Reentrant]
[RunOnGreenlets]
public sealed class Desk : Grain, IDesk
{
    /// <inheritdoc/>
    public Task<bool> Transfer(Guid transfer, long from, long to, long amount) => Task.FromResult(Move(transfer, from, to, amount));

    private bool Move(Guid transfer, long from, long to, long amount)
    {
        ArgumentOutOfRangeException.ThrowIfEqual(from, to);
        if (!Add(from, transfer, -amount))
        {
            return false;
        }

        Add(to, transfer, amount);
        return true;
    }

    // Each of these calls may go to another silo. The desk makes other transfers meanwhile.
    private bool Add(long account, Guid transfer, long amount) => Hub.Await(GrainFactory.GetGrain<IAccount>(account).Add(transfer, amount));
}
