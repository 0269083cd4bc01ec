using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Tests.Leaks;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>Waits for a connection by .NET's operations that are given up: on a listener that others can reach.</summary>
public class GivenUpAcceptTests
{
    private static readonly TimeSpan s_soon = InHub.Tick;

    // .NET keeps a cancelled operation in the queue of its socket until the next event there: 400 bytes or more each.
    [Fact]
    public void They_leave_nothing_at_a_listener_where_nobody_comes() => InHub.Run(() =>
    {
        using GreenSocket handedOut = Listener();
        _ = handedOut.Socket;
        using GreenSocket wrapped = new(NewListener());
        Operation[] operations =
        [
            new("handed out, too late", () => GiveUp(handedOut)),
            new("handed out, killed", () => Kill(handedOut)),
            new("wrapped, too late", () => GiveUp(wrapped)),
            new("wrapped, killed", () => Kill(wrapped)),
        ];
        Assert.Equal([], Growth.FindAll(operations, 1_000));
    });

    [Fact]
    public void Several_tasks_that_wait_again_get_a_connection_each() => InHub.Run(() =>
    {
        using GreenSocket listener = new(NewListener());
        GiveUp(listener);
        GiveUp(listener);
        GreenTask<GreenSocket>[] waiting = [.. Enumerable.Range(0, 4).Select(_ => Hub.Spawn(listener.Accept))];
        Hub.Yield();
        Hub.Yield();
        HashSet<EndPoint> clients = [];
        List<Socket> open = [];
        foreach (GreenTask<GreenSocket> each in waiting)
        {
            open.Add(Connect(listener));
            clients.Add(open[^1].LocalEndPoint!);
        }

        foreach (GreenTask<GreenSocket> each in waiting)
        {
            using GreenSocket accepted = each.Result;
            Assert.True(clients.Remove(accepted.RemoteEndPoint!));
        }

        open.ForEach(client => client.Dispose());
    });

    [Fact]
    public void They_take_nothing_from_others_who_use_the_listener() => InHub.Run(() =>
    {
        using GreenSocket listener = new(NewListener());
        for (int i = 0; i < 50; i++)
        {
            GiveUp(listener);
            GiveUp(listener);
            using Socket first = Connect(listener);
            using Socket others = Hub.Await(token => listener.Socket.AcceptAsync(token).AsTask());
            Assert.Equal(first.LocalEndPoint, others.RemoteEndPoint);
            using Socket second = Connect(listener);
            using GreenSocket own = listener.Accept();
            Assert.Equal(second.LocalEndPoint, own.RemoteEndPoint);
        }
    });

    // One that is accepted at the moment at which the wait is given up is for the next call.
    [Fact]
    public void No_connection_is_lost_to_them() => InHub.Run(() =>
    {
        for (int i = 0; i < 300; i++)
        {
            using GreenSocket listener = new(NewListener());
            GreenSocket? accepted = null;
            GreenTask waiting = Hub.Spawn(() => { accepted = listener.Accept(); });
            Hub.Yield();
            using Socket client = Connect(listener);
            Thread.SpinWait(i * 20);
            waiting.Kill();
            if (accepted is null)
            {
                Assert.True(GreenTimeout.TryRun(InHub.Long, () => { accepted = listener.Accept(); }), $"The connection of round {i} is lost.");
            }

            using GreenSocket own = accepted!;
            client.Send([1]);
            Assert.Equal(1, own.Receive(new byte[1]));
        }
    });

    [Fact]
    public void Who_waits_again_is_told_when_the_listener_is_closed() => IsToldWhenClosed((listener, _) => listener.Dispose());

    [Fact]
    public void Who_waits_again_is_told_when_others_close_the_listener() => IsToldWhenClosed((_, socket) => socket.Dispose());

    private static void IsToldWhenClosed(Action<GreenSocket, Socket> close) => InHub.Run(() =>
    {
        Socket socket = NewListener();
        GreenSocket listener = new(socket);
        GiveUp(listener);
        GreenTask waiting = Hub.Spawn(() => { _ = listener.Accept(); });
        Hub.Yield();
        Hub.Yield();
        close(listener, socket);
        Assert.True(waiting.Join(InHub.Patience));
        Assert.IsType<ObjectDisposedException>(waiting.Exception);
    });

    private static void GiveUp(GreenSocket listener) => Assert.False(GreenTimeout.TryRun(s_soon, () => { _ = listener.Accept(); }));

    private static void Kill(GreenSocket listener)
    {
        GreenTask task = Hub.Spawn(() => { _ = listener.Accept(); });
        Hub.Yield();
        Assert.True(task.Kill());
    }

    private static Socket NewListener()
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        return socket;
    }

    private static GreenSocket Listener()
    {
        GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        return listener;
    }

    private static Socket Connect(GreenSocket listener)
    {
        Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        return client;
    }
}
