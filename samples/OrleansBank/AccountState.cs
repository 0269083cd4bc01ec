namespace NativeGreenlet.OrleansBank;

/// <summary>What is stored of an account.</summary>
[GenerateSerializer]
[Alias("NativeGreenlet.OrleansBank.AccountState")]
public sealed class AccountState
{
    /// <summary>Gets or sets what is there: each account begins with as much.</summary>
    [Id(0)]
    public long Balance { get; set; } = 1000;

    /// <summary>Gets or sets the transfers that were made.</summary>
    [Id(1)]
    public HashSet<Guid> Transfers { get; set; } = [];
}
