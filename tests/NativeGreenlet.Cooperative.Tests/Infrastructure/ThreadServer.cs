using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>A server of plain threads, which does what a test says, however impolite; the client is what is tested.</summary>
internal sealed class ThreadServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<TcpClient> _clients = [];
    private int _count;
    private int _most;

    public ThreadServer(Action<NetworkStream> serve)
    {
        _listener.Start();
        Start(() =>
        {
            while (true)
            {
                TcpClient client = _listener.AcceptTcpClient();
                lock (_clients)
                {
                    _clients.Add(client);
                    _most = Math.Max(_most, ++_count);
                }

                Start(() =>
                {
                    using (client)
                    {
                        serve(client.GetStream());
                    }
                });
            }
        });
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Address => $"http://127.0.0.1:{Port}/";

    /// <summary>How many connections there have been.</summary>
    public int Count
    {
        get
        {
            lock (_clients)
            {
                return _most;
            }
        }
    }

    /// <summary>Reads the head of a request.</summary>
    public static string ReadHead(Stream stream)
    {
        StringBuilder head = new();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            int value = stream.ReadByte();
            if (value < 0)
            {
                throw new IOException("The client has gone.");
            }

            head.Append((char)value);
        }

        return head.ToString();
    }

    public static void Write(Stream stream, string text) => stream.Write(Encoding.ASCII.GetBytes(text));

    public void Dispose()
    {
        _listener.Dispose();
        lock (_clients)
        {
            _clients.ForEach(client => client.Dispose());
        }
    }

    private static void Start(Action body) => new Thread(() =>
    {
        try
        {
            body();
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // One side has closed it.
        }
    })
    { IsBackground = true }.Start();
}
