using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Reflection;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using static NativeGreenlet.Cooperative.Tests.Infrastructure.Connections;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>Every call of the layer that may take long, with something that takes long, in one hub; which goes on.</summary>
public class NothingBlocksTests
{
    private const int Slow = 4000; // milliseconds that what is prepared takes
    private static readonly TimeSpan s_bound = TimeSpan.FromMilliseconds(2000);

    // Those of the types below that cannot take long.
    private static readonly HashSet<string> s_quick =
    [
        "GreenSocket.Bind", "GreenSocket.Listen", "GreenSocket.Shutdown", "GreenSocket.GetStream", "GreenSocket.Dispose",
        "GreenStream.Seek", "GreenStream.SetLength", "GreenStream.BeginRead", "GreenStream.BeginWrite",
        "GreenStream.ReadAsync", "GreenStream.WriteAsync", "GreenStream.FlushAsync",
        "GreenTcpServer.Start",
    ];

    private static readonly Dictionary<string, Action> s_calls = new()
    {
        ["GreenFile.Open"] = () => WithPipe(path => GreenFile.Open(path).Dispose()),
        ["GreenFile.ReadAllText"] = () => WithPipe(path => GreenFile.ReadAllText(path)),
        ["GreenFile.ReadAllBytes"] = () => WithPipe(path => GreenFile.ReadAllBytes(path)),
        ["GreenFile.WriteAllText"] = () => WithPipe(path => GreenFile.WriteAllText(path, "x"), isWritten: true),
        ["GreenFile.WriteAllBytes"] = () => WithPipe(path => GreenFile.WriteAllBytes(path, [1]), isWritten: true),
        ["GreenProcess.Run"] = () =>
        {
            if (OperatingSystem.IsLinux())
            {
                // To kill a tree means to look through all processes for each of its levels.
                string tree = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 64 & done; wait";
                Assert.Throws<TimeoutException>(() => GreenProcess.Run(new ProcessStartInfo("sh", ["-c", tree]), timeout: TimeSpan.FromMilliseconds(300)));
            }
        },
        ["GreenDns.GetHostAddresses"] = () => Assert.NotEmpty(GreenDns.GetHostAddresses("localhost")),
        ["GreenDns.GetHostEntry"] = () => Assert.NotEmpty(GreenDns.GetHostEntry("localhost").AddressList),
        ["GreenSocket.Connect"] = () => GreenSocket.Connect("localhost", s_port).Dispose(),
        ["GreenSocket.Accept"] = () => WithPair((near, far) =>
        {
            using GreenSocket listener = new();
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            Later(() => new TcpClient().Connect((IPEndPoint)listener.LocalEndPoint!));
            listener.Accept().Dispose();
        }),
        ["GreenSocket.Receive"] = () => WithPair((near, far) =>
        {
            Later(() => far.Socket.Send([1]));
            Assert.Equal(1, near.Receive(new byte[1]));
        }),
        ["GreenSocket.Send"] = () => WithPair((near, far) =>
        {
            near.SendTimeout = TimeSpan.FromMilliseconds(Slow);
            Assert.Throws<TimeoutException>(() => near.Send(new byte[64 << 20]));
        }),
        ["GreenSocket.ReceiveFrom"] = () => WithDatagrams(socket => socket.ReceiveFrom(new byte[1], out _)),
        ["GreenSocket.SendTo"] = () => WithDatagrams(socket => socket.SendTo([1], socket.LocalEndPoint!)),
        ["GreenSocket.WaitUntilReadable"] = () => WithPair((near, far) => Assert.False(near.WaitUntilReadable(TimeSpan.FromMilliseconds(Slow)))),
        ["GreenStream.Read"] = () => Assert.Equal(0, new GreenStream(new SlowStream()).Read(new byte[1])),
        ["GreenStream.ReadByte"] = () => new GreenStream(new SlowStream()).ReadByte(),
        ["GreenStream.Write"] = () => new GreenStream(new SlowStream()).Write([1]),
        ["GreenStream.WriteByte"] = () => new GreenStream(new SlowStream()).WriteByte(1),
        ["GreenStream.Flush"] = () => new GreenStream(new SlowStream()).Flush(),
        ["GreenStream.EndRead"] = () =>
        {
            GreenStream stream = new(new SlowStream());
            stream.EndRead(stream.BeginRead(new byte[1], 0, 1, null, null));
        },
        ["GreenStream.EndWrite"] = () =>
        {
            GreenStream stream = new(new SlowStream());
            stream.EndWrite(stream.BeginWrite(new byte[1], 0, 1, null, null));
        },
        ["GreenStream.Dispose"] = () =>
        {
            new GreenStream(new SlowStream()).Dispose();
            new GreenStream(new BlockingStream()).Dispose();
        },
        ["GreenSsl.AuthenticateAsClient"] = Handshake,
        ["GreenSsl.AuthenticateAsServer"] = Handshake,
        ["GreenTcpServer.Stop"] = () =>
        {
            using GreenTcpServer server = SlowServer();
            server.Stop();
        },
        ["GreenTcpServer.Dispose"] = () => SlowServer().Dispose(),
        ["GreenTcpServer.ServeForever"] = () =>
        {
            using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), _ => { });
            Hub.SpawnLater(TimeSpan.FromMilliseconds(Slow), () => server.Stop());
            server.ServeForever();
        },
        ["GreenHttpHandler.Send"] = () =>
        {
            using ThreadServer server = new(stream =>
            {
                ThreadServer.ReadHead(stream);
                Thread.Sleep(Slow / 2);
                ThreadServer.Write(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
                Thread.Sleep(Slow / 2);
                ThreadServer.Write(stream, "a");
            });
            using HttpClient client = new(new GreenHttpHandler());
            using HttpResponseMessage response = client.Send(new HttpRequestMessage(HttpMethod.Get, server.Address));
        },
        ["HubWatchdog.Start"] = () =>
        {
            using HubWatchdog watchdog = new();
            watchdog.Start();
        },
        ["HubWatchdog.Dispose"] = () =>
        {
            using ManualResetEventSlim isTold = new();
            HubWatchdog watchdog = new(TimeSpan.FromMilliseconds(10));
            watchdog.Blocked += (_, _) =>
            {
                if (!isTold.IsSet)
                {
                    isTold.Set();
                    Thread.Sleep(Slow);
                }
            };
            watchdog.Start();
            using Hub blocked = Hub.Start();
            Hub.Await(blocked.InvokeAsync(() => isTold.Wait(InHub.Long)));
            watchdog.Dispose();
        },
        ["Hub.Dispose"] = () =>
        {
            Hub other = Hub.Start();
            _ = other.InvokeAsync(CleanUpSlowly);
            Hub.Sleep(InHub.Tick * 100);
            other.Dispose();
        },
        ["HubPool.Dispose"] = () =>
        {
            HubPool pool = new(1);
            _ = pool.RunAsync(CleanUpSlowly);
            Hub.Sleep(InHub.Tick * 100);
            pool.Dispose();
        },
        ["Hub.Await"] = () => GreenTimeout.TryRun(InHub.Tick * 100, () => Hub.Await(async token =>
        {
            using CancellationTokenRegistration registration = token.Register(() => Thread.Sleep(Slow));
            await Task.Delay(Timeout.Infinite, token);
        })),
        ["Hub.Offload"] = () => Hub.Offload(() => Thread.Sleep(Slow)),
        ["Hub.OffloadLongRunning"] = () => Hub.OffloadLongRunning(() =>
        {
            Thread.Sleep(Slow);
            return 0;
        }),
    };

    private static int s_port;

    [Fact]
    public void The_hub_goes_on_whatever_takes_long()
    {
        // A machine that is busy with something else stops a hub anywhere; a call that blocks does it each time.
        Dictionary<string, string> always = TellWhatBlocks();
        for (int i = 0; i < 2 && always.Count != 0; i++)
        {
            Dictionary<string, string> again = TellWhatBlocks();
            always = always.Where(each => again.ContainsKey(each.Key)).ToDictionary();
        }

        Assert.True(always.Count == 0, string.Join(Environment.NewLine, always.Values));
    }

    [Fact]
    public void Every_call_that_may_wait_is_among_them()
    {
        Type[] types = [typeof(GreenFile), typeof(GreenProcess), typeof(GreenDns), typeof(GreenSocket), typeof(GreenStream), typeof(GreenSsl), typeof(GreenTcpServer), typeof(HubWatchdog)];
        IEnumerable<string> missing = types
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(method => !method.IsSpecialName)
            .Select(method => $"{method.DeclaringType!.Name}.{method.Name}")
            .Distinct()
            .Where(name => !s_calls.ContainsKey(name) && !s_quick.Contains(name));
        Assert.Empty(missing);
    }

    private static Dictionary<string, string> TellWhatBlocks()
    {
        Dictionary<string, string> told = [];
        using HubWatchdog watchdog = new(s_bound);
        watchdog.Start();
        InHub.Run(() =>
        {
            Hub here = Hub.Current;
            watchdog.Blocked += (_, e) =>
            {
                if (e.Hub == here)
                {
                    lock (told)
                    {
                        told[e.Task?.Name ?? "the hub"] = $"{e.Task} for {e.Duration}: {e.StackTrace}";
                    }
                }
            };
            using GreenSocket listener = new();
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen();
            s_port = ((IPEndPoint)listener.LocalEndPoint!).Port;
            GreenTask[] tasks = [.. s_calls.Select(call =>
            {
                GreenTask task = Hub.Spawn(call.Value);
                task.Name = call.Key;
                return task;
            })];
            Hub.WaitAll(tasks);
            foreach (GreenTask task in tasks)
            {
                Assert.True(task.Exception is null, $"{task}: {task.Exception}");
            }
        });
        return told;
    }

    // A pipe whose other side comes late: to open it blocks until then.
    private static void WithPipe(Action<string> use, bool isWritten = false)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        string path = Path.Combine(Path.GetTempPath(), $"pipe-{Environment.ProcessId}-{Guid.NewGuid():N}");
        Assert.Equal(0, GreenProcess.Run("mkfifo", path).ExitCode);
        Later(() =>
        {
            using FileStream other = new(path, FileMode.Open, isWritten ? FileAccess.Read : FileAccess.Write);
            if (isWritten)
            {
                other.CopyTo(Stream.Null);
            }
        });
        use(path);

        // And one whose other side never comes: who waits for it can be killed.
        GreenTask victim = Hub.Spawn(() => use(path));
        Hub.Sleep(InHub.Tick * 100);
        Assert.True(victim.Kill(timeout: InHub.Long));
        Later(() =>
        {
            new FileStream(path, FileMode.Open, FileAccess.ReadWrite).Dispose(); // so that its thread is not kept for ever
            File.Delete(path);
        });
    }

    private static void WithPair(Action<GreenSocket, GreenSocket> use)
    {
        (GreenSocket near, GreenSocket far) = Pair();
        using (near)
        using (far)
        {
            use(near, far);
        }
    }

    private static void WithDatagrams(Action<GreenSocket> use)
    {
        using GreenSocket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        IPEndPoint at = (IPEndPoint)socket.LocalEndPoint!;
        Later(() =>
        {
            using Socket other = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            other.SendTo([1], at);
        });
        use(socket);
    }

    // By a thread of its own: those of the pool may be busy.
    private static void Later(Action action) => new Thread(() =>
    {
        Thread.Sleep(Slow);
        action();
    })
    { IsBackground = true }.Start();

    private static void CleanUpSlowly()
    {
        try
        {
            Hub.Sleep(Timeout.InfiniteTimeSpan);
        }
        finally
        {
            Thread.Sleep(Slow);
        }
    }

    // Whose connection is served by another hub, which takes its time to end.
    private static GreenTcpServer SlowServer()
    {
        GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
        {
            try
            {
                stream.ReadByte();
            }
            finally
            {
                if (Hub.Current.Name.StartsWith("server", StringComparison.Ordinal))
                {
                    Thread.Sleep(Slow);
                }
            }
        })
        { HubCount = 2 };
        server.Start();
        for (int i = 0; i < 4; i++)
        {
            new TcpClient().Connect(server.EndPoint);
        }

        ProcessTests.Until(() => server.ConnectionCount == 4);
        Hub.Sleep(InHub.Tick * 100);
        return server;
    }

    // A certificate that somebody looks at for long.
    private static void Handshake() => WithPair((near, far) =>
    {
        using X509Certificate2 own = Hub.Offload(MakeCertificate); // which is the test's own affair
        GreenTask server = Hub.Spawn(() => GreenSsl.AuthenticateAsServer(far.GetStream(), new SslServerAuthenticationOptions
        {
            ServerCertificateSelectionCallback = (_, _) =>
            {
                Thread.Sleep(Slow / 2);
                return own;
            },
        }));
        GreenSsl.AuthenticateAsClient(near.GetStream(), new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                Thread.Sleep(Slow / 2);
                return certificate is { Subject: "CN=localhost" };
            },
        });
        Assert.True(server.Join(InHub.Long));
    });

    private static X509Certificate2 MakeCertificate()
    {
        using ECDsa key = ECDsa.Create();
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>Asynchronous, and slow in everything.</summary>
    private sealed class SlowStream : MemoryStream
    {
        private bool _isAsynchronous;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Delay(Slow, cancellationToken);
            return 0;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => await Task.Delay(Slow, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.Delay(Slow, cancellationToken);

        public override async ValueTask DisposeAsync()
        {
            _isAsynchronous = true;
            await Task.Delay(Slow);
            await base.DisposeAsync();
        }

        protected override void Dispose(bool disposing)
        {
            Thread.Sleep(_isAsynchronous || !disposing ? 0 : Slow);
            base.Dispose(disposing);
        }
    }

    /// <summary>Has no asynchronous form of its own: that of the base class blocks.</summary>
    private sealed class BlockingStream : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            Thread.Sleep(disposing ? Slow : 0);
            base.Dispose(disposing);
        }
    }
}
