namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>The servers that answer all cases: connections on hubs, and ASP.NET Core's own; with TLS and without.</summary>
public sealed class ConformanceServers : IAsyncLifetime
{
    private readonly Dictionary<(bool IsOnTransport, bool IsSecure), ConformanceServer> _servers = [];

    public async ValueTask InitializeAsync()
    {
        foreach (bool isOnTransport in new[] { true, false })
        {
            foreach (bool isSecure in new[] { true, false })
            {
                _servers.Add((isOnTransport, isSecure), await ConformanceServer.StartAsync(isOnTransport, isSecure));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ConformanceServer server in _servers.Values)
        {
            await server.DisposeAsync();
        }
    }

    internal ConformanceServer Get(bool isOnTransport, bool isSecure) => _servers[(isOnTransport, isSecure)];
}
