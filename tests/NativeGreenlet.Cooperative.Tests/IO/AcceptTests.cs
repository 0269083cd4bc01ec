using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.IO.Readiness;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Tests.Leaks;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>Waits for connections that are given up, taken in turns, and ended by closing the socket.</summary>
public class AcceptTests
{
    // .NET keeps a cancelled operation in the queue of its socket until the next event there: 350 bytes or more each.
    [Fact]
    public void Waits_that_are_given_up_leave_nothing_at_a_listener_where_nobody_connects() => InHub.Run(() =>
    {
        if (!Poller.IsSupported)
        {
            return; // by operations of .NET
        }

        using GreenSocket listener = Listen();
        Operation killed = new("Accept, killed", () =>
        {
            GreenTask task = Hub.Spawn(() => listener.Accept());
            Hub.Yield();
            Assert.True(task.Kill());
        });
        Operation late = new("Accept, too late", () => Assert.False(GreenTimeout.TryRun(TimeSpan.FromTicks(1), () => listener.Accept())));
        Assert.Equal([], Growth.FindAll([killed, late], 5_000));
    });

    [Fact]
    public void No_connection_is_lost_to_a_wait_that_was_given_up() => InHub.Run(() =>
    {
        using GreenSocket listener = Listen();
        for (int i = 0; i < 200; i++)
        {
            GreenTask task = Hub.Spawn(() => listener.Accept());
            Hub.Yield();
            if (i % 2 == 0)
            {
                task.Kill();
            }

            using GreenSocket near = new();
            near.Connect(listener.LocalEndPoint!);
            if (i % 2 == 0)
            {
                using GreenSocket far = listener.Accept();
                Assert.Equal(near.LocalEndPoint, far.RemoteEndPoint);
            }
            else
            {
                task.Join();
                Assert.True(task.IsSuccessful);
            }
        }
    });

    [Fact]
    public async Task Tasks_of_several_hubs_accept_each_connection_once()
    {
        const int Connections = 300;
        using GreenSocket listener = Hub.Run(Listen);
        int accepted = 0;
        Task[] servers = [.. Enumerable.Range(0, 2).Select(_ => Hub.RunAsync(() =>
        {
            GreenTask[] tasks = [.. Enumerable.Range(0, 3).Select(_ => Hub.Spawn(() =>
            {
                while (true)
                {
                    using GreenSocket far = listener.Accept();
                    far.Send([1]);
                    if (Interlocked.Increment(ref accepted) == Connections)
                    {
                        listener.Dispose();
                    }
                }
            }))];
            foreach (GreenTask task in tasks)
            {
                task.Join();
                Assert.IsType<ObjectDisposedException>(task.Exception);
            }
        }))];
        Task client = Hub.RunAsync(() =>
        {
            byte[] buffer = new byte[2];
            EndPoint endPoint = listener.LocalEndPoint!;
            GreenPool pool = new(8);
            pool.ForEach(Enumerable.Range(0, Connections), _ =>
            {
                using GreenSocket near = new();
                near.Connect(endPoint);
                Assert.Equal(1, near.Receive(new byte[2]));
            });
        });
        await client.WaitAsync(InHub.Patience);
        await Task.WhenAll(servers).WaitAsync(InHub.Patience);
        Assert.Equal(Connections, accepted);
    }

    // Then others may use the socket, too: whoever waits goes on by .NET's operations.
    [Fact]
    public void A_listener_that_is_handed_out_during_a_wait_goes_on() => InHub.Run(() =>
    {
        using GreenSocket listener = Listen();
        GreenTask<GreenSocket> waiting = Hub.Spawn(listener.Accept);
        Hub.Yield();
        Socket inner = listener.Socket;
        using GreenSocket near = new();
        near.Connect(inner.LocalEndPoint!);
        waiting.Join();
        using GreenSocket far = waiting.Result;
        Assert.Equal(near.LocalEndPoint, far.RemoteEndPoint);
        Assert.True(inner.Blocking);
    });

    // Streams of .NET refuse others.
    [Fact]
    public void What_is_accepted_is_a_socket_that_blocks() => InHub.Run(() =>
    {
        using GreenSocket listener = Listen();
        using GreenSocket near = new();
        near.Connect(listener.LocalEndPoint!);
        using GreenSocket far = listener.Accept();
        Assert.True(far.Socket.Blocking);
        using GreenStream stream = far.GetStream();
        stream.WriteByte(1);
        Assert.Equal(1, near.Receive(new byte[2]));
    });

    [Fact]
    public void A_socket_that_does_not_listen_says_so() => InHub.Run(() =>
    {
        using GreenSocket socket = new();
        Assert.Throws<InvalidOperationException>(() => socket.Accept());
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.Throws<InvalidOperationException>(() => socket.Accept());
    });

    private static GreenSocket Listen()
    {
        GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        return listener;
    }
}
