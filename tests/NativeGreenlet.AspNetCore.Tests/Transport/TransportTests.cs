using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace NativeGreenlet.AspNetCore.Tests.Transport;

/// <summary>Kestrel's connections live on hubs.</summary>
public sealed class TransportTests : IDisposable
{
    private const string Get = "GET / HTTP/1.1\r\nHost: me\r\n\r\n";

    public TransportTests() => Server.IsOnTransport = true;

    public void Dispose() => Server.IsOnTransport = false;

    [Fact]
    public async Task What_is_before_a_handler_and_after_it_runs_on_the_thread_of_its_hub()
    {
        if (!HubSocketEvents.IsSupported)
        {
            return;
        }

        List<string> places = [];
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/{first?}", () =>
            {
                int thread = Hub.Current.ThreadId;
                Hub.Sleep(TimeSpan.FromMilliseconds(5));
                places.Add($"inside {Hub.Current.ThreadId == thread && GreenletRuntime.Backend != GreenletBackend.Threads}");
                return thread.ToString(CultureInfo.InvariantCulture);
            }),
            before: app => app.Use(async (context, next) =>
            {
                if (context.Request.Path == "/first")
                {
                    await next(context); // it may be read before Kestrel waits for it, and so by a thread of the pool
                    return;
                }

                int before = Hub.Current.ThreadId; // throws outside of hubs
                await next(context);
                Assert.False(Hub.IsInside);
                places.Add($"around {Hub.Current.ThreadId == before}");
            }));
        using Client client = await Client.ConnectAsync(server);
        string first = await client.AskAsync("GET /first HTTP/1.1\r\nHost: me\r\n\r\n");
        places.Clear();
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(first, await client.AskAsync(Get));
        }

        await client.AskAsync(Get);
        string inside = $"inside {GreenletRuntime.Backend != GreenletBackend.Threads}";
        Assert.Equal([inside, "around True", inside, "around True"], places[..4]);
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Level >= LogLevel.Error);
    }

    [Fact]
    public async Task Requests_in_one_piece_are_answered_in_their_order()
    {
        await using Server server = await Server.StartAsync(app => app.MapGet("/{id}", (int id) =>
        {
            Hub.Sleep(TimeSpan.FromMilliseconds(id % 3));
            return id;
        }));
        using Client client = await Client.ConnectAsync(server);
        await client.SendAsync(string.Concat(Enumerable.Range(0, 100).Select(id => $"GET /{id} HTTP/1.1\r\nHost: me\r\n\r\n")));
        for (int id = 0; id < 100; id++)
        {
            Assert.Equal(id.ToString(CultureInfo.InvariantCulture), await client.ReceiveAsync());
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_in_pieces_comes_and_goes(bool usesGreenlets)
    {
        await using Server server = await Server.StartAsync(
            app => app.MapPost("/", async context =>
            {
                byte[] buffer = new byte[1000];
                int count;
                while ((count = await context.Request.Body.ReadAsync(buffer).ConfigureAwait(false)) != 0)
                {
                    await context.Response.Body.WriteAsync(buffer.AsMemory(0, count));
                }
            }),
            usesGreenlets: usesGreenlets);
        using Client client = await Client.ConnectAsync(server);
        for (int i = 0; i < 3; i++)
        {
            await client.SendAsync("POST / HTTP/1.1\r\nHost: me\r\nTransfer-Encoding: chunked\r\n\r\n");
            foreach (string piece in new[] { "5\r\nhel", "lo\r\n", "7\r\n, world\r\n0\r\n", "\r\n" })
            {
                await client.SendAsync(piece);
                await Task.Delay(5);
            }

            Assert.Equal("hello, world", await client.ReceiveAsync());
        }
    }

    [Fact]
    public async Task Who_reads_slowly_holds_the_other_side_back_in_both_directions()
    {
        const int Size = 32 * 1024 * 1024;
        GreenEvent mayRead = new();
        long written = 0;
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/up", (HttpContext context) =>
                {
                    mayRead.Wait();
                    byte[] buffer = new byte[64 * 1024];
                    long sum = 0;
                    long total = 0;
                    for (int count; (count = context.Request.Body.Read(buffer)) != 0;)
                    {
                        total += count;
                        sum += buffer.AsSpan(0, count).ToArray().Sum(each => (long)each);
                    }

                    return $"{total} {sum}";
                });
                app.MapGet("/down", (HttpContext context) =>
                {
                    byte[] piece = new byte[64 * 1024];
                    Array.Fill(piece, (byte)7);
                    context.Response.ContentLength = Size;
                    while (written < Size)
                    {
                        context.Response.Body.Write(piece);
                        written += piece.Length;
                    }
                });
            });

        using Client up = await Client.ConnectAsync(server);
        await up.SendAsync($"POST /up HTTP/1.1\r\nHost: me\r\nContent-Length: {Size}\r\n\r\n");
        byte[] bytes = new byte[Size];
        Array.Fill(bytes, (byte)3);
        Task sending = up.SendAsync(bytes);
        await Task.Delay(200);
        Assert.False(sending.IsCompleted);
        mayRead.Set();
        Assert.Equal($"{Size} {3L * Size}", await up.ReceiveAsync());
        await sending;

        using Client down = await Client.ConnectAsync(server);
        await down.SendAsync("GET /down HTTP/1.1\r\nHost: me\r\n\r\n");
        long before;
        do
        {
            before = Volatile.Read(ref written);
            await Task.Delay(200);
        }
        while (before == 0 || before != Volatile.Read(ref written)); // until it does not go on
        Assert.InRange(before, 1, Size - 1);
        string body = await down.ReceiveAsync();
        Assert.Equal(Size, body.Length);
        Assert.Equal(Size, body.Count(each => each == 7));
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 2)]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    public async Task Both_versions_of_HTTP_work_with_TLS_and_without(bool isSecure, int version)
    {
        using X509Certificate2 certificate = MakeCertificate();
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/green", (HttpContext context) =>
                {
                    using StreamReader reader = new(context.Request.Body);
                    string text = reader.ReadToEnd();
                    Hub.Sleep(TimeSpan.FromMilliseconds(2));
                    return text;
                });
                app.MapPost("/async", async (HttpContext context) =>
                {
                    using StreamReader reader = new(context.Request.Body);
                    string text = await reader.ReadToEndAsync().ConfigureAwait(false);
                    await Task.Delay(2).ConfigureAwait(false);
                    return text;
                }).DisableGreenlets();
            },
            kestrel: options => options.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = version == 2 ? HttpProtocols.Http2 : HttpProtocols.Http1;
                if (isSecure)
                {
                    listen.UseHttps(certificate);
                }
            }));
        using SocketsHttpHandler handler = new() { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, remote, _, _) => remote?.GetCertHashString() == certificate.GetCertHashString() } };
        using HttpClient client = new(handler) { Timeout = Server.Patience };
        string text = string.Concat(Enumerable.Range(0, 20_000));
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            using HttpRequestMessage request = new(HttpMethod.Post, new Uri(server.Client.BaseAddress!, i % 2 == 0 ? "/green" : "/async"))
            {
                Version = new Version(version, version == 1 ? 1 : 0),
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
                Content = new StringContent(text),
            };
            using HttpResponseMessage reply = await client.SendAsync(request);
            Assert.Equal(request.Version, reply.Version);
            return await reply.Content.ReadAsStringAsync();
        }));
        Assert.All(answers, answer => Assert.Equal(text, answer));
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Web_sockets_echo(bool usesGreenlets)
    {
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.UseWebSockets();
                app.Map("/", async (HttpContext context) =>
                {
                    using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
                    byte[] buffer = new byte[1000];
                    while (true)
                    {
                        WebSocketReceiveResult result = usesGreenlets
                            ? Hub.Await(socket.ReceiveAsync(buffer, CancellationToken.None))
                            : await socket.ReceiveAsync(buffer, CancellationToken.None);
                        if (result.CloseStatus is { } status)
                        {
                            await socket.CloseAsync(status, null, CancellationToken.None);
                            return;
                        }

                        await socket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, CancellationToken.None);
                    }
                });
            },
            usesGreenlets: usesGreenlets);
        using ClientWebSocket client = new();
        await client.ConnectAsync(new Uri($"ws://{server.EndPoint}/"), CancellationToken.None);
        byte[] received = new byte[100];
        for (int i = 0; i < 100; i++)
        {
            byte[] message = Encoding.UTF8.GetBytes($"message {i}");
            await client.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            WebSocketReceiveResult result = await client.ReceiveAsync(received, CancellationToken.None).WaitAsync(Server.Patience);
            Assert.Equal(message, received[..result.Count]);
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(Server.Patience);
    }

    [Theory]
    [InlineData("/green", false)]
    [InlineData("/green", true)]
    [InlineData("/async", false)]
    [InlineData("/async", true)]
    public async Task A_client_that_goes_away_aborts_its_request(string path, bool isReset)
    {
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Server server = await Server.StartAsync(app =>
        {
            app.MapGet("/green", () =>
            {
                begun.SetResult();
                try
                {
                    Hub.Sleep(Server.Patience);
                }
                catch (OperationCanceledException)
                {
                    aborted.SetResult();
                    throw;
                }
            });
            app.MapGet("/async", async (HttpContext context) =>
            {
                begun.SetResult();
                using CancellationTokenRegistration registration = context.RequestAborted.Register(aborted.SetResult);
                await aborted.Task;
            }).DisableGreenlets();
        });
        using (Client client = await Client.ConnectAsync(server))
        {
            await client.SendAsync($"GET {path} HTTP/1.1\r\nHost: me\r\n\r\n");
            await begun.Task.WaitAsync(Server.Patience);
            if (isReset)
            {
                client.Reset();
            }
        }

        await aborted.Task.WaitAsync(Server.Patience);
    }

    [Fact]
    public async Task The_limits_of_the_server_hold()
    {
        await using Server server = await Server.StartAsync(
            app => app.MapPost("/", (HttpContext context) =>
            {
                using StreamReader reader = new(context.Request.Body);
                return reader.ReadToEnd();
            }),
            kestrel: options =>
            {
                options.Listen(IPAddress.Loopback, 0);
                options.Limits.MaxRequestBodySize = 10;
                options.Limits.MaxConcurrentConnections = 2;
                options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1);
            });
        using Client one = await Client.ConnectAsync(server);
        Assert.Equal("0123456789", await one.AskAsync("POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 10\r\n\r\n0123456789"));
        using Client two = await Client.ConnectAsync(server);
        using Client three = await Client.ConnectAsync(server);
        await three.SendAsync(Get);
        Assert.Equal(string.Empty, await three.ReceiveLineAsync()); // one too many
        await two.SendAsync("POST / HTTP/1.1\r\nHost: me\r\n"); // and no more
        Assert.StartsWith("HTTP/1.1 408", await two.ReceiveLineAsync(), StringComparison.Ordinal);
        await one.SendAsync("POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 11\r\n\r\n01234567890");
        Assert.StartsWith("HTTP/1.1 413", await one.ReceiveLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_that_have_begun_are_answered_when_the_server_stops()
    {
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        GreenEvent mayEnd = new();
        await using Server server = await Server.StartAsync(app =>
        {
            app.MapGet("/", () =>
            {
                begun.SetResult();
                mayEnd.Wait();
                return "done";
            });
            app.MapGet("/idle", () => "idle");
        });
        using Client idle = await Client.ConnectAsync(server);
        Assert.Equal("idle", await idle.AskAsync("GET /idle HTTP/1.1\r\nHost: me\r\n\r\n"));
        using Client client = await Client.ConnectAsync(server);
        await client.SendAsync(Get);
        await begun.Task.WaitAsync(Server.Patience);
        Task stopping = server.StopAsync();
        Assert.Equal(string.Empty, await idle.ReceiveLineAsync()); // it is closed
        await Assert.ThrowsAnyAsync<SocketException>(() => Client.ConnectAsync(server));
        Assert.False(stopping.IsCompleted);
        mayEnd.Set();
        Assert.Equal("done", await client.ReceiveAsync());
        await stopping.WaitAsync(Server.Patience);
    }

    [Fact]
    public async Task A_connection_that_is_aborted_is_cut_off()
    {
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Server server = await Server.StartAsync(app => app.MapGet("/", (HttpContext context) =>
        {
            IConnectionLifetimeFeature lifetime = context.Features.GetRequiredFeature<IConnectionLifetimeFeature>();
            lifetime.ConnectionClosed.Register(closed.SetResult);
            Assert.NotNull(context.Features.GetRequiredFeature<IConnectionEndPointFeature>().RemoteEndPoint);
            Assert.NotNull(context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket);
            Assert.NotEmpty(context.Features.GetRequiredFeature<IConnectionIdFeature>().ConnectionId);
            lifetime.Abort();
        }));
        using Client client = await Client.ConnectAsync(server);
        await client.SendAsync(Get);
        await Assert.ThrowsAnyAsync<IOException>(client.ReceiveLineAsync);
        await closed.Task.WaitAsync(Server.Patience);
    }

    [Fact]
    public async Task A_thousand_connections_wait_at_the_same_time_on_one_hub()
    {
        const int Connections = 1000;
        int most = GreenletRuntime.Backend == GreenletBackend.Threads ? 50 : Connections;
        GreenCountdown all = new(most);
        HashSet<string> hubs = [];
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", () =>
            {
                lock (hubs)
                {
                    hubs.Add(Hub.Current.Name);
                }

                all.Signal();
                all.Wait();
                return "met";
            }),
            options => options.Hubs = 1,
            transport: options => options.Patience = TimeSpan.FromHours(1));
        Client[] clients = await Task.WhenAll(Enumerable.Range(0, most).Select(_ => Client.ConnectAsync(server)));
        try
        {
            string[] answers = await Task.WhenAll(clients.Select(client => client.AskAsync(Get)));
            Assert.All(answers, answer => Assert.Equal("met", answer));
            Assert.Single(hubs);
        }
        finally
        {
            Array.ForEach(clients, client => client.Dispose());
        }
    }

    [Fact]
    public async Task Connections_are_spread_over_the_hubs_and_stay_there()
    {
        if (!HubSocketEvents.IsSupported)
        {
            return;
        }

        await using HubPool pool = new(4, "mine");
        await using Server server = await Server.StartAsync(app => app.MapGet("/", () => Hub.Current.Name), transport: options =>
        {
            options.Hubs = pool;
            options.Patience = TimeSpan.FromHours(1);
        });
        Client[] clients = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Client.ConnectAsync(server)));
        string[] first = await Task.WhenAll(clients.Select(client => client.AskAsync(Get)));
        Assert.All(first.GroupBy(name => name), group => Assert.Equal(4, group.Count()));
        Assert.Equal(["mine 0", "mine 1", "mine 2", "mine 3"], first.Distinct().Order());
        Assert.Equal(first, await Task.WhenAll(clients.Select(client => client.AskAsync(Get))));
        Array.ForEach(clients, client => client.Dispose());
    }

    /// <summary>As many connections on each hub, and all that are used on one of them: half of those go to the other.</summary>
    [Fact]
    public async Task Busy_connections_of_a_hub_go_to_one_that_has_less_to_do()
    {
        if (!HubSocketEvents.IsSupported)
        {
            return;
        }

        const int Busy = 8;
        await using HubPool pool = new(2, "mine");
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", () =>
            {
                long start = Stopwatch.GetTimestamp();
                while (Stopwatch.GetElapsedTime(start) < TimeSpan.FromMilliseconds(2))
                {
                    // It computes.
                }

                return Hub.Current.Name;
            }),
            transport: options =>
            {
                options.Hubs = pool;
                options.Patience = TimeSpan.FromMilliseconds(400);
            });
        List<Client> busy = [];
        List<Client> idle = [];
        for (int i = 0; i < Busy; i++)
        {
            busy.Add(await Client.ConnectAsync(server));
            idle.Add(await Client.ConnectAsync(server));
        }

        string[] names = await Task.WhenAll(busy.Select(client => client.AskAsync(Get)));
        Assert.Single(names.Distinct()); // by turns
        Stopwatch watch = Stopwatch.StartNew();
        while (names.Count(name => name == names[0]) != Busy / 2 && watch.Elapsed < Server.Patience)
        {
            string[][] all = await Task.WhenAll(busy.Select(async client =>
            {
                List<string> answers = [];
                for (int i = 0; i < 20; i++)
                {
                    answers.Add(await client.AskAsync(Get));
                }

                return answers.ToArray();
            }));
            names = [.. all.Select(answers => answers[^1])];
        }

        Assert.Equal(Busy / 2, names.Count(name => name == names[0]));
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Level >= LogLevel.Error);
        busy.ForEach(client => client.Dispose());
        idle.ForEach(client => client.Dispose());
    }

    /// <summary>That would move the load, and not spread it.</summary>
    [Fact]
    public async Task A_connection_that_is_all_the_load_of_its_hub_stays_there()
    {
        if (!HubSocketEvents.IsSupported)
        {
            return;
        }

        await using HubPool pool = new(2, "mine");
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", () =>
            {
                Thread.Sleep(4); // keeps the hub busy, also on a busy machine
                return Hub.Current.Name;
            }),
            options => options.BlockingWaits = BlockingWaits.Block,
            transport: options =>
            {
                options.Hubs = pool;
                options.Patience = TimeSpan.FromMilliseconds(800);
            });
        using Client client = await Client.ConnectAsync(server);
        using Client other = await Client.ConnectAsync(server);
        HashSet<string> names = [];
        for (int i = 0; i < 300; i++)
        {
            names.Add(await client.AskAsync(Get));
        }

        bool wasBlocked = server.Log.Entries.Any(entry => entry.Text.Contains("taken over by other hubs", StringComparison.Ordinal));
        Assert.True(names.Count == 1 || wasBlocked, string.Join(", ", names));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_that_blocks_its_hub_gets_its_body_and_keeps_nobody(bool usesGreenlets)
    {
        using ManualResetEventSlim mayGoOn = new();
        TaskCompletionSource isBlocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapPost("/body", (HttpContext context) =>
                {
                    byte[] buffer = new byte[5];
                    context.Request.Body.ReadExactlyAsync(buffer).AsTask().Wait(); // blocks the thread on which the bytes come
                    return Encoding.UTF8.GetString(buffer);
                });
                app.MapGet("/block", () =>
                {
                    isBlocked.SetResult();
                    Assert.True(mayGoOn.Wait(Server.Patience));
                    return "blocked";
                });
                app.MapGet("/", () => "quick");
            },
            options =>
            {
                options.Hubs = 1;
                options.WarnWhenBlockedFor = null;
                options.BlockingWaits = BlockingWaits.Block;
            },
            usesGreenlets: usesGreenlets);
        using Client other = await Client.ConnectAsync(server);
        using Client client = await Client.ConnectAsync(server);
        Assert.Equal("quick", await client.AskAsync(Get));
        Assert.Equal("quick", await other.AskAsync(Get));
        await client.SendAsync("POST /body HTTP/1.1\r\nHost: me\r\nContent-Length: 5\r\n\r\n");
        await Task.Delay(50);
        await client.SendAsync("hello");
        Assert.Equal("hello", await client.ReceiveAsync());

        await client.SendAsync("GET /block HTTP/1.1\r\nHost: me\r\n\r\n");
        await isBlocked.Task.WaitAsync(Server.Patience);
        Assert.Equal("quick", await other.AskAsync(Get));
        mayGoOn.Set();
        Assert.Equal("blocked", await client.ReceiveAsync());
        Assert.Equal("quick", await client.AskAsync(Get));
    }

    /// <summary>The bodies of a request are used again by the next one of its connection, unless something is left in them.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Requests_of_a_connection_leave_nothing_to_each_other(bool isOnTransport)
    {
        Server.IsOnTransport = isOnTransport;
        await using Server server = await Server.StartAsync(app =>
        {
            app.MapPost("/part", (HttpContext context) =>
            {
                context.Response.Body.WriteTimeout = 5000;
                context.Request.Body.ReadTimeout = 4000;
                return (char)context.Request.Body.ReadByte();
            });
            app.MapPost("/times", (HttpContext context) => $"{context.Request.Body.ReadTimeout} {context.Response.Body.WriteTimeout}");
            app.MapPost("/closed", (HttpContext context) =>
            {
                using (Stream body = context.Response.Body)
                {
                    body.Write("closed"u8);
                }

                context.Request.Body.Dispose();
            });
            app.MapPost("/whole", (HttpContext context) =>
            {
                using StreamReader reader = new(context.Request.Body);
                context.Response.Body.Write(Encoding.UTF8.GetBytes(reader.ReadToEnd()));
            });
            app.MapPost("/form", (HttpContext context) => context.Request.Form["a"].ToString());
        });
        using Client client = await Client.ConnectAsync(server);
        for (int i = 0; i < 3; i++)
        {
            foreach ((string path, string body, string answer) in new[]
            {
                ("part", "xyz", "x"), ("times", "-", "-1 -1"), ("closed", "-", "closed"), ("whole", "hello", "hello"), ("times", "-", "-1 -1"), ("whole", "world", "world"),
                ("form", "a=b", "b"), ("form", "a=c", "c"), ("whole", string.Empty, string.Empty), ("times", string.Empty, "-1 -1"),
            })
            {
                string type = path == "form" ? "Content-Type: application/x-www-form-urlencoded\r\n" : string.Empty;
                Assert.Equal(answer, (await client.AskAsync($"POST /{path} HTTP/1.1\r\nHost: me\r\n{type}Content-Length: {body.Length}\r\n\r\n{body}")).Trim('"'));
            }
        }

        Assert.DoesNotContain(server.Log.Entries, entry => entry.Level >= LogLevel.Error);
    }

    /// <summary>So a request needs no new objects for what is the same as in the last one. A large buffer is not kept: the connection may be
    /// idle from now on.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Bodies_are_used_again_by_the_next_request_of_their_connection_only(bool isOnTransport)
    {
        Server.IsOnTransport = isOnTransport;
        List<Stream> bodies = [];
        await using Server server = await Server.StartAsync(app => app.MapGet("/{size}", (HttpContext context, int size) =>
        {
            lock (bodies)
            {
                bodies.Add(context.Response.Body); // before the client has its answer, and asks again elsewhere
            }

            context.Response.ContentLength = size;
            context.Response.Body.Write(new byte[size]);
        }));
        using Client first = await Client.ConnectAsync(server);
        using Client second = await Client.ConnectAsync(server);
        foreach ((Client client, int size) in new[] { (first, 10), (first, 4096), (second, 10), (first, 5000), (first, 10), (first, 10), (second, 10) })
        {
            Assert.Equal(size, (await client.AskAsync($"GET /{size} HTTP/1.1\r\nHost: me\r\n\r\n")).Length);
        }

        Assert.Equal(7, bodies.Count);
        Assert.Same(bodies[0], bodies[1]);
        Assert.NotSame(bodies[1], bodies[2]);
        Assert.Same(bodies[0], bodies[3]);
        Assert.NotSame(bodies[3], bodies[4]);
        Assert.Same(bodies[4], bodies[5]);
        Assert.Same(bodies[2], bodies[6]);
    }

    /// <summary>Hubs are blocked all the time, and connections go from one to the other and to spare ones in the middle of everything.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Connections_that_go_from_hub_to_hub_lose_nothing(bool usesGreenlets)
    {
        const int Connections = 30;
        const int Requests = 60;
        await using Server server = await Server.StartAsync(
            app => app.MapPost("/{id}", async (HttpContext context, int id) =>
            {
                using StreamReader reader = new(context.Request.Body);
                string text = await reader.ReadToEndAsync();
                if (id % 20 == 0)
                {
                    Thread.Sleep(60);
                }
                else if (usesGreenlets)
                {
                    Hub.Sleep(TimeSpan.FromMilliseconds(id % 3));
                }

                return $"{id} {text.Length}";
            }),
            options =>
            {
                options.Hubs = 2;
                options.WarnWhenBlockedFor = null;
            },
            usesGreenlets: usesGreenlets,
            transport: options => options.Patience = TimeSpan.FromMilliseconds(20));
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async number =>
        {
            using Client client = await Client.ConnectAsync(server);
            for (int i = 0; i < Requests; i++)
            {
                int id = number + i;
                int length = id * 100;
                await client.SendAsync($"POST /{id} HTTP/1.1\r\nHost: me\r\nContent-Length: {length}\r\n\r\n");
                await client.SendAsync(new byte[length / 2]);
                await client.SendAsync(new byte[length - (length / 2)]);
                Assert.Equal($"{id} {length}", await client.ReceiveAsync());
            }
        }));
        Assert.True(!HubSocketEvents.IsSupported || server.Log.Entries.Any(entry => entry.Text.Contains("taken over by other hubs", StringComparison.Ordinal)));
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Level >= LogLevel.Error);
    }

    [Theory]
    [InlineData("unix")]
    [InlineData("ipv6")]
    public async Task Other_addresses_are_listened_to(string kind)
    {
        if (kind == "ipv6" && !Socket.OSSupportsIPv6)
        {
            return;
        }

        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}");
        await using Server server = await Server.StartAsync(
            app => app.MapGet("/", () => Hub.Current.Name),
            kestrel: options =>
            {
                if (kind == "unix")
                {
                    options.ListenUnixSocket(path);
                }
                else
                {
                    options.Listen(IPAddress.IPv6Loopback, 0);
                }
            });
        using Client client = await Client.ConnectAsync(kind == "unix" ? new UnixDomainSocketEndPoint(path) : server.EndPoint);
        Assert.StartsWith("request hub", await client.AskAsync(Get), StringComparison.Ordinal);
        Assert.StartsWith("request hub", await client.AskAsync(Get), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_are_checked()
    {
        foreach (Action<GreenletTransportOptions> configure in new Action<GreenletTransportOptions>[]
        {
            options => options.Backlog = 0,
            options => options.MaxReadBufferSize = 0,
            options => options.MaxWriteBufferSize = -1,
        })
        {
            await Assert.ThrowsAsync<OptionsValidationException>(() => Server.StartAsync(app => app.MapGet("/", () => "hello"), transport: configure));
        }

        Assert.Throws<ArgumentNullException>(() => GreenletWebHostBuilderExtensions.UseGreenletTransport(null!));
    }

    private static X509Certificate2 MakeCertificate()
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }

    /// <summary>A connection of a client that says what it is told.</summary>
    private sealed class Client : IDisposable
    {
        private readonly Socket _socket;
        private readonly NetworkStream _stream;
        private readonly BufferedStream _reader;

        private Client(Socket socket)
        {
            _socket = socket;
            _stream = new NetworkStream(socket);
            _reader = new BufferedStream(_stream, 64 * 1024);
        }

        public static Task<Client> ConnectAsync(Server server) => ConnectAsync(server.EndPoint);

        public static async Task<Client> ConnectAsync(EndPoint endPoint)
        {
            Socket socket = new(endPoint.AddressFamily, SocketType.Stream, endPoint is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(endPoint);
                return new Client(socket);
            }
            catch (SocketException)
            {
                socket.Dispose();
                throw;
            }
        }

        public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

        public async Task SendAsync(byte[] bytes) => await _stream.WriteAsync(bytes).AsTask().WaitAsync(Server.Patience);

        public async Task<string> AskAsync(string request)
        {
            await SendAsync(request);
            return await ReceiveAsync();
        }

        /// <summary>The body of the next response.</summary>
        public async Task<string> ReceiveAsync()
        {
            string line = await ReceiveLineAsync();
            Assert.StartsWith("HTTP/1.1 200", line, StringComparison.Ordinal);
            int? length = null;
            while ((line = await ReceiveLineAsync()).Length != 0)
            {
                if (line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))
                {
                    length = int.Parse(line.AsSpan(16), CultureInfo.InvariantCulture);
                }
            }

            if (length is { } known)
            {
                return await ReceiveBytesAsync(known);
            }

            StringBuilder body = new();
            while (int.Parse(await ReceiveLineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) is > 0 and int size)
            {
                body.Append(await ReceiveBytesAsync(size));
                await ReceiveLineAsync();
            }

            await ReceiveLineAsync();
            return body.ToString();
        }

        /// <summary>The next line; empty at the end.</summary>
        public async Task<string> ReceiveLineAsync()
        {
            StringBuilder line = new();
            byte[] one = new byte[1];
            while (await _reader.ReadAsync(one).AsTask().WaitAsync(Server.Patience) == 1 && one[0] != '\n')
            {
                line.Append((char)one[0]);
            }

            return line.ToString().TrimEnd('\r');
        }

        public void Reset() => _socket.Close(0);

        public void Dispose()
        {
            _reader.Dispose();
            _stream.Dispose();
            _socket.Dispose();
        }

        private async Task<string> ReceiveBytesAsync(int count)
        {
            byte[] bytes = new byte[count];
            await _reader.ReadExactlyAsync(bytes).AsTask().WaitAsync(Server.Patience);
            return Encoding.Latin1.GetString(bytes);
        }
    }
}
