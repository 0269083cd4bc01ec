using System.Net.Sockets;
using NativeGreenlet.Common;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using static NativeGreenlet.Cooperative.Tests.Infrastructure.Connections;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>How a task waits in <see cref="GreenSocket.Receive"/> and <see cref="GreenSocket.Send"/>: without garbage, losing
/// nothing when it gives up.</summary>
public class SocketWaitTests
{
    [UnfrozenFact("a freeze allocates")]
    public void Receiving_and_sending_allocates_nothing() => InHub.Run(() =>
    {
        if (GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            return; // each greenlet counts for itself there
        }

        (GreenSocket near, GreenSocket far) = Pair();
        GreenTask echo = Hub.Spawn(() =>
        {
            byte[] bytes = new byte[64];
            while (true)
            {
                int count = far.Receive(bytes);
                far.Send(bytes.AsSpan(0, count));
            }
        });
        byte[] buffer = new byte[64];
        long least = long.MaxValue;
        for (int round = 0; round < 10; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 200; i++)
            {
                near.Send(buffer);
                for (int count = 0; count < buffer.Length; count += near.Receive(buffer))
                {
                }
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        echo.Kill();
        near.Dispose();
        far.Dispose();
    });

    [Fact]
    public void What_is_given_up_comes_to_the_next_in_order_and_at_last_to_the_stream() => InHub.Run(() =>
    {
        const int Bytes = 3000;
        Random random = new(20261127);
        (GreenSocket near, GreenSocket far) = Pair();
        GreenTask sending = Hub.Spawn(() =>
        {
            for (int i = 0; i < Bytes; i++)
            {
                far.Send([(byte)i]);
                if (random.Next(3) == 0)
                {
                    Hub.Sleep(TimeSpan.FromTicks(random.Next(3000)));
                }
            }

            far.Dispose();
        });
        byte[] buffer = new byte[5];
        int received = 0;
        while (received < Bytes / 2)
        {
            int count = 0;
            TimeSpan patience = TimeSpan.FromTicks(random.Next(1, 4000));
            switch (random.Next(6))
            {
                case 0:
                    _ = GreenTimeout.TryRun(patience, () => count = near.Receive(buffer));
                    break;

                case 1:
                    GreenTask receiver = Hub.Spawn(() => count = near.Receive(buffer));
                    Hub.Sleep(patience);
                    receiver.Kill();
                    break;

                case 2:
                    near.ReceiveTimeout = patience;
                    try
                    {
                        count = near.Receive(buffer);
                    }
                    catch (TimeoutException)
                    {
                    }

                    near.ReceiveTimeout = Timeout.InfiniteTimeSpan;
                    break;

                case 3:
                    Assert.NotEqual(0, near.Receive(buffer, SocketFlags.Peek));
                    Assert.Equal((byte)received, buffer[0]);
                    break;

                case 4:
                    if (near.WaitUntilReadable(patience))
                    {
                        Assert.True(GreenTimeout.TryRun(InHub.Long, () => count = near.Receive(buffer)));
                        Assert.NotEqual(0, count);
                    }

                    break;

                default:
                    count = near.Receive(buffer);
                    Assert.NotEqual(0, count);
                    break;
            }

            for (int i = 0; i < count; i++)
            {
                Assert.Equal((byte)received++, buffer[i]);
            }
        }

        Assert.False(GreenTimeout.TryRun(TimeSpan.FromTicks(1), () =>
        {
            while (true)
            {
                received += near.Receive(buffer);
                Hub.Yield();
            }
        }));
        using GreenStream rest = near.GetStream();
        for (int next; (next = rest.ReadByte()) >= 0;)
        {
            Assert.Equal((byte)received++, next);
        }

        Assert.Equal(Bytes, received);
        sending.Join();
    });

    [Fact]
    public void Bytes_that_came_when_nobody_waited_any_more_are_kept() => InHub.Run(() =>
    {
        // The operation ends by itself, at the moment at which it is given up.
        byte[] buffer = new byte[16];
        for (byte i = 1; i < 60; i++)
        {
            (GreenSocket near, GreenSocket far) = Pair();
            byte value = i;
            Hub.SpawnLater(TimeSpan.FromTicks(9500 + (i * 20)), () => far.Send([value, 0, 0]));
            int count = 0;
            while (count == 0)
            {
                _ = GreenTimeout.TryRun(InHub.Tick, () => count = near.Receive(buffer.AsSpan(0, 1)));
            }

            Assert.Equal((1, value), (count, buffer[0]));
            near.Dispose();
            far.Dispose();
        }
    });

    [Fact]
    public void Bytes_that_came_before_the_operation_was_cancelled_go_to_whatever_reads_next() => InHub.Run(() =>
    {
        Func<GreenSocket, byte[], int>[] ways =
        [
            (socket, buffer) => socket.Receive(buffer),
            (socket, buffer) => socket.GetStream().Read(buffer, 0, buffer.Length),
            (socket, buffer) => Hub.Await(socket.GetStream().ReadAsync(buffer, 0, buffer.Length)),
            (socket, buffer) => socket.WaitUntilReadable(InHub.Long) && socket.Receive(buffer, SocketFlags.Peek) == 3 ? socket.Receive(buffer) : 0,
        ];
        Array.ForEach(ways, read => ReadWhatWasGivenUp(_ => { }, read));
    });

    [Fact]
    public void They_are_kept_by_a_socket_that_was_handed_out_whatever_became_of_it() => InHub.Run(() =>
    {
        Action<GreenSocket>[] changes =
        [
            socket => _ = socket.Socket,
            socket => socket.Socket.Shutdown(SocketShutdown.Send),
            socket => socket.Socket.Blocking = false,
        ];
        Array.ForEach(changes, change => ReadWhatWasGivenUp(change, (socket, buffer) => socket.Receive(buffer)));
    });

    [Fact]
    public void Several_may_send_and_each_message_stays_whole() => InHub.Run(() =>
    {
        const int Tasks = 8;
        const int Messages = 6;
        const int Bytes = 1_500_000; // more than is sent at once
        (GreenSocket near, GreenSocket far) = Pair();
        using Hub other = Hub.Start("other");
        Action send = () => new GreenPool(Tasks).ForEach(Enumerable.Range(0, Tasks), task =>
        {
            byte[] message = new byte[Bytes];
            Array.Fill(message, (byte)task);
            for (int i = 0; i < Messages; i++)
            {
                near.Send(message);
                Hub.Yield();
            }
        });
        Task there = other.InvokeAsync(send);
        GreenTask here = Hub.Spawn(send);
        byte[] message = new byte[Bytes];
        using GreenStream stream = far.GetStream();
        for (int i = 0; i < 2 * Tasks * Messages; i++)
        {
            stream.ReadExactly(message);
            Assert.Equal(-1, message.AsSpan().IndexOfAnyExcept(message[0]));
        }

        here.Join();
        Assert.True(here.IsSuccessful);
        Hub.Await(there);
        near.Dispose();
    });

    [Fact]
    public void After_a_send_that_was_given_up_the_next_one_throws() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = Pair();
        near.SendTimeout = InHub.Tick * 20;
        Assert.Throws<TimeoutException>(() => near.Send(new byte[64 * 1024 * 1024]));
        near.SendTimeout = Timeout.InfiniteTimeSpan;
        Assert.Throws<IOException>(() => near.Send([1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => near.SendTimeout = TimeSpan.FromSeconds(-5));
        Assert.Throws<ArgumentOutOfRangeException>(() => near.ReceiveTimeout = TimeSpan.FromSeconds(-5));

        // The exceptions are those of sockets.
        far.Socket.LingerState = new LingerOption(true, 0);
        far.Dispose();
        Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => near.Receive(new byte[1])).SocketErrorCode);
        Assert.Throws<SocketException>(() =>
        {
            near.Send([1]);
            near.Send([1]);
        });
        GreenSocket unconnected = new();
        Assert.Equal(SocketError.NotConnected, Assert.Throws<SocketException>(() => unconnected.Receive(new byte[1])).SocketErrorCode);
        unconnected.Dispose();
        near.Dispose();
        Assert.Throws<ObjectDisposedException>(() => near.Receive(new byte[1]));
        Assert.Throws<ObjectDisposedException>(() => near.Send([1]));
    });

    // The bytes come when the exit is on its way and the operation has not been cancelled yet.
    private static void ReadWhatWasGivenUp(Action<GreenSocket> change, Func<GreenSocket, byte[], int> read)
    {
        (GreenSocket near, GreenSocket far) = Pair();
        change(near);
        GreenTask receiver = Hub.Spawn(() => near.Receive(new byte[10]));
        Hub.Sleep(InHub.Tick);
        receiver.Kill(timeout: TimeSpan.Zero);
        far.Socket.Send([1, 2, 3]); // without a wait
        Thread.Sleep(50);
        Assert.True(receiver.Kill(timeout: InHub.Long));
        byte[] buffer = new byte[10];
        int count = 0;
        Assert.True(GreenTimeout.TryRun(InHub.Long, () => count = read(near, buffer)), "the bytes were lost");
        Assert.Equal([1, 2, 3], buffer.AsSpan(0, count).ToArray());
        near.Dispose();
        far.Dispose();
    }
}
