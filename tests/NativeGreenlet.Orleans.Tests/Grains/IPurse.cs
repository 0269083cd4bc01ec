namespace NativeGreenlet.Orleans.Tests.Grains;

/// <summary>State in transactions.</summary>
[Alias("NativeGreenlet.Orleans.Tests.IPurse")]
public interface IPurse : IGrainWithIntegerKey
{
    [Alias("Add")]
    [Transaction(TransactionOption.CreateOrJoin)]
    Task Add(int amount);

    [Alias("Read")]
    [Transaction(TransactionOption.CreateOrJoin)]
    Task<int> Read();

    [Alias("Move")]
    [Transaction(TransactionOption.Create)]
    Task Move(IPurse from, IPurse to, int amount, bool isToFail);
}
