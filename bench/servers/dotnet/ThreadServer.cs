using System.Net;
using System.Net.Sockets;

namespace NativeGreenlet.Servers;

/// <summary>A thread for each connection.</summary>
internal static class ThreadServer
{
    public static void Run(Action<Stream> handler, Action<int> ready)
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Program.Backlog);
        ready(((IPEndPoint)listener.LocalEndPoint!).Port);
        while (true)
        {
            Socket connection = listener.Accept();
            connection.NoDelay = true;
            new Thread(() => Handle(connection, handler)) { IsBackground = true }.Start();
        }
    }

    public static Stream Connect(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static void Handle(Socket connection, Action<Stream> handler)
    {
        using NetworkStream stream = new(connection, ownsSocket: true);
        try
        {
            handler(stream);
        }
        catch (IOException)
        {
            // The client went away.
        }
    }
}
