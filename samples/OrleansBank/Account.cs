using NativeGreenlet.Cooperative;
using NativeGreenlet.Orleans;

namespace NativeGreenlet.OrleansBank;

/// <inheritdoc cref="IAccount"/>
[RunOnGreenlets]
public sealed class Account([PersistentState("account")] IPersistentState<AccountState> state) : Grain, IAccount
{
    /// <inheritdoc/>
    public Task<bool> Add(Guid transfer, long amount) => Task.FromResult(TryAdd(transfer, amount));

    /// <inheritdoc/>
    public Task<long> GetBalance() => Task.FromResult(state.State.Balance);

    // An ordinary method, which waits for the storage. No other call of this account gets in between.
    private bool TryAdd(Guid transfer, long amount)
    {
        AccountState account = state.State;
        if (account.Transfers.Contains(transfer))
        {
            return true; // it was made, and the answer was lost
        }

        if (account.Balance + amount < 0)
        {
            return false;
        }

        account.Balance += amount;
        account.Transfers.Add(transfer);
        Save();
        return true;
    }

    private void Save()
    {
        try
        {
            Hub.Await(state.WriteStateAsync());
        }
        catch (Exception)
        {
            // Whether it was written is not known, so what is there counts.
            DeactivateOnIdle();
            Hub.Await(state.ReadStateAsync());
            throw;
        }
    }
}
