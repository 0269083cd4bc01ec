using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.IO.Readiness;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using static NativeGreenlet.Cooperative.Tests.Infrastructure.Connections;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>How connections are waited for by the hub itself: nothing that comes is missed, whoever waits in whichever hub,
/// and whatever happens to it meanwhile. They hold without a poller, too (<see cref="WithoutPollerTests"/>).</summary>
public class PollerTests
{
    private const int LargestMessage = 200_000; // more than a socket takes at once

    /// <summary>Connections go from hub to hub, as those of a pool do; waits are given up at random, by kills and limits,
    /// and the heap moves meanwhile.</summary>
    [Fact]
    public void What_is_sent_arrives_in_order_whichever_hub_waits_for_it() => InHub.Run(() =>
    {
        const int Connections = 12;
        const int Exchanges = 60;
        using Compactor compactor = new();
        using HubPool pool = new(3, "clients");
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream => stream.CopyTo(stream)) { HubCount = 2 };
        server.Start();
        int port = server.EndPoint.Port;
        ConcurrentQueue<GreenSocket> idle = new(Enumerable.Range(0, Connections).Select(_ => GreenSocket.Connect("127.0.0.1", port)));
        Task[] clients = [.. Enumerable.Range(0, Connections / 2).Select(seed => pool.RunAsync(() =>
        {
            Random random = new(seed);
            for (int i = 0; i < Exchanges; i++)
            {
                Assert.True(idle.TryDequeue(out GreenSocket? connection));
                Exchange(connection, random);
                idle.Enqueue(connection);
                random.Pause();
            }
        }))];
        Hub.Await(Task.WhenAll(clients));
        foreach (GreenSocket connection in idle)
        {
            connection.Dispose();
        }
    });

    [Fact]
    public void One_hub_may_receive_while_another_sends_and_either_may_end() => InHub.Run(() =>
    {
        for (int round = 0; round < 20; round++)
        {
            (GreenSocket near, GreenSocket far) = Pair();
            byte[] bytes = new byte[8 * 1024 * 1024];
            new Random(round).NextBytes(bytes);
            Hub receiver = Hub.Start("receiver");
            Hub sender = Hub.Start("sender");
            Task receiving = receiver.InvokeAsync(() =>
            {
                Assert.Equal(1, near.Receive(new byte[1])); // so that its hub has the socket
                near.Receive(new byte[1]);
            });
            far.Send([1]);
            Hub.Sleep(InHub.Tick);
            Task sending = sender.InvokeAsync(() => near.Send(bytes)); // more than there is room for
            Hub.Sleep(InHub.Tick * 2);
            if (round % 2 == 0)
            {
                receiver.Dispose(); // whose poller has both
                Assert.ThrowsAny<Exception>(() => Hub.Await(receiving));
            }

            byte[] received = new byte[bytes.Length];
            using GreenStream stream = far.GetStream();
            Assert.True(GreenTimeout.TryRun(InHub.Long, () => stream.ReadExactly(received)), "the sender was not told");
            Assert.True(received.AsSpan().SequenceEqual(bytes));
            Hub.Await(sending);
            sender.Dispose();
            if (round % 2 != 0)
            {
                far.Send([2]);
                Hub.Await(receiving);
                receiver.Dispose();
            }

            near.Dispose();
        }
    });

    [Fact]
    public void Whoever_waits_is_told_when_the_socket_is_closed_by_any_thread() => InHub.Run(() =>
    {
        Random random = new(20261126);
        for (int i = 0; i < 300; i++)
        {
            (GreenSocket near, GreenSocket far) = Pair();
            GreenTask receiving = Hub.Spawn(() => Assert.ThrowsAny<Exception>(() => near.Receive(new byte[1])));
            GreenTask sending = Hub.Spawn(() => Assert.ThrowsAny<Exception>(() => near.Send(new byte[8 * 1024 * 1024])));
            if (random.Next(2) == 0)
            {
                Hub.Yield();
            }

            int spin = random.Next(2000);
            Task closing = Task.Run(() =>
            {
                Thread.SpinWait(spin);
                near.Dispose();
            });
            Assert.True(receiving.Join(InHub.Long) && sending.Join(InHub.Long), "it still waits");
            Assert.True(receiving.IsSuccessful && sending.IsSuccessful, $"{receiving.Exception}, {sending.Exception}");
            Hub.Await(closing);
            far.Dispose();
        }
    });

    [Fact]
    public void Whoever_waits_is_told_when_somebody_else_closes_the_socket_that_was_handed_out() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = Pair();
        GreenTask<int> receiving = Hub.Spawn(() => near.Receive(new byte[1]));
        Hub.Yield();
        Socket handedOut = near.Socket;
        Hub.Sleep(InHub.Tick);
        Assert.False(receiving.IsCompleted);
        handedOut.Dispose();
        Assert.True(receiving.Join(InHub.Long), "it still waits");
        far.Dispose();

        (near, far) = Pair();
        GreenStream stream = near.GetStream();
        GreenTask<int> reading = Hub.Spawn(stream.ReadByte);
        Hub.Yield();
        Stream below = stream.BaseStream;
        far.Send([3]);
        Assert.Equal(3, reading.Result); // by .NET's operations now
        reading = Hub.Spawn(stream.ReadByte);
        Hub.Yield();
        below.Dispose();
        Assert.True(reading.Join(InHub.Long), "it still waits");
        far.Dispose();
    });

    [Fact]
    public void The_end_of_a_connection_that_comes_with_the_last_bytes_is_seen() => InHub.Run(() =>
    {
        byte[] buffer = new byte[10];
        for (int i = 0; i < 100; i++)
        {
            (GreenSocket near, GreenSocket far) = Pair();
            GreenTask<int> receiving = Hub.Spawn(() => near.Receive(buffer));
            Hub.Yield();
            far.Send([1, 2, 3]);
            far.Dispose();
            Assert.Equal(3, receiving.Result);
            int count = -1;
            Assert.True(GreenTimeout.TryRun(InHub.Long, () => count = near.Receive(buffer)), "the end was missed");
            Assert.Equal(0, count);
            near.Dispose();
        }
    });

    [Fact]
    public void Tasks_that_never_let_the_hub_sleep_do_not_keep_it_from_sockets() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = Pair();
        GreenTask busy = Hub.Spawn(() =>
        {
            while (true)
            {
                Hub.Yield();
            }
        });
        GreenTask echo = Hub.Spawn(() =>
        {
            byte[] one = new byte[1];
            while (far.Receive(one) != 0)
            {
                far.Send(one);
            }
        });
        byte[] buffer = new byte[1];
        for (byte i = 0; i < 100; i++)
        {
            near.Send([i]);
            Assert.True(GreenTimeout.TryRun(InHub.Long, () => Assert.Equal(1, near.Receive(buffer))), "nobody looked");
            Assert.Equal(i, buffer[0]);
        }

        busy.Kill();
        near.Dispose();
        echo.Join();
    });

    [Fact]
    public void Other_threads_wake_a_hub_that_waits_for_sockets() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = Pair();
        GreenTask receiving = Hub.Spawn(() => near.Receive(new byte[1]));
        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            int spin = random.Next(300);
            Hub.Await(Task.Run(() => Thread.SpinWait(spin)));
        }

        Assert.False(receiving.IsCompleted);
        far.Dispose();
        receiving.Join();
        near.Dispose();
    });

    [Fact]
    public void Sockets_of_the_file_system_are_connections_like_others() => InHub.Run(() =>
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.socket");
        using GreenSocket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        try
        {
            listener.Listen();
            GreenTask<GreenSocket> accepting = Hub.Spawn(listener.Accept);
            using GreenSocket near = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            near.Connect(new UnixDomainSocketEndPoint(path));
            using GreenSocket far = accepting.Result;
            GreenTask echo = Hub.Spawn(() =>
            {
                using GreenStream stream = far.GetStream();
                stream.CopyTo(stream);
            });
            Exchange(near, new Random(1));
            Exchange(near, new Random(2));
            near.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, near.Receive(new byte[1]));
            echo.Join();
        }
        finally
        {
            File.Delete(path);
        }
    });

    // A receive of these ends where a descriptor was sent along, though there is more, and nothing new has come.
    [Fact]
    public void A_receive_that_brings_less_than_there_is_leaves_the_rest_for_the_next() => InHub.Run(() =>
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.socket");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        try
        {
            listener.Listen();
            using GreenSocket near = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            near.Connect(new UnixDomainSocketEndPoint(path));
            using Socket far = listener.Accept();
            byte[] buffer = new byte[100];
            GreenTask<int> first = Hub.Spawn(() => near.Receive(buffer));
            Hub.Sleep(InHub.Tick); // it waits, and so has the event of all that comes now
            Descriptors.Send(far, "first"u8, listener.SafeHandle);
            Assert.Equal(6, far.Send("second"u8));
            Assert.Equal(5, first.Result);
            near.ReceiveTimeout = InHub.Long;
            Assert.Equal(6, near.Receive(buffer));
            Assert.Equal("second"u8, buffer.AsSpan(0, 6));
        }
        finally
        {
            File.Delete(path);
        }
    });

    [Fact]
    public void Sockets_that_were_forgotten_are_closed_by_the_collector() => InHub.Run(() =>
    {
        if (!Poller.IsSupported || GreenletRuntime.Backend == GreenletBackend.Slices)
        {
            return; // .NET's operations keep them; a conservative collector may keep some
        }

        const int Many = 50;
        int before = Hub.Current.Poller!.Count;
        List<GreenSocket> others = [];
        ForgetSome(others, Many);
        int closed = 0;
        for (int i = 0; i < 100 && closed < Many - 5; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Hub.Sleep(InHub.Tick);
            closed = others.Count(HasEnded);
        }

        Assert.InRange(closed, Many - 5, Many);
        others.ForEach(other => other.Dispose());
        Assert.InRange(Hub.Current.Poller.Count - before, 0, 5); // the poller has forgotten them, too
    });

    /// <summary>As when descriptors run out: the runtime itself does not survive that for long enough.</summary>
    [Fact]
    public void A_hub_that_gets_no_poller_waits_otherwise() => InHub.Run(() =>
    {
        FieldInfo isMissing = typeof(Poller).GetField("s_isMissing", BindingFlags.NonPublic | BindingFlags.Static)!;
        object before = isMissing.GetValue(null)!;
        (GreenSocket near, GreenSocket far) = Pair();
        using Hub poor = Hub.Start("poor");
        byte[] bytes = new byte[8 * 1024 * 1024];
        new Random(1).NextBytes(bytes);
        TaskCompletionSource mayBegin = new();
        isMissing.SetValue(null, true);
        try
        {
            Task sending = poor.InvokeAsync(() =>
            {
                Assert.Null(Hub.Current.Poller);
                byte[] one = new byte[1];
                far.ReceiveTimeout = InHub.Tick;
                Assert.Throws<TimeoutException>(() => far.Receive(one));
                mayBegin.SetResult();
                far.ReceiveTimeout = InHub.Long;
                Assert.Equal(1, far.Receive(one));
                far.Send(bytes);
            });
            Hub.Await(Task.WhenAny(mayBegin.Task, sending));
            Hub.Sleep(InHub.Tick * 5);
            near.Send([1]);
            near.ReceiveTimeout = InHub.Long;
            byte[] received = new byte[bytes.Length];
            for (int count = 0; count < received.Length; count += near.Receive(received.AsSpan(count)))
            {
            }

            Hub.Await(sending);
            Assert.True(received.AsSpan().SequenceEqual(bytes));
        }
        finally
        {
            isMissing.SetValue(null, before);
            near.Dispose();
            far.Dispose();
        }
    });

    [Fact]
    public void Connecting_fails_as_it_does_elsewhere() => InHub.Run(() =>
    {
        using GreenSocket bound = new();
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // and does not listen
        int port = ((IPEndPoint)bound.LocalEndPoint!).Port;
        Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => GreenSocket.Connect("127.0.0.1", port)).SocketErrorCode);
        Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => GreenSocket.Connect("localhost", port)).SocketErrorCode);
        using (GreenSocket socket = new())
        {
            Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => socket.Connect(bound.LocalEndPoint!)).SocketErrorCode);
        }

        Assert.Throws<ArgumentNullException>(() => GreenSocket.Connect(null!, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => GreenSocket.Connect("127.0.0.1", 1, TimeSpan.FromSeconds(-2)));
        Assert.Throws<MissingHubException>(() => Hub.Offload(() => GreenSocket.Connect("127.0.0.1", port)));

        // One that has succeeded is like any other.
        (GreenSocket near, GreenSocket far) = Pair();
        Assert.Equal(((IPEndPoint)near.LocalEndPoint!).Port, ((IPEndPoint)far.RemoteEndPoint!).Port);
        Assert.True(near.Socket.Connected && near.Socket.Blocking);
        near.Dispose();
        far.Dispose();
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ForgetSome(List<GreenSocket> others, int count) => Hub.Spawn(() =>
    {
        for (int i = 0; i < count; i++)
        {
            (GreenSocket near, GreenSocket far) = Pair();
            near.ReceiveTimeout = TimeSpan.FromTicks(1);
            Assert.Throws<TimeoutException>(() => near.Receive(new byte[1])); // so that the poller knows it
            others.Add(far);
        }
    }).Join();

    private static bool HasEnded(GreenSocket socket)
    {
        try
        {
            return socket.WaitUntilReadable(TimeSpan.Zero);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            return true;
        }
    }

    // Sends a message and receives it again, both at a time.
    private static void Exchange(GreenSocket connection, Random random)
    {
        byte[] message = new byte[random.Next(4) == 0 ? random.Next(LargestMessage) : random.Next(1, 100)];
        random.NextBytes(message);
        GreenTask sending = Hub.Spawn(() => connection.Send(message));
        byte[] received = new byte[message.Length];
        for (int count = 0; count < received.Length;)
        {
            int more = 0;
            switch (random.Next(4))
            {
                case 0:
                    _ = GreenTimeout.TryRun(TimeSpan.FromTicks(random.Next(1, 3000)), () => more = connection.Receive(received.AsSpan(count)));
                    break;

                case 1:
                    GreenTask receiver = Hub.Spawn(() => more = connection.Receive(received.AsSpan(count, Math.Min(received.Length - count, 10))));
                    random.Pause();
                    receiver.Kill();
                    break;

                default:
                    more = connection.Receive(received.AsSpan(count));
                    Assert.NotEqual(0, more);
                    break;
            }

            count += more;
        }

        Assert.True(received.AsSpan().SequenceEqual(message));
        sending.Join();
        Assert.True(sending.IsSuccessful);
    }
}
