namespace NativeGreenlet.OrleansBank;

/// <summary>An account.</summary>
[Alias("NativeGreenlet.OrleansBank.IAccount")]
public interface IAccount : IGrainWithIntegerKey
{
    /// <summary>Adds an amount, which may be negative, once for each transfer, however often it is asked to.</summary>
    /// <returns>Whether there was enough.</returns>
    [Alias("Add")]
    Task<bool> Add(Guid transfer, long amount);

    /// <summary>Tells what is there.</summary>
    [Alias("GetBalance")]
    Task<long> GetBalance();
}
