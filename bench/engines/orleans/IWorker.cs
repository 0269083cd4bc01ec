namespace NativeGreenlet.Engines.Orleans;

/// <summary>A grain that is called, and waits.</summary>
[Alias("NativeGreenlet.Engines.Orleans.IWorker")]
internal interface IWorker : IGrainWithIntegerKey
{
    /// <summary>Counts.</summary>
    [Alias("Count")]
    Task<int> Count();

    /// <summary>Calls another grain of its kind.</summary>
    [Alias("Forward")]
    Task<int> Forward(long other);

    /// <summary>Waits, and counts.</summary>
    [Alias("Wait")]
    Task<int> Wait(int milliseconds);

    /// <summary>Lets others go first, and counts.</summary>
    [Alias("Yield")]
    Task<int> Yield();
}
