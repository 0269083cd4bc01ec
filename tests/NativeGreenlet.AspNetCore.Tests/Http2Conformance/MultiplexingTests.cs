using System.Text;
using Microsoft.Extensions.Logging;

namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>Many streams of one connection at once, ended in all ways: what is answered is right, and nothing is left.</summary>
public sealed class MultiplexingTests
{
    public static TheoryData<bool, bool> Transports { get; } = new() { { true, false }, { true, true }, { false, false } };

    /// <summary>The windows begin at one byte, and grow at random; half of the streams are cancelled somewhere; PINGs are answered meanwhile.</summary>
    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_hundred_streams_at_once_are_answered_through_small_windows(bool isOnTransport, bool isSecure)
    {
        Random random = new(20261201);
        using CancellationTokenSource patience = new(Server.Patience);
        await using ConformanceServer server = await ConformanceServer.StartAsync(isOnTransport, isSecure);
        Requests requests = new(isSecure);
        for (int round = 0; round < 2; round++)
        {
            await using Http2Client client = await Http2Client.ConnectAsync(server);
            await client.GreetAsync((Setting.InitialWindowSize, 1));
            Dictionary<uint, (int Body, int? CancelAt)> streams = [];
            List<byte> beginning = [];
            for (int i = 0; i < ConformanceServer.MostStreams; i++)
            {
                uint id = (uint)((2 * i) + 1);
                int body = i % 2 == 0 ? 0 : random.Next(1900);
                streams.Add(id, (body, i % 4 < 2 ? random.Next(ConformanceServer.Filling.Length) * random.Next(2) : null));
                byte[] block = requests.Block(body == 0 ? "GET" : "POST", "/", ("x-check", $"{id}"));
                beginning.AddRange(Frame.Headers(id, block, body == 0 ? FrameFlags.EndHeaders | FrameFlags.EndStream : FrameFlags.EndHeaders));
            }

            await client.SendAsync(beginning.ToArray());
            HashSet<uint> cancelled = [];
            Dictionary<uint, int> unsent = streams.Where(stream => stream.Value.Body != 0).ToDictionary(stream => stream.Key, stream => stream.Value.Body);
            foreach ((uint id, _) in streams.Where(stream => stream.Value.CancelAt == 0))
            {
                cancelled.Add(id);
                await client.SendAsync(Frame.RstStream(id));
            }

            int pings = 0;
            while (streams.Keys.Any(id => !cancelled.Contains(id) && !HasEnded(client, id)))
            {
                List<byte> next = [];
                foreach (uint id in unsent.Keys.Where(id => !cancelled.Contains(id) && random.Next(4) == 0).ToArray())
                {
                    int count = random.Next(1, unsent[id] + 1);
                    unsent[id] -= count;
                    next.AddRange(Frame.Data(id, new byte[count], unsent[id] == 0 ? FrameFlags.EndStream : FrameFlags.None));
                    if (unsent[id] == 0)
                    {
                        unsent.Remove(id);
                    }
                }

                next.AddRange(Frame.Ping((ulong)pings++));
                await client.SendAsync(next.ToArray());
                Frame? frame;
                do
                {
                    frame = await client.ReceiveAsync(patience.Token);
                    Assert.NotNull(frame);
                    if (frame.Type != FrameType.Data || cancelled.Contains(frame.Stream))
                    {
                        continue;
                    }

                    int received = client.Streams[frame.Stream].Body.Count;
                    bool isCancelled = received >= streams[frame.Stream].CancelAt;
                    byte[] reaction = isCancelled ? Frame.RstStream(frame.Stream) : Frame.WindowUpdate(frame.Stream, (uint)random.Next(1, 2 * received + 2));
                    _ = isCancelled && cancelled.Add(frame.Stream);
                    await client.SendAsync((byte[])[.. Frame.WindowUpdate(0, (uint)Math.Max(frame.Payload.Length, 1)), .. reaction]);
                }
                while (client.Pings.Count < pings);
            }

            Assert.True(await client.ReceiveUntilAsync(() => client.Pings.Count == pings));
            Assert.Equal(Enumerable.Range(0, pings).Select(value => (ulong)value), client.Pings);
            Assert.Equal(0u, client.FirstReset);
            foreach ((uint id, (int body, _)) in streams.Where(stream => !cancelled.Contains(stream.Key)))
            {
                Assert.Equal($"{body} read, {id}\n{ConformanceServer.Filling}", Encoding.UTF8.GetString([.. client.Streams[id].Body]));
            }

            await server.AssertNothingIsLeftAsync(connections: 1);
            await client.SendAsync((byte[])[.. Frame.Settings((Setting.InitialWindowSize, 10_000)), .. Frame.WindowUpdate(0, 10_000), .. Frame.Headers(999, requests.Get)]);
            Assert.True(await client.ReceiveUntilAsync(() => HasEnded(client, 999)));
        }

        await server.AssertNothingIsLeftAsync();
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Level >= LogLevel.Error);
    }

    /// <summary>A request is opened and reset in the same moment, a thousand times; the server may ask for calm, and have a new connection be made.</summary>
    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Streams_that_are_opened_and_reset_leave_nothing(bool isOnTransport, bool isSecure)
    {
        const int Streams = 1000;
        const int Together = 25;
        await using ConformanceServer server = await ConformanceServer.StartAsync(isOnTransport, isSecure);
        Requests requests = new(isSecure);
        byte[][] blocks = [requests.Get, requests.Post, requests.Block("POST", "/hold"), requests.Block("GET", "/wide/100")];
        int connections = 0;
        for (int opened = 0; opened < Streams;)
        {
            await using Http2Client client = await Http2Client.ConnectAsync(server);
            await client.GreetAsync();
            connections++;
            ulong pings = 0;
            uint id = 1;
            bool isCalm = true;
            while (isCalm && opened < Streams)
            {
                List<byte> bytes = [];
                for (int i = 0; i < Together; i++, opened++, id += 2)
                {
                    byte[] block = blocks[opened % blocks.Length];
                    bytes.AddRange(Frame.Headers(id, block, block == requests.Get ? FrameFlags.EndHeaders | FrameFlags.EndStream : FrameFlags.EndHeaders));
                    bytes.AddRange(opened % 3 == 0 ? Frame.Data(id, new byte[10]) : []);
                    bytes.AddRange(Frame.RstStream(id));
                }

                bytes.AddRange(Frame.Ping(pings++));
                await client.SendAsync(bytes.ToArray());
                isCalm = await client.ReceiveUntilAsync(() => client.IsGoingAway || client.Pings.Count == (int)pings) && !client.IsGoingAway;
            }

            if (isCalm)
            {
                await client.SendAsync(Frame.Headers(id, requests.Get));
                Assert.True(await client.ReceiveUntilAsync(() => HasEnded(client, id) || client.IsGoingAway));
            }

            Assert.True(client.Failure is null or ErrorCode.EnhanceYourCalm, $"{client.Failure}");
        }

        Assert.InRange(connections, 1, Streams / Together);
        Assert.InRange(server.RequestCount, 1, Streams + connections); // many had not reached the handler when they were reset
        await server.AssertNothingIsLeftAsync();
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Level >= LogLevel.Error);
    }

    /// <summary>Some wait for their bodies, some for windows, some for ever.</summary>
    [Theory]
    [InlineData(true, false, true)]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    [InlineData(true, true, false)]
    [InlineData(false, false, true)]
    public async Task A_connection_that_is_cut_off_ends_all_its_requests(bool isOnTransport, bool isSecure, bool isReset)
    {
        const int Streams = 90;
        await using ConformanceServer server = await ConformanceServer.StartAsync(isOnTransport, isSecure);
        Requests requests = new(isSecure);
        await using (Http2Client client = await Http2Client.ConnectAsync(server))
        {
            await client.GreetAsync((Setting.InitialWindowSize, 10));
            List<byte> bytes = [];
            for (int i = 0; i < Streams; i++)
            {
                byte[] block = i % 3 == 0 ? requests.Block("POST", "/hold") : i % 3 == 1 ? requests.Post : requests.Block("GET", "/wide/100");
                bytes.AddRange(Frame.Headers((uint)((2 * i) + 1), block, i % 3 == 2 ? FrameFlags.EndHeaders | FrameFlags.EndStream : FrameFlags.EndHeaders));
                bytes.AddRange(i % 3 == 1 ? Frame.Data((uint)((2 * i) + 1), new byte[100]) : []);
            }

            await client.SendAsync(bytes.ToArray());
            while (server.RequestCount < Streams)
            {
                await Task.Delay(1);
            }

            if (isReset)
            {
                client.Reset();
            }
        }

        await server.AssertNothingIsLeftAsync();
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Level >= LogLevel.Error);
    }

    /// <summary>Frames of any type, with any flags and lengths, some of them right; and then the client goes away in one way or the other.</summary>
    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Clients_that_send_anything_leave_nothing(bool isOnTransport, bool isSecure)
    {
        const int Connections = 120;
        const int Together = 8;
        await using ConformanceServer server = await ConformanceServer.StartAsync(isOnTransport, isSecure);
        Requests requests = new(isSecure);
        byte[][] blocks = [requests.Get, requests.Post, requests.Block("POST", "/hold"), requests.Block("GET", "/wide/100"), HeaderBlock.Indexed("x-check", "a"), [0x80, 0xFF, 0xFF]];
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, Together).Select(async _ =>
        {
            for (int seed; (seed = Interlocked.Increment(ref next)) <= Connections;)
            {
                Random random = new(seed);
                await using Http2Client client = await Http2Client.ConnectAsync(server);
                await client.GreetAsync((Setting.InitialWindowSize, (uint)random.Next(100)));
                for (int count = random.Next(1, 40), id = 1; count > 0 && !client.IsGoingAway && !client.IsClosed; count--)
                {
                    byte[] bytes = random.Next(12) switch
                    {
                        < 5 => Frame.Headers((uint)(id += 2), blocks[random.Next(random.Next(10) == 0 ? blocks.Length : 4)], random.Next(2) == 0 ? FrameFlags.EndHeaders : FrameFlags.EndHeaders | FrameFlags.EndStream),
                        < 7 => Frame.Data((uint)id, new byte[random.Next(3000)], (FrameFlags)random.Next(2)),
                        < 9 => Frame.WindowUpdate((uint)(random.Next(2) * id), (uint)random.Next(1, 10_000)),
                        9 => Frame.RstStream((uint)id),
                        10 => Frame.Ping((ulong)count),
                        _ => Frame.Of((FrameType)random.Next(11), (FrameFlags)random.Next(256), (uint)random.Next(id + 1), new byte[random.Next(20)]),
                    };
                    await client.SendAsync(random.Next(20) == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
                }

                await client.ReceiveUntilAsync(() => client.IsGoingAway, TimeSpan.FromMilliseconds(random.Next(5)));
                if (random.Next(3) == 0)
                {
                    client.Reset();
                }
                else if (random.Next(2) == 0)
                {
                    client.EndSending();
                }
            }
        }));
        await server.AssertNothingIsLeftAsync();
        await using Http2Client last = await Http2Client.ConnectAsync(server);
        await last.GreetAsync();
        await last.SendAsync(Frame.Headers(1, requests.Get));
        Assert.True(await last.ReceiveUntilAsync(() => HasEnded(last, 1)));
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Level >= LogLevel.Error);
    }

    /// <summary>The client is told to open no more streams, those that are open are answered, and only then the connection is closed.</summary>
    [Theory]
    [MemberData(nameof(Transports))]
    public async Task A_server_that_stops_answers_what_has_begun(bool isOnTransport, bool isSecure)
    {
        const int Streams = 20;
        await using ConformanceServer server = await ConformanceServer.StartAsync(isOnTransport, isSecure);
        Requests requests = new(isSecure);
        await using Http2Client client = await Http2Client.ConnectAsync(server);
        await using Http2Client idle = await Http2Client.ConnectAsync(server);
        await idle.GreetAsync();
        await client.GreetAsync((Setting.InitialWindowSize, 1));
        uint[] ids = [.. Enumerable.Range(0, Streams).Select(i => (uint)((2 * i) + 1))];
        await client.SendAsync(ids.SelectMany(id => Frame.Headers(id, requests.Post, FrameFlags.EndHeaders)).ToArray());
        while (server.RequestCount < Streams)
        {
            await Task.Delay(1);
        }

        Task stopping = server.StopAsync();
        Assert.False(await idle.ReceiveUntilAsync(() => false));
        Assert.True(idle.IsGoingAway);
        Assert.True(await client.ReceiveUntilAsync(() => client.IsGoingAway));
        Assert.Null(client.Failure);
        Assert.False(stopping.IsCompleted);
        await client.SendAsync(ids.SelectMany(id => (byte[])[.. Frame.Data(id, "hello"u8, FrameFlags.EndStream), .. Frame.WindowUpdate(id, 10_000), .. Frame.WindowUpdate(0, 10_000)]).ToArray());
        Assert.True(await client.ReceiveUntilAsync(() => Array.TrueForAll(ids, id => HasEnded(client, id))));
        for (int pings = 1; !client.IsClosed; pings++)
        {
            await client.SendAsync(Frame.Ping(1)); // Kestrel looks whether all has ended when something comes; by itself no more, once it stops
            await client.ReceiveUntilAsync(() => client.Pings.Count == pings || client.IsClosed);
        }

        Assert.All(ids, id => Assert.Equal($"5 read\n{ConformanceServer.Filling}", Encoding.UTF8.GetString([.. client.Streams[id].Body])));
        await stopping.WaitAsync(Server.Patience);
        await server.AssertNothingIsLeftAsync();
    }

    /// <summary>Hubs are blocked all the time, and connections go from one to the other in the middle of frames.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Connections_that_go_from_hub_to_hub_lose_no_byte(bool isSecure)
    {
        const int Connections = 10;
        const int Rounds = 12;
        await using ConformanceServer server = await ConformanceServer.StartAsync(
            isOnTransport: true,
            isSecure,
            transport: options => options.Patience = TimeSpan.FromMilliseconds(20),
            options: options =>
            {
                options.Hubs = 2;
                options.WarnWhenBlockedFor = null;
                options.BlockingWaits = BlockingWaits.Block;
            });
        Requests requests = new(isSecure);
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(async number =>
        {
            await using Http2Client client = await Http2Client.ConnectAsync(server);
            await client.GreetAsync((Setting.InitialWindowSize, 100_000));
            for (int round = 0; round < Rounds; round++)
            {
                uint first = (uint)((10 * round) + 1);
                byte[] block = (number + round) % 5 == 0 ? requests.Block("GET", "/block") : requests.Get;
                await client.SendAsync((byte[])[.. Frame.WindowUpdate(0, 100_000), .. Frame.Headers(first, block), .. Frame.Headers(first + 2, requests.Block("GET", "/wide/10")), .. Post(first + 4)]);
                await client.SendAsync(Frame.Data(first + 4, new byte[10_000]));
                await client.SendAsync(Frame.Data(first + 4, new byte[100], FrameFlags.EndStream));
                Assert.True(await client.ReceiveUntilAsync(() => HasEnded(client, first) && HasEnded(client, first + 2) && HasEnded(client, first + 4)), $"{client.Failure}");
                Assert.Equal($"0 read\n{ConformanceServer.Filling}", Encoding.UTF8.GetString([.. client.Streams[first].Body]));
                Assert.Equal($"0 read\n{string.Concat(Enumerable.Repeat(ConformanceServer.Filling, 10))}", Encoding.UTF8.GetString([.. client.Streams[first + 2].Body]));
                Assert.Equal($"10100 read\n{ConformanceServer.Filling}", Encoding.UTF8.GetString([.. client.Streams[first + 4].Body]));
            }
        }));
        await server.AssertNothingIsLeftAsync();
        Assert.True(!HubSocketEvents.IsSupported || server.Log.Entries.Any(entry => entry.Text.Contains("taken over by other hubs", StringComparison.Ordinal)));
        Assert.DoesNotContain(server.Log.Entries, entry => entry.Level >= LogLevel.Error);

        byte[] Post(uint id) => Frame.Headers(id, requests.Post, FrameFlags.EndHeaders);
    }

    private static bool HasEnded(Http2Client client, uint id) => client.Streams.TryGetValue(id, out Http2Stream? stream) && stream.HasEnded;
}
