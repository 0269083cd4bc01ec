namespace NativeGreenlet.AspNetCore.Tests.Transport;

/// <summary>What holds on the transport of ASP.NET Core holds where connections live on hubs.</summary>
public sealed class HandlerTestsOnTransport : HandlerTests, IDisposable
{
    public HandlerTestsOnTransport() => Server.IsOnTransport = true;

    // Between the tasks of a hub; but the first request of a connection may be read by a thread of the pool.
    protected override string[] Refusals => [nameof(BlockingSwitchOutException), .. base.Refusals];

    public void Dispose() => Server.IsOnTransport = false;
}
