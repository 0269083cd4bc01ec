using Orleans.Concurrency;

namespace NativeGreenlet.Orleans.Tests.Grains;

/// <summary>Tells what a greenlet sees of Orleans.</summary>
[Alias("NativeGreenlet.Orleans.Tests.IProbe")]
public interface IProbe : IGrainWithIntegerKey
{
    [Alias("Look")]
    Task<string[]> Look();

    [Alias("Increment")]
    Task<int> Increment(bool onGreenlet);

    [Alias("Increments")]
    [ReadOnly]
    Task<int> ReadTogether(int howMany);

    [Alias("Ping")]
    [AlwaysInterleave]
    Task<string> Ping();

    [Alias("CallBack")]
    Task<string> CallBack(IProbe other);

    [Alias("CallMe")]
    Task<string> CallMe(IProbe who);

    [Alias("WaitUntilCancelled")]
    Task WaitUntilCancelled(string key, CancellationToken cancellationToken);

    [Alias("WaitForEver")]
    Task WaitForEver(string key);

    [Alias("Fail")]
    Task Fail();

    [Alias("WaitTogether")]
    [AlwaysInterleave]
    Task WaitTogether(string key, int howMany);

    [Alias("Leave")]
    [AlwaysInterleave]
    Task Leave();
}
