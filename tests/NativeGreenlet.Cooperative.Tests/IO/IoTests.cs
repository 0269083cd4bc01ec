using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using static NativeGreenlet.Cooperative.Tests.Infrastructure.Connections;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>Adapters: what looks blocking parks, and what is given up loses nothing.</summary>
public class IoTests
{
    [Fact]
    public void A_server_serves_many_clients_in_one_thread() => InHub.Run(() =>
    {
        int threads = Environment.CurrentManagedThreadId;
        HashSet<int> seen = [];
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
        {
            seen.Add(Environment.CurrentManagedThreadId);
            using StreamReader reader = new(stream);
            while (reader.ReadLine() is { } line) // code that knows only Stream
            {
                stream.Write(Encoding.UTF8.GetBytes($"{line}!\n"));
            }
        });
        server.Start();
        GreenPool pool = new(50);
        pool.ForEach(Enumerable.Range(0, 50), i =>
        {
            using GreenSocket socket = GreenSocket.Connect("127.0.0.1", server.EndPoint.Port);
            using GreenStream stream = socket.GetStream();
            using StreamReader reader = new(stream);
            for (int round = 0; round < 5; round++)
            {
                stream.Write(Encoding.UTF8.GetBytes($"{i} {round}\n"));
                Hub.Yield();
                Assert.Equal($"{i} {round}!", reader.ReadLine());
            }
        });
        server.Stop();
        Assert.Equal(0, server.ConnectionCount);
        if (GreenletRuntime.Backend != GreenletBackend.Threads)
        {
            Assert.Equal([threads], seen);
        }
    });

    [Fact]
    public void A_read_that_is_given_up_loses_nothing() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = Pair();
        using GreenStream stream = near.GetStream();
        byte[] buffer = new byte[16];
        for (byte i = 1; i < 60; i++)
        {
            // Data and the end of the time meet, in any order.
            byte value = i;
            Hub.SpawnLater(TimeSpan.FromTicks(9500 + (i * 20)), () => far.Send([value]));
            int count = 0;
            while (count == 0)
            {
                _ = GreenTimeout.TryRun(InHub.Tick, () => count = stream.Read(buffer));
            }

            Assert.Equal((1, value), (count, buffer[0]));
        }

        stream.ReadTimeout = 1;
        Assert.Throws<TimeoutException>(() => stream.Read(buffer));
        far.Send([77]);
        stream.ReadTimeout = Timeout.Infinite;
        Assert.Equal(77, stream.ReadByte());
        Assert.Throws<NotSupportedException>(() => stream.Length);
        far.Dispose();
        Assert.Equal(-1, stream.ReadByte());
    });

    [Fact]
    public void Waits_on_sockets_can_be_killed_and_closed() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = Pair();
        GreenStream stream = near.GetStream();
        GreenTask reading = Hub.Spawn(() => stream.Read(new byte[1]));
        GreenTask receiving = Hub.Spawn(() => far.Receive(new byte[1]));
        Hub.Sleep(InHub.Tick * 5);
        Assert.True(receiving.Kill(timeout: InHub.Long));
        GreenTask writing = Hub.Spawn(() => stream.Write(new byte[64 * 1024 * 1024]));
        Hub.Sleep(InHub.Tick * 20);
        Assert.True(writing.Kill(timeout: InHub.Long) && reading.Kill(timeout: InHub.Long));
        Assert.True(reading.IsKilled && receiving.IsKilled && writing.IsKilled);
        far.ReceiveTimeout = InHub.Tick;

        var heard = InHub.Unhandled();
        GreenTask closed = Hub.Spawn(() => stream.Read(new byte[1]));
        Hub.Yield();
        stream.Dispose();
        Assert.True(closed.Join(InHub.Long));
        Assert.NotNull(closed.Exception);
        far.Dispose();

        using GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        GreenTask accepting = Hub.Spawn(() => listener.Accept());
        Hub.Yield();
        Assert.True(accepting.Kill(timeout: InHub.Long));
    });

    [Fact]
    public void Datagrams_park() => InHub.Run(() =>
    {
        using GreenSocket server = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        GreenTask echo = Hub.Spawn(() =>
        {
            byte[] buffer = new byte[100];
            while (true)
            {
                int count = server.ReceiveFrom(buffer, out EndPoint sender);
                server.SendTo(buffer.AsSpan(0, count), sender);
            }
        });
        new GreenPool(5).ForEach(Enumerable.Range(0, 5), i =>
        {
            using GreenSocket client = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            client.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            byte[] buffer = new byte[100];
            Assert.Equal(6, client.SendTo(Encoding.ASCII.GetBytes($"hello{i}"), server.LocalEndPoint!));
            Assert.Equal(6, client.ReceiveFrom(buffer, out EndPoint sender));
            Assert.Equal(($"hello{i}", server.LocalEndPoint), (Encoding.ASCII.GetString(buffer, 0, 6), sender));
            client.ReceiveTimeout = InHub.Tick;
            Assert.Throws<TimeoutException>(() => client.ReceiveFrom(buffer, out _));
        });
        echo.Kill();
    });

    [Fact]
    public void A_connection_is_not_lost_to_an_accept_that_was_given_up() => InHub.Run(() =>
    {
        using GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        GreenTask given = Hub.Spawn(() => listener.Accept());
        Hub.Sleep(InHub.Tick * 5);
        given.Kill();
        using Socket client = new(SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        Assert.True(GreenTimeout.TryRun(InHub.Long, () => listener.Accept().Dispose()));
    });

    [Fact]
    public void A_synchronous_http_client_parks() => InHub.Run(() =>
    {
        const int Clients = 20;
        int requests = 0;
        GreenEvent all = new();
        using GreenTcpServer server = HttpServer(path =>
        {
            if (path == "/x")
            {
                Hub.Sleep(Timeout.InfiniteTimeSpan);
            }

            if (++requests == Clients)
            {
                all.Set();
            }

            all.Wait(); // no reply before all have asked: they do not take turns
        });
        server.Start();
        using HttpClient client = new(new GreenHttpHandler());
        string[] bodies = [.. new GreenPool(Clients).Map(Enumerable.Range(0, Clients), i =>
        {
            using HttpResponseMessage reply = client.Send(new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{server.EndPoint.Port}/{i}"));
            using StreamReader reader = new(reply.Content.ReadAsStream());
            return reader.ReadToEnd();
        })];
        Assert.Equal(Enumerable.Range(0, Clients).Select(i => $"/{i}"), bodies);
        Assert.False(GreenTimeout.TryRun(TimeSpan.FromMilliseconds(50), () => client.Send(new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{server.EndPoint.Port}/x"))));
        server.Stop();
    });

    [Fact]
    public void Ssl_works_over_a_green_stream_synchronously() => InHub.Run(() =>
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        (GreenSocket near, GreenSocket far) = Pair();
        GreenTask<string> serving = Hub.Spawn(() =>
        {
            using SslStream ssl = new(far.GetStream());
            ssl.AuthenticateAsServer(certificate); // synchronous, all of it
            byte[] buffer = new byte[5];
            ssl.ReadExactly(buffer);
            ssl.Write("world"u8);
            return Encoding.ASCII.GetString(buffer);
        });
        using GreenStream client = GreenSsl.AuthenticateAsClient(near.GetStream(), new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            RemoteCertificateValidationCallback = (_, remote, _, _) => remote?.GetCertHashString() == certificate.GetCertHashString(),
        });
        client.Write("hello"u8);
        byte[] answer = new byte[5];
        client.ReadExactly(answer);
        Assert.Equal(("hello", "world"), (serving.Result, Encoding.ASCII.GetString(answer)));
    });

    [Fact]
    public void Files_names_and_processes() => InHub.Run(() =>
    {
        string path = Path.GetTempFileName();
        GreenFile.WriteAllText(path, "text");
        Assert.Equal("text", GreenFile.ReadAllText(path));
        GreenFile.WriteAllBytes(path, [1, 2, 3]);
        Assert.Equal([1, 2, 3], GreenFile.ReadAllBytes(path));
        using (GreenStream file = GreenFile.Open(path))
        {
            using MemoryStream copy = new();
            file.CopyTo(copy);
            Assert.Equal([1, 2, 3], copy.ToArray());
        }

        File.Delete(path);
        Assert.Contains(IPAddress.Loopback, GreenDns.GetHostAddresses("127.0.0.1"));

        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(new GreenProcessResult(3, "in", "err"), GreenProcess.Run(new ProcessStartInfo("sh", ["-c", "cat; printf err >&2; exit 3"]), "in"));
            Assert.Throws<TimeoutException>(() => GreenProcess.Run(new ProcessStartInfo("sleep", ["60"]), timeout: InHub.Tick * 20));
            GreenTask sleeping = Hub.Spawn(() => GreenProcess.Run("sleep", "60"));
            Hub.Sleep(InHub.Tick * 20);
            Assert.True(sleeping.Kill(timeout: InHub.Long));
        }
    });

    private static GreenTcpServer HttpServer(Action<string> serve) => new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
    {
        using StreamReader reader = new(stream);
        string path = reader.ReadLine()!.Split(' ')[1];
        while (reader.ReadLine() is { Length: > 0 })
        {
        }

        serve(path);
        stream.Write(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {path.Length}\r\nConnection: close\r\n\r\n{path}"));
    });
}
