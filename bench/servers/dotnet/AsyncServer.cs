using System.Net;
using System.Net.Sockets;

namespace NativeGreenlet.Servers;

/// <summary><c>async</c> and <c>await</c>.</summary>
internal static class AsyncServer
{
    public static async Task RunAsync(Func<Stream, Task> handler, Action<int> ready)
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Program.Backlog);
        ready(((IPEndPoint)listener.LocalEndPoint!).Port);
        while (true)
        {
            Socket connection = await listener.AcceptAsync();
            connection.NoDelay = true;
            _ = HandleAsync(connection, handler);
        }
    }

    public static async Task EchoAsync(Stream stream)
    {
        byte[] buffer = new byte[4096];
        int count;
        while ((count = await stream.ReadAsync(buffer)) != 0)
        {
            await stream.WriteAsync(buffer.AsMemory(0, count));
        }
    }

    /// <summary>Answers each request with what the downstream service says.</summary>
    public static async Task ServeAsync(Stream stream, ConnectionPool<Stream> pool, int downstreamPort)
    {
        byte[] received = new byte[Http.LargestHead];
        byte[] response = new byte[512];
        byte[] answer = new byte[Downstream.Bytes];
        int count = 0;
        while (true)
        {
            int length;
            while ((length = Http.RequestLength(received.AsSpan(0, count))) == 0)
            {
                int more = await stream.ReadAsync(received.AsMemory(count));
                if (more == 0)
                {
                    return;
                }

                count += more;
            }

            Stream downstream = pool.TryTake() ?? await ConnectAsync(downstreamPort);
            await downstream.WriteAsync(Downstream.Request);
            await downstream.ReadExactlyAsync(answer);
            pool.Return(downstream);

            await stream.WriteAsync(response.AsMemory(0, Http.WriteResponse(response, answer)));
            count -= length;
            received.AsSpan(length, count).CopyTo(received);
        }
    }

    public static async Task<Stream> ConnectAsync(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static async Task HandleAsync(Socket connection, Func<Stream, Task> handler)
    {
        using NetworkStream stream = new(connection, ownsSocket: true);
        try
        {
            await handler(stream);
        }
        catch (IOException)
        {
            // The client went away.
        }
    }
}
