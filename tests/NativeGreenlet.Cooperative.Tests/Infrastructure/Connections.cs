using System.Net;

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>Connections to test with.</summary>
internal static class Connections
{
    /// <summary>Both ends of one, by TCP.</summary>
    public static (GreenSocket Near, GreenSocket Far) Pair()
    {
        using GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        GreenTask<GreenSocket> accepting = Hub.Spawn(listener.Accept);
        GreenSocket near = GreenSocket.Connect("127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port);
        return (near, accepting.Result);
    }
}
