using System.Net;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Servers;

/// <summary>Plain blocking code on greenlets.</summary>
internal static class GreenletServer
{
    public static void Run(int hubs, Action<Stream> handler, Action<int> ready) => Hub.Run(() =>
    {
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream => Serve(stream, handler))
        {
            HubCount = hubs,
            Backlog = Program.Backlog,
        };
        server.Start();
        ready(server.EndPoint.Port);
        server.ServeForever();
    });

    // The load ends by closing its connections, in the middle of a request.
    private static void Serve(Stream stream, Action<Stream> handler)
    {
        try
        {
            handler(stream);
        }
        catch (IOException)
        {
        }
    }

    public static Stream Connect(int port)
    {
        GreenSocket socket = new();
        socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
        socket.NoDelay = true;
        return socket.GetStream();
    }
}
