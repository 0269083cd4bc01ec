using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>The tests of connections where .NET's operations do what a poller does elsewhere.</summary>
[Collection(Processes.Name)]
public class WithoutPollerTests
{
    [Fact]
    public void They_hold_without_a_poller_too()
    {
        string output = Child.Run(
            ("NATIVEGREENLET_POLLER", "off"),
            nameof(IoTests),
            nameof(ServerTests),
            nameof(ConnectTests),
            nameof(ConnectionTests),
            nameof(GivenUpAcceptTests),
            nameof(GivenUpReceiveTests),
            nameof(LimitTests),
            nameof(SocketWaitTests),
            nameof(StreamWaitTests),
            nameof(PollerTests),
            nameof(ConnectionStressTests));
        Assert.Contains("0 failed on", output, StringComparison.Ordinal);
    }
}
