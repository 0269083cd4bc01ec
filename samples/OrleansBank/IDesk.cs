namespace NativeGreenlet.OrleansBank;

/// <summary>A desk of the bank, which makes transfers.</summary>
[Alias("NativeGreenlet.OrleansBank.IDesk")]
public interface IDesk : IGrainWithIntegerKey
{
    /// <summary>Moves an amount from one account to another. May be repeated with the same number if it failed.</summary>
    /// <returns>Whether there was enough.</returns>
    [Alias("Transfer")]
    Task<bool> Transfer(Guid transfer, long from, long to, long amount);
}
