using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Weaving.Tests;

/// <summary>Reads of connections in a hub, which wait by its poller.</summary>
public class ReadTests
{
    private const int Rounds = 200;

    [Fact]
    public void A_read_that_waits_begins_no_asynchronous_operation() => InHub.Run(() =>
    {
        using NetworkStream far = Connect(out NetworkStream near);
        using NetworkStream own = near;
        byte[] buffer = new byte[16];
        byte[] one = [1];
        GreenTask echo = Hub.Spawn(() =>
        {
            byte[] bytes = new byte[1];
            while (far.Read(bytes, 0, 1) != 0)
            {
                UnwovenTwin.Send(far.Socket, bytes); // which does not wait
            }
        });
        long allocated = long.MaxValue;
        int read = 0;
        for (int i = 0; i < 3; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int j = 0; j < Rounds; j++)
            {
                UnwovenTwin.Send(own.Socket, one);
                read += own.Read(buffer, 0, 16);
            }

            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        own.Socket.Shutdown(SocketShutdown.Both);
        echo.Join();
        Assert.Equal(3 * Rounds, read);
        bool freezes = GreenletRuntime.Freezing == GreenletFreezing.Always; // each freeze allocates
        Assert.True(freezes || allocated / Rounds < 200, $"Two reads allocate {allocated / Rounds} bytes.");
    });

    [Fact]
    public void A_read_ends_when_another_task_closes_the_connection() => InHub.Run(() =>
    {
        using NetworkStream far = Connect(out NetworkStream near);
        using NetworkStream own = near;
        GreenTask<Exception?> reader = Hub.Spawn<Exception?>(() => Record.Exception(() => own.ReadByte()));
        Hub.Sleep(TimeSpan.FromMilliseconds(20));

        own.Socket.Close();

        Assert.True(reader.Join(TimeSpan.FromMinutes(1)), "The read goes on.");
        Assert.True(reader.Result is IOException or ObjectDisposedException, $"{reader.Result}");
    });

    [Fact]
    public void Two_tasks_may_read_from_the_same_connection() => InHub.Run(() =>
    {
        using NetworkStream far = Connect(out NetworkStream near);
        using NetworkStream own = near;
        GreenTask<int>[] readers = [Hub.Spawn(own.ReadByte), Hub.Spawn(own.ReadByte)];
        Hub.Sleep(TimeSpan.FromMilliseconds(20));
        far.Write([1, 2]);

        Assert.Equal([1, 2], readers.Select(reader => reader.Result).Order());
    });

    [Fact]
    public void A_killed_read_takes_nothing() => InHub.Run(() =>
    {
        using NetworkStream far = Connect(out NetworkStream near);
        using NetworkStream own = near;
        GreenTask reader = Hub.Spawn(() => own.ReadByte());
        Hub.Sleep(TimeSpan.FromMilliseconds(20));
        Assert.True(reader.Kill(timeout: TimeSpan.FromMinutes(1)));
        far.Write([7]);

        Assert.Equal(7, own.ReadByte());
    });

    // As a library does that takes the kill for its own cancellation.
    [Theory]
    [InlineData("stream", "stream")]
    [InlineData("stream", "socket")]
    [InlineData("socket", "stream")]
    [InlineData("socket", "socket")]
    [InlineData("timed stream", "stream")]
    [InlineData("spans of a socket", "socket")]
    [InlineData("write", "stream")]
    public void A_task_that_gets_over_its_kill_cannot_use_the_connection_that_it_waited_for(string first, string next) => InHub.Run(() =>
    {
        using NetworkStream far = Connect(out NetworkStream near);
        using NetworkStream own = near;
        using NetworkStream otherFar = Connect(out NetworkStream other);
        List<Exception?> thrown = [];
        List<string> steps = [];
        GreenTask task = Hub.Spawn(() =>
        {
            thrown.Add(Record.Exception(() => Wait(own, first)));
            steps.Add("got over it");
            thrown.Add(Record.Exception(() => Use(own, next)));
            thrown.Add(Record.Exception(() => own.WriteByte(3)));
            try
            {
                Use(own, next);
                steps.Add("used it");
            }
            finally
            {
                other.WriteByte(4);
                steps.Add($"read {other.ReadByte()}");
            }
        });
        GreenTask<int> echo = Hub.Spawn(() =>
        {
            int value = otherFar.ReadByte();
            otherFar.WriteByte((byte)value);
            return value;
        });
        Hub.Sleep(TimeSpan.FromMilliseconds(20));
        GreenletExit exit = new("end");
        Assert.False(task.Kill(exit, TimeSpan.Zero));
        UnwovenTwin.Send(far.Socket, [1, 2]); // the answer was on its way

        Assert.True(task.Join(TimeSpan.FromMinutes(1)), "The task goes on.");
        Assert.True(task.IsKilled);
        Assert.Equal([exit, exit, exit], thrown);
        Assert.Equal(["got over it", "read 4"], steps);
        Assert.Equal(4, echo.Result);

        // Another task can use it. An asynchronous operation, with which a socket with a time waits, may have taken the byte that came.
        int[] possible = first == "spans of a socket" ? [1, 2] : [1];
        Assert.Contains(own.ReadByte(), possible);
    });

    private static void Wait(NetworkStream stream, string how)
    {
        switch (how)
        {
            case "stream":
                stream.ReadByte();
                break;
            case "timed stream":
                stream.ReadTimeout = 60_000;
                stream.ReadExactly(new byte[1], 0, 1);
                break;
            case "socket":
                stream.Socket.Receive(new byte[1]);
                break;
            case "spans of a socket":
                stream.Socket.ReceiveTimeout = 60_000; // which is waited for in another way
                stream.Socket.Receive(new byte[1].AsSpan());
                break;
            default:
                while (true)
                {
                    stream.Write(new byte[1 << 20], 0, 1 << 20);
                }
        }
    }

    private static void Use(NetworkStream stream, string how)
    {
        if (how == "socket")
        {
            stream.Socket.Receive(new byte[1]);
        }
        else
        {
            stream.ReadByte();
        }
    }

    private static NetworkStream Connect(out NetworkStream near)
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Socket one = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        one.Connect(listener.LocalEndPoint!);
        near = new NetworkStream(one, ownsSocket: true);
        return new NetworkStream(listener.Accept(), ownsSocket: true);
    }
}
