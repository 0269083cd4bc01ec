using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Leaks;

/// <summary>Every operation of the layer that is input or output: over, given up, killed; by the hub's own poller and by .NET's
/// operations. Connections are opened once where they are not what is tested.</summary>
internal sealed class IoOperations : IDisposable
{
    // A connection that was closed keeps its pair of addresses busy for a minute. There are 254 of these, with 28,000 ports each.
    private const int Addresses = 254;

    private static readonly TimeSpan s_soon = TimeSpan.FromTicks(1);

    private static readonly Dictionary<string, Func<IoOperations, IEnumerable<Operation>>> s_kinds = new()
    {
        ["sockets"] = operations => operations.Sockets(),
        ["connections"] = operations => operations.Connecting(),
        ["streams"] = operations => operations.Streams(),
        ["servers"] = operations => operations.Servers(),
        ["HTTP"] = operations => operations.Http(),
        ["files and names"] = operations => operations.FilesAndNames(),
        ["programs"] = _ => Programs(),
        ["TLS"] = operations => operations.Tls(),
    };

    private readonly List<IDisposable> _open = [];
    private readonly byte[] _bytes = new byte[16];
    private int _address;

    /// <summary>Passes them to a body, in a hub.</summary>
    public static void With(Action<IoOperations> body, TimeSpan patience) => InHub.OnThread(
        () => Hub.Run(() =>
        {
            using IoOperations operations = new();
            body(operations);
        }),
        patience);

    public void Dispose() => _open.ForEach(thing => thing.Dispose());

    /// <summary>The kinds of them.</summary>
    public static IEnumerable<string> Kinds => s_kinds.Keys;

    /// <summary>Those of a kind; made in a hub, for use there.</summary>
    public IEnumerable<Operation> Of(string kind) => s_kinds[kind](this);

    /// <summary>All of them.</summary>
    public IEnumerable<Operation> All() => Kinds.SelectMany(Of);

    private IEnumerable<Operation> Sockets()
    {
        foreach (bool isShared in new[] { false, true })
        {
            (GreenSocket near, GreenSocket far) = Pair(isShared);
            (GreenSocket silent, GreenSocket idle) = Pair(isShared); // from which nothing ever comes
            _open.Add(silent);
            yield return new("GreenSocket.Send GreenSocket.Receive", () =>
            {
                near.Send(_bytes);
                far.Receive(_bytes);
            });
            yield return new("GreenSocket.Receive", () => KillWaiting(() => idle.Receive(new byte[1])));
            yield return new("GreenSocket.Receive", () => GreenTimeout.TryRun(s_soon, () => idle.Receive(new byte[1])));
            yield return new("GreenSocket.Receive", () => GreenTimeout.TryRun(s_soon, () => idle.Receive(new byte[1], SocketFlags.Peek)));
            yield return new("GreenSocket.Receive GreenSocket.set_ReceiveTimeout", () =>
            {
                idle.ReceiveTimeout = s_soon;
                Assert.Throws<TimeoutException>(() => idle.Receive(new byte[1]));
            });
            yield return new("GreenSocket.WaitUntilReadable", () => idle.WaitUntilReadable(s_soon));
            yield return new("GreenSocket.WaitUntilReadable", () => KillWaiting(() => idle.WaitUntilReadable()));
        }

        (GreenSocket sender, GreenSocket full) = Pair(isShared: false); // a send to it has to wait
        _open.Add(full);
        GreenTimeout.TryRun(InHub.Tick * 50, () => sender.Send(new byte[50_000_000]));
        yield return new("GreenSocket.Send", () =>
        {
            try
            {
                GreenTimeout.TryRun(s_soon, () => sender.Send(_bytes));
            }
            catch (Exception exception) when (exception is IOException or SocketException)
            {
                // an earlier one was given up
            }
        });

        GreenSocket one = Datagrams();
        GreenSocket other = Datagrams();
        EndPoint receiver = other.LocalEndPoint!;
        Action datagram = () =>
        {
            one.SendTo(_bytes, receiver);
            other.ReceiveFrom(_bytes, out _);
        };
        yield return new("GreenSocket.SendTo GreenSocket.ReceiveFrom", datagram);
        yield return new("GreenSocket.ReceiveFrom", () => GreenTimeout.TryRun(s_soon, () => other.ReceiveFrom(new byte[1], out _)));
        yield return new("GreenSocket.ReceiveFrom", () => KillWaiting(() => other.ReceiveFrom(new byte[1], out _)));

        Socket watched = Keep(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        watched.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        yield return new("HubSocketEvents.TryAttach HubSocketEvents.Detach HubSocketEvents.Dispose", () =>
        {
            using HubSocketEvents events = new(watched, () => { }, () => { });
            events.TryAttach();
            events.Detach();
            events.TryAttach();
            Hub.Yield();
        });
    }

    private IEnumerable<Operation> Connecting()
    {
        GreenSocket listener = Listener();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        yield return new("GreenSocket.Bind GreenSocket.Listen GreenSocket.Dispose", () =>
        {
            using GreenSocket mine = new();
            mine.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            mine.Listen();
        });
        yield return new("GreenSocket.Connect GreenSocket.Accept GreenSocket.Shutdown GreenSocket.GetStream", () =>
        {
            using GreenSocket near = new();
            near.Connect(new IPEndPoint(Address(), port));
            using GreenSocket far = listener.Accept();
            using GreenStream stream = far.GetStream();
            near.Shutdown(SocketShutdown.Both);
            Assert.Equal(-1, stream.ReadByte());
        });
        Action connect = () =>
        {
            using GreenSocket near = GreenSocket.Connect($"{Address()}", port);
            using GreenSocket far = listener.Accept();
            _ = near.Socket; // from now on by .NET's operations
            near.Send(_bytes);
            far.Receive(_bytes);
        };
        yield return new("GreenSocket.Connect", connect);
        yield return new("GreenSocket.Connect", () =>
        {
            using GreenSocket near = new();
            Assert.ThrowsAny<SocketException>(() => near.Connect(new IPEndPoint(Address(), 1))); // refused
        });
        yield return new("GreenSocket.Connect", () => Assert.ThrowsAny<SocketException>(() => GreenSocket.Connect($"{Address()}", 1)));
        yield return new("GreenSocket.Accept", () => KillWaiting(() => listener.Accept()));
        yield return new("GreenSocket.Accept", () => GreenTimeout.TryRun(s_soon, () => listener.Accept()));

        GreenSocket busy = Keep(new GreenSocket()); // has no room for connections, so that they have to wait
        busy.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        busy.Listen(0);
        for (int i = 0; i < 3; i++)
        {
            GreenTimeout.TryRun(InHub.Tick * 20, () => Keep(new GreenSocket()).Connect(busy.LocalEndPoint!));
        }

        yield return new("GreenSocket.Connect", () => KillWaiting(() =>
        {
            using GreenSocket near = new();
            near.Connect(busy.LocalEndPoint!);
        }));
        yield return new("GreenSocket.Connect", () => KillWaiting(() =>
        {
            using GreenSocket near = GreenSocket.Connect("127.0.0.1", ((IPEndPoint)busy.LocalEndPoint!).Port, InHub.Long);
        }));
    }

    private IEnumerable<Operation> Streams()
    {
        foreach (bool isShared in new[] { false, true })
        {
            (GreenSocket near, GreenSocket far) = Pair(isShared);
            GreenStream writer = Keep(near.GetStream());
            GreenStream reader = Keep(far.GetStream());
            yield return new("GreenStream.Write GreenStream.WriteByte GreenStream.Flush GreenStream.Read GreenStream.ReadByte", () =>
            {
                writer.Write(_bytes, 0, 2);
                writer.Write(_bytes.AsSpan(0, 1));
                writer.WriteByte(1);
                writer.Flush();
                reader.ReadExactly(_bytes, 0, 2);
                reader.ReadExactly(_bytes.AsSpan(0, 1));
                reader.ReadByte();
            });
            yield return new("GreenStream.WriteAsync GreenStream.FlushAsync GreenStream.ReadAsync", () =>
            {
                Hub.Await(token => writer.WriteAsync(_bytes, 0, 1, token));
                Hub.Await(token => writer.WriteAsync(_bytes.AsMemory(0, 1), token).AsTask());
                Hub.Await(writer.FlushAsync);
                Hub.Await(token => reader.ReadAsync(_bytes, 0, 1, token));
                Hub.Await(token => reader.ReadAsync(_bytes.AsMemory(0, 1), token).AsTask());
            });
            yield return new("GreenStream.BeginWrite GreenStream.EndWrite GreenStream.BeginRead GreenStream.EndRead", () =>
            {
                writer.EndWrite(writer.BeginWrite(_bytes, 0, 1, null, null));
                reader.EndRead(reader.BeginRead(_bytes, 0, 1, null, null));
            });
            (GreenSocket silent, GreenSocket quiet) = Pair(isShared);
            _open.Add(silent);
            GreenStream idle = Keep(quiet.GetStream());
            yield return new("GreenStream.ReadByte", () => KillWaiting(() => idle.ReadByte()));
            yield return new("GreenStream.Read", () => GreenTimeout.TryRun(s_soon, () => _ = idle.Read(new byte[1], 0, 1)));
            yield return new("GreenStream.ReadAsync", () => GreenTimeout.TryRun(s_soon, () => _ = Hub.Await(token => idle.ReadAsync(new byte[1], 0, 1, token))));
            yield return new("GreenStream.Read GreenStream.set_ReadTimeout", () =>
            {
                idle.ReadTimeout = 1;
                Assert.Throws<TimeoutException>(() => _ = idle.Read(new byte[1], 0, 1));
            });
        }

        yield return new("GreenStream.Seek GreenStream.SetLength GreenStream.Dispose", () =>
        {
            using GreenStream memory = new(new MemoryStream());
            memory.Write(_bytes, 0, 4);
            Assert.Throws<NotSupportedException>(() => memory.SetLength(2));
            Assert.Throws<NotSupportedException>(() => memory.Seek(1, SeekOrigin.Begin));
        });
    }

    private IEnumerable<Operation> Servers()
    {
        foreach (int hubs in new[] { 1, 2 })
        {
            yield return new("GreenTcpServer.Start GreenTcpServer.Stop GreenTcpServer.Dispose", () =>
            {
                using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream => stream.CopyTo(stream)) { HubCount = hubs };
                server.Start();
                server.Stop();
            });
            GreenTcpServer echo = Keep(new GreenTcpServer(new IPEndPoint(IPAddress.Any, 0), stream => stream.CopyTo(stream)) { HubCount = hubs });
            echo.Start();
            yield return new("GreenTcpServer.Start", () => Exchange(echo.EndPoint.Port));
            yield return new("GreenTcpServer.Start", () =>
            {
                using GreenSocket near = new();
                near.Connect(new IPEndPoint(Address(), echo.EndPoint.Port)); // and is gone before it is served
            });
        }

        yield return new("GreenTcpServer.ServeForever GreenTcpServer.Stop", () =>
        {
            using GreenTcpServer server = new(new IPEndPoint(IPAddress.Any, 0), stream => stream.CopyTo(stream));
            GreenTask serving = Hub.Spawn(server.ServeForever);
            Hub.Yield();
            Exchange(server.EndPoint.Port);
            server.Stop();
            serving.Join();
        });
        yield return new("GreenTcpServer.Stop", () =>
        {
            using GreenTcpServer server = new(new IPEndPoint(IPAddress.Any, 0), stream => stream.CopyTo(stream)); // has one to kill
            server.Start();
            using GreenSocket near = new();
            near.Connect(new IPEndPoint(Address(), server.EndPoint.Port));
            near.Send(_bytes);
            near.Receive(_bytes);
            server.Stop();
        });
    }

    private IEnumerable<Operation> Http()
    {
        GreenTcpServer server = Keep(new GreenTcpServer(new IPEndPoint(IPAddress.Any, 0), Answer));
        server.Start();
        HttpClient client = Keep(Client(server.EndPoint.Port));
        yield return new("GreenHttpHandler.Send", () =>
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "http://localhost/");
            using HttpResponseMessage reply = client.Send(request);
            Assert.Equal('o', reply.Content.ReadAsStream().ReadByte());
        });
        yield return new("GreenHttpHandler.Send", () =>
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "http://localhost/");
            using CancellationTokenSource cancellation = new(InHub.Long);
            using HttpResponseMessage reply = client.Send(request, HttpCompletionOption.ResponseHeadersRead, cancellation.Token);
            reply.Content.CopyTo(Stream.Null, null, cancellation.Token);
        });
        yield return new("GreenHttpHandler.SendAsync", () => Hub.Await(token => client.GetStringAsync("http://localhost/", token)));
        yield return new("GreenHttpHandler.Send", () => GreenTimeout.TryRun(s_soon, () =>
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "http://localhost/never");
            client.Send(request).Dispose();
        }));
        yield return new("GreenHttpHandler.Send", () => KillWaiting(() =>
        {
            using HttpRequestMessage request = new(HttpMethod.Get, "http://localhost/never");
            client.Send(request).Dispose();
        }));
        yield return new("GreenHttpHandler.Send GreenHttpHandler.Dispose", () => SendOnce(new GreenHttpHandler(Connecting(server.EndPoint.Port))), () =>
            Hub.Await(Task.Run(() => SendOnce(Connecting(server.EndPoint.Port))))); // .NET 11 keeps 1.4 KB of each
    }

    private IEnumerable<Operation> FilesAndNames()
    {
        string path = Path.GetTempFileName();
        yield return new("GreenFile.Open GreenFile.ReadAllBytes GreenFile.ReadAllText GreenFile.WriteAllBytes GreenFile.WriteAllText", () =>
        {
            GreenFile.WriteAllBytes(path, _bytes);
            GreenFile.WriteAllText(path, "text");
            _ = GreenFile.ReadAllBytes(path).Length + GreenFile.ReadAllText(path).Length;
            using GreenStream file = GreenFile.Open(path);
            file.ReadByte();
        });
        yield return new("GreenFile.Open GreenFile.ReadAllText", () =>
        {
            Assert.Throws<FileNotFoundException>(() => GreenFile.Open(path + ".none"));
            Assert.Throws<FileNotFoundException>(() => GreenFile.ReadAllText(path + ".none"));
        });
        yield return new("GreenDns.GetHostAddresses GreenDns.GetHostEntry", () =>
        {
            GreenDns.GetHostAddresses("localhost");
            GreenDns.GetHostEntry("127.0.0.1");
        });
    }

    private static IEnumerable<Operation> Programs() => OperatingSystem.IsWindows() ? [new("GreenProcess.Run", () => GreenProcess.Run("whoami"))] :
    [
        new("GreenProcess.Run", () => GreenProcess.Run("true")),
        new("GreenProcess.Run", () => Assert.ThrowsAny<Exception>(() => GreenProcess.Run("/no such program"))),
        new("GreenProcess.Run", () => Assert.ThrowsAny<TimeoutException>(() => GreenProcess.Run(new ProcessStartInfo("sleep", "100"), timeout: s_soon))),
    ];

    private IEnumerable<Operation> Tls()
    {
        X509Certificate2 certificate = Keep(MakeCertificate());
        GreenSocket listener = Listener();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        yield return new("GreenSsl.AuthenticateAsClient GreenSsl.AuthenticateAsServer", () => Tls(listener, port, certificate, isTrusted: true));
        yield return new("GreenSsl.AuthenticateAsClient", () => Tls(listener, port, certificate, isTrusted: false));
    }

    private static void Answer(GreenStream stream)
    {
        byte[] head = new byte[4096];
        int count = 0;
        while (stream.Read(head, count, head.Length - count) is > 0 and int more)
        {
            count += more;
            if (!head.AsSpan(0, count).EndsWith("\r\n\r\n"u8))
            {
                continue;
            }

            if (!head.AsSpan(0, count).StartsWith("GET /never"u8))
            {
                stream.Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8);
            }

            count = 0;
        }
    }

    private static void KillWaiting(Action wait)
    {
        GreenTask task = Hub.Spawn(wait);
        Hub.Yield();
        task.Kill();
    }

    private static X509Certificate2 MakeCertificate()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    private void Tls(GreenSocket listener, int port, X509Certificate2 certificate, bool isTrusted)
    {
        using GreenSocket near = new();
        near.Connect(new IPEndPoint(Address(), port));
        using GreenSocket far = listener.Accept();
        GreenTask server = Hub.Spawn(() =>
        {
            try
            {
                using GreenStream mine = GreenSsl.AuthenticateAsServer(far.GetStream(), new SslServerAuthenticationOptions { ServerCertificate = certificate });
                mine.WriteByte((byte)mine.ReadByte());
            }
            catch (Exception exception) when (!isTrusted && exception is IOException or AuthenticationException)
            {
                // the client has turned away
            }
        });
        SslClientAuthenticationOptions options = new() { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, _, _, _) => isTrusted };
        if (isTrusted)
        {
            using GreenStream stream = GreenSsl.AuthenticateAsClient(near.GetStream(), options);
            stream.WriteByte(1);
            Assert.Equal(1, stream.ReadByte());
        }
        else
        {
            Assert.Throws<AuthenticationException>(() => GreenSsl.AuthenticateAsClient(near.GetStream(), options));
        }

        server.Join();
    }

    private static void SendOnce(HttpMessageHandler handler)
    {
        using HttpClient client = new(handler);
        using HttpRequestMessage request = new(HttpMethod.Get, "http://localhost/");
        client.Send(request).Dispose();
    }

    private HttpClient Client(int port) => new(new GreenHttpHandler(Connecting(port)));

    private SocketsHttpHandler Connecting(int port) => new()
    {
        ConnectCallback = async (_, token) =>
        {
            Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(Address(), port), token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };

    private void Exchange(int port)
    {
        using GreenSocket near = new();
        near.Connect(new IPEndPoint(Address(), port));
        near.Send(_bytes.AsSpan(0, 1));
        Assert.Equal(1, near.Receive(_bytes));
    }

    private IPAddress Address() => new([127, 0, 0, (byte)(1 + (Interlocked.Increment(ref _address) % Addresses))]);

    private GreenSocket Listener()
    {
        GreenSocket listener = Keep(new GreenSocket());
        listener.Bind(new IPEndPoint(IPAddress.Any, 0));
        listener.Listen();
        return listener;
    }

    private GreenSocket Datagrams()
    {
        GreenSocket socket = Keep(new GreenSocket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private (GreenSocket Near, GreenSocket Far) Pair(bool isShared)
    {
        (GreenSocket near, GreenSocket far) = Connections.Pair();
        _open.AddRange([near, far]);
        if (isShared)
        {
            _ = near.Socket;
            _ = far.Socket;
        }

        return (near, far);
    }

    private T Keep<T>(T thing)
        where T : IDisposable
    {
        _open.Add(thing);
        return thing;
    }
}
