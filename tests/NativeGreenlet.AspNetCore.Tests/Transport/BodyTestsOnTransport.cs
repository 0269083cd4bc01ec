namespace NativeGreenlet.AspNetCore.Tests.Transport;

/// <summary>What holds on the transport of ASP.NET Core holds where connections live on hubs.</summary>
public sealed class BodyTestsOnTransport : BodyTests, IDisposable
{
    public BodyTestsOnTransport() => Server.IsOnTransport = true;

    public void Dispose() => Server.IsOnTransport = false;
}
