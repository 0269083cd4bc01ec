namespace NativeGreenlet.AspNetCore.Tests.Transport;

/// <summary>What holds on the transport of ASP.NET Core holds where connections live on hubs.</summary>
public sealed class EndingTestsOnTransport : EndingTests, IDisposable
{
    public EndingTestsOnTransport() => Server.IsOnTransport = true;

    public void Dispose() => Server.IsOnTransport = false;
}
