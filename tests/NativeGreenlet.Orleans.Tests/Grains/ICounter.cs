using Orleans.Concurrency;

namespace NativeGreenlet.Orleans.Tests.Grains;

/// <summary>Counts in steps that must not overlap, by calls in blocking and in asynchronous style.</summary>
[Alias("NativeGreenlet.Orleans.Tests.ICounter")]
public interface ICounter : IGrainWithIntegerKey
{
    /// <summary>Takes steps on a greenlet, with waits of all kinds between them.</summary>
    [Alias("Blocking")]
    Task Blocking(int steps, int seed);

    /// <summary>Takes steps in a method with <c>await</c>.</summary>
    [Alias("Asynchronous")]
    Task Asynchronous(int steps, int seed);

    /// <summary>Takes steps in several tasks of one call.</summary>
    [Alias("Spawned")]
    Task Spawned(int steps, int tasks, int seed);

    [Alias("Value")]
    [AlwaysInterleave]
    Task<(int Count, int Overlaps)> Value();
}
