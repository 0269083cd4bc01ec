namespace NativeGreenlet.Orleans.Tests.Grains;

/// <summary>What is stored.</summary>
[GenerateSerializer]
[Alias("NativeGreenlet.Orleans.Tests.CallbackState")]
public sealed class CallbackState
{
    [Id(0)]
    public int Value { get; set; }
}
