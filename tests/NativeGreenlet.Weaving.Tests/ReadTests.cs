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
