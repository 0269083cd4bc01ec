using System.Collections.Concurrent;
using System.Net;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>A server on several hubs: connections are spread, its limit and its end hold for all of them.</summary>
public class ServerTests
{
    [Fact]
    public void Connections_are_spread_over_the_hubs_and_their_errors_come_to_the_servers() => InHub.Run(() =>
    {
        ConcurrentQueue<Exception> heard = InHub.Unhandled();
        ConcurrentDictionary<Hub, int> served = [];
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
        {
            served.AddOrUpdate(Hub.Current, 1, (_, count) => count + 1);
            int value;
            while ((value = stream.ReadByte()) > 0)
            {
                stream.WriteByte((byte)value);
            }

            if (value == 0)
            {
                throw new InvalidDataException("zero");
            }
        })
        { HubCount = 3 };
        server.Start();
        List<GreenSocket> clients = [];
        for (int i = 0; i < 12; i++)
        {
            clients.Add(GreenSocket.Connect("127.0.0.1", server.EndPoint.Port));
            Assert.Equal((byte)7, Exchange(clients[i], 7)); // it is served before the next comes
        }

        Assert.Equal([4, 4, 4], served.Values);
        Assert.Equal(12, server.ConnectionCount);
        foreach (GreenSocket client in clients)
        {
            client.Send([0]);
            Assert.Equal(0, client.Receive(new byte[1])); // closed by the server
            client.Dispose();
        }

        InHubEventually(() => server.ConnectionCount == 0 && heard.Count == 12);
        Assert.All(heard, exception => Assert.IsType<InvalidDataException>(exception));
    });

    [Fact]
    public void All_hubs_have_the_options_of_the_servers_own()
    {
        GreenTestTime time = new();
        InHub.Run(
            () =>
            {
                ConcurrentDictionary<Hub, TimeProvider> times = [];
                using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
                {
                    times[Hub.Current] = Hub.Current.Loop.Options.TimeProvider;
                    stream.CopyTo(stream);
                })
                { HubCount = 2 };
                server.Start();
                using GreenSocket first = GreenSocket.Connect("127.0.0.1", server.EndPoint.Port);
                Assert.Equal((byte)1, Exchange(first, 1));
                using GreenSocket second = GreenSocket.Connect("127.0.0.1", server.EndPoint.Port);
                Assert.Equal((byte)1, Exchange(second, 1));
                Assert.Equal([time, time], times.Values);
            },
            new HubOptions { TimeProvider = time });
    }

    [Fact]
    public void The_limit_counts_the_connections_of_all_hubs() => InHub.Run(() =>
    {
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream => stream.CopyTo(stream), new GreenPool(3)) { HubCount = 2 };
        server.Start();
        List<GreenSocket> clients = [];
        for (int i = 0; i < 3; i++)
        {
            clients.Add(GreenSocket.Connect("127.0.0.1", server.EndPoint.Port));
            Assert.Equal((byte)1, Exchange(clients[i], 1));
        }

        using GreenSocket fourth = GreenSocket.Connect("127.0.0.1", server.EndPoint.Port);
        fourth.Send([9]);
        fourth.ReceiveTimeout = InHub.Tick * 50;
        Assert.Throws<TimeoutException>(() => fourth.Receive(new byte[1]));
        clients[1].Dispose(); // one of the other hub
        fourth.ReceiveTimeout = InHub.Long;
        byte[] buffer = new byte[1];
        Assert.Equal(1, fourth.Receive(buffer));
        Assert.Equal(9, buffer[0]);
        clients.ForEach(client => client.Dispose());
    });

    [Fact]
    public void Stop_waits_for_all_hubs_and_kills_what_is_left_with_its_finally_blocks() => InHub.Run(() =>
    {
        ConcurrentQueue<Hub> ended = [];
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
        {
            try
            {
                stream.CopyTo(stream);
            }
            finally
            {
                Hub.Sleep(InHub.Tick * 20);
                ended.Enqueue(Hub.Current);
            }
        })
        { HubCount = 3 };
        server.Start();
        List<GreenSocket> clients = [];
        for (int i = 0; i < 6; i++)
        {
            clients.Add(GreenSocket.Connect("127.0.0.1", server.EndPoint.Port));
            Assert.Equal((byte)1, Exchange(clients[i], 1));
        }

        clients.GetRange(0, 3).ForEach(client => client.Dispose());
        server.Stop(InHub.Tick * 200);
        Assert.Equal(0, server.ConnectionCount);
        Assert.Equal(6, ended.Count);
        Assert.Equal(3, ended.Distinct().Count());
        clients.ForEach(client => client.Dispose());
        Assert.Throws<ArgumentOutOfRangeException>(() => new GreenTcpServer(new IPEndPoint(IPAddress.Loopback, 0), _ => { }) { HubCount = 0 });
    });

    private static byte Exchange(GreenSocket client, byte value)
    {
        byte[] buffer = [value];
        client.Send(buffer);
        buffer[0] = 0;
        Assert.Equal(1, client.Receive(buffer));
        return buffer[0];
    }

    private static void InHubEventually(Func<bool> condition)
    {
        for (int i = 0; i < 30_000 && !condition(); i++)
        {
            Hub.Sleep(InHub.Tick);
        }

        Assert.True(condition());
    }
}
