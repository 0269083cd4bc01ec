namespace NativeGreenlet.Orleans.Tests.Grains;

/// <summary>What Orleans calls by something else than a method of an interface; and state.</summary>
[Alias("NativeGreenlet.Orleans.Tests.ICallbacks")]
public interface ICallbacks : IGrainWithIntegerKey
{
    [Alias("RunBody")]
    Task<string> RunBody();

    [Alias("RunBodyOutside")]
    Task RunBodyOutside();

    [Alias("Tick")]
    Task Tick(string key, int times);

    [Alias("Remind")]
    Task Remind(string key);

    [Alias("Subscribe")]
    Task Subscribe(Guid stream, string key);

    [Alias("Send")]
    Task Send(Guid stream, int items);

    [Alias("Store")]
    Task<int> Store(int value);
}
