using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Tests.Leaks;
using static NativeGreenlet.Cooperative.Tests.Infrastructure.Connections;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>Receives by .NET's operations that are given up: on a socket that others can reach, and of datagrams.</summary>
public class GivenUpReceiveTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromTicks(1);

    // .NET keeps a cancelled operation in the queue of its socket until the next event there: 350 bytes or more each.
    [Fact]
    public void They_leave_nothing_at_a_socket_where_nothing_comes() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = SharedPair();
        using GreenStream stream = near.GetStream();
        (GreenSocket asynchronous, GreenSocket silent) = SharedPair();
        using GreenStream asynchronousStream = asynchronous.GetStream();
        using GreenSocket datagrams = Datagrams();
        byte[] bytes = new byte[1];
        (string Name, Action Wait)[] waits =
        [
            ("Receive", () => near.Receive(bytes)),
            ("Receive, peek", () => near.Receive(bytes, SocketFlags.Peek)),
            ("WaitUntilReadable", () => near.WaitUntilReadable()),
            ("Read", () => _ = stream.Read(bytes, 0, 1)),
            ("ReadAsync", () => _ = Hub.Await(token => asynchronousStream.ReadAsync(bytes, token).AsTask())),
            ("ReceiveFrom", () => datagrams.ReceiveFrom(bytes, out _)),
            ("Receive a datagram", () => datagrams.Receive(bytes)),
        ];
        Operation[] operations =
        [
            .. waits.Select(each => new Operation($"{each.Name}, too late", () => Assert.False(GreenTimeout.TryRun(s_soon, each.Wait)))),
            .. waits.Select(each => new Operation($"{each.Name}, killed", () => Kill(each.Wait))),
        ];
        Assert.Equal([], Growth.FindAll(operations, 2_000));
        far.Dispose();
        silent.Dispose();
    });

    [Fact]
    public void Asynchronous_reads_lose_nothing_and_say_how_the_connection_ended() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = SharedPair();
        using GreenStream stream = near.GetStream();
        byte[] bytes = new byte[8];
        for (byte i = 0; i < 100; i++)
        {
            GiveUp(() => _ = Hub.Await(token => stream.ReadAsync(bytes, token).AsTask()));
            GiveUp(() => _ = Hub.Await(token => stream.ReadAsync(bytes, token).AsTask()));
            Task<int>? read = i % 2 == 0 ? stream.ReadAsync(bytes).AsTask() : null; // begun before, or after
            far.Send([i]);
            Assert.Equal(1, Hub.Await(read ?? stream.ReadAsync(bytes).AsTask()));
            Assert.Equal(i, bytes[0]);
            GiveUp(() => _ = Hub.Await(token => stream.ReadAsync(bytes, token).AsTask()));
            far.Send([i]);
            Assert.Equal(i, stream.ReadByte());
        }

        GiveUp(() => _ = Hub.Await(token => stream.ReadAsync(bytes, token).AsTask()));
        Task<int> last = stream.ReadAsync(bytes).AsTask();
        far.Socket.LingerState = new LingerOption(true, 0);
        far.Dispose();
        IOException exception = Assert.Throws<IOException>(() => Hub.Await(last));
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(exception.InnerException).SocketErrorCode);
    });

    // The first is told, as the next one after any send that was given up.
    [Fact]
    public void Sends_to_a_socket_that_is_full_leave_nothing() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = SharedPair();
        GreenTask filling = Hub.Spawn(() => near.Send(new byte[50_000_000]));
        while (!filling.HasStarted || near.Socket.Poll(0, SelectMode.SelectWrite))
        {
            Hub.Sleep(InHub.Tick);
        }

        Assert.True(filling.Kill());
        byte[] bytes = new byte[16];
        int told = 0;
        Assert.Null(Growth.TryFind(new Operation("Send", () =>
        {
            GreenTask task = Hub.Spawn(() =>
            {
                try
                {
                    near.Send(bytes);
                }
                catch (IOException)
                {
                    told++;
                }
            });
            Hub.Yield();
            task.Kill();
        }), 2_000));
        Assert.InRange(told, 1, 20);
        GreenTask sending = Hub.Spawn(() => near.Send(bytes));
        GreenTask receiving = Hub.Spawn(() =>
        {
            byte[] all = new byte[1_000_000];
            while (far.Receive(all) != 0)
            {
            }
        });
        Assert.True(sending.Join(InHub.Patience)); // there is room
        Assert.True(sending.IsSuccessful);
        near.Dispose();
        receiving.Join();
        far.Dispose();
    });

    [Fact]
    public void They_take_nothing_from_others_who_use_the_socket() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = SharedPair();
        byte[] bytes = new byte[1];
        for (byte i = 0; i < 100; i++)
        {
            GiveUp(() => near.Receive(new byte[8]));
            GiveUp(() => near.WaitUntilReadable());
            far.Send([i]);
            Assert.Equal(1, Hub.Await(token => near.Socket.ReceiveAsync(bytes, token).AsTask()));
            Assert.Equal(i, bytes[0]);
            Assert.False(near.WaitUntilReadable(InHub.Tick)); // what came was another's
            far.Send([i]);
            Assert.True(near.WaitUntilReadable(InHub.Long));
            Assert.Equal(1, near.Receive(bytes, SocketFlags.Peek));
            Assert.Equal(1, near.Receive(bytes));
            Assert.Equal(i, bytes[0]);
        }

        near.Dispose();
        far.Dispose();
    });

    [Fact]
    public void No_datagram_is_lost_to_them() => InHub.Run(() =>
    {
        using GreenSocket receiver = Datagrams();
        using GreenSocket sender = Datagrams();
        byte[] bytes = new byte[8];
        for (int i = 0; i < 100; i++)
        {
            GiveUp(() => receiver.ReceiveFrom(new byte[8], out _));
            GiveUp(() => receiver.ReceiveFrom(new byte[8], out _));
            int length = i % 3; // an empty one, too
            sender.SendTo(bytes.AsSpan(0, length), receiver.LocalEndPoint!);
            sender.SendTo(bytes.AsSpan(0, 5), receiver.LocalEndPoint!);
            Assert.Equal(length, receiver.ReceiveFrom(bytes, out EndPoint from));
            Assert.Equal(sender.LocalEndPoint, from);
            Assert.Equal(5, receiver.ReceiveFrom(bytes, out _));
        }
    });

    [Fact]
    public void A_datagram_that_comes_while_a_wait_is_given_up_is_for_the_next() => InHub.Run(() =>
    {
        using GreenSocket receiver = Datagrams();
        using Socket sender = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        EndPoint to = receiver.LocalEndPoint!;
        for (int i = 0; i < 500; i++)
        {
            int got = -1;
            byte[] bytes = new byte[2];
            GreenTask waiting = Hub.Spawn(() => { got = receiver.ReceiveFrom(bytes, out _) == 2 ? bytes[0] : -1; });
            Hub.Yield();
            sender.SendTo([(byte)i, 1], to);
            Thread.SpinWait(i * 10);
            waiting.Kill();
            if (got < 0)
            {
                Assert.True(GreenTimeout.TryRun(InHub.Long, () => receiver.ReceiveFrom(bytes, out _)), $"The datagram of round {i} is lost.");
                got = bytes[0];
            }

            Assert.Equal((byte)i, got);
        }
    });

    [Fact]
    public void Several_tasks_that_wait_again_get_each_datagram_once() => InHub.Run(() =>
    {
        using GreenSocket receiver = Datagrams();
        using GreenSocket sender = Datagrams();
        GiveUp(() => receiver.ReceiveFrom(new byte[8], out _));
        List<byte> got = [];
        GreenTask[] tasks = [.. Enumerable.Range(0, 4).Select(_ => Hub.Spawn(() =>
        {
            byte[] bytes = new byte[8];
            Assert.Equal(1, receiver.ReceiveFrom(bytes, out EndPoint _));
            got.Add(bytes[0]);
        }))];
        Hub.Yield();
        for (byte i = 0; i < 4; i++)
        {
            sender.SendTo([i], receiver.LocalEndPoint!);
        }

        foreach (GreenTask task in tasks)
        {
            task.Join();
            Assert.True(task.IsSuccessful);
        }

        Assert.Equal("0 1 2 3", string.Join(' ', got.Order()));
    });

    // The system tells of it once.
    [Fact]
    public void A_connection_that_is_lost_afterwards_says_so() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = SharedPair();
        GiveUp(() => near.Receive(new byte[8]));
        GiveUp(() => near.Receive(new byte[8]));
        far.Socket.LingerState = new LingerOption(true, 0);
        far.Dispose();
        Hub.Sleep(InHub.Tick * 20);
        SocketException exception = Assert.Throws<SocketException>(() => near.Receive(new byte[8]));
        Assert.Equal(SocketError.ConnectionReset, exception.SocketErrorCode);
        near.Dispose();
    });

    [Fact]
    public void Who_waits_again_is_told_when_the_socket_is_closed() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = SharedPair();
        GiveUp(() => near.Receive(new byte[8]));
        GreenTask waiting = Hub.Spawn(() => near.Receive(new byte[8]));
        Hub.Yield();
        near.Dispose();
        waiting.Join();
        Assert.IsType<ObjectDisposedException>(waiting.Exception);
        far.Dispose();
    });

    private static void GiveUp(Action wait, TimeSpan? time = null) => Assert.False(GreenTimeout.TryRun(time ?? s_soon, wait));

    private static void Kill(Action wait)
    {
        GreenTask task = Hub.Spawn(wait);
        Hub.Yield();
        Assert.True(task.Kill());
    }

    private static (GreenSocket Near, GreenSocket Far) SharedPair()
    {
        (GreenSocket near, GreenSocket far) = Pair();
        _ = near.Socket; // from now on by .NET's operations
        _ = far.Socket;
        return (near, far);
    }

    private static GreenSocket Datagrams()
    {
        GreenSocket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }
}
