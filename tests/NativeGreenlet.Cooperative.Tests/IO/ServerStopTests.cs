using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>Stopped means stopped: nothing begins afterwards, and nobody is told of errors.</summary>
public class ServerStopTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void No_handler_begins_after_a_stop_at_the_moment_a_connection_comes(int hubs)
    {
        int late = 0;
        ConcurrentQueue<Exception> heard = [];
        for (int round = 0; round < 60; round++)
        {
            int this_ = round;
            InHub.Run(() =>
            {
                Hub.Current.UnhandledException += (_, e) => heard.Enqueue(e.Exception);
                bool isStopped = false;
                using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
                {
                    if (Volatile.Read(ref isStopped))
                    {
                        Interlocked.Increment(ref late);
                    }

                    stream.ReadByte();
                })
                { HubCount = hubs };
                server.Start();
                IPEndPoint at = server.EndPoint;
                Hub.Yield();
                Hub.Yield();
                using Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                client.Connect(at);
                Thread.SpinWait(this_ % 20 * 2000);
                if (this_ % 3 == 0)
                {
                    Hub.Yield();
                }

                server.Stop(this_ % 2 == 0 ? null : InHub.Tick * 5);
                Volatile.Write(ref isStopped, true);
                Assert.Equal(0, server.ConnectionCount);
                Assert.Equal(at, server.EndPoint);
                Hub.Sleep(InHub.Tick * 2);
            });
        }

        Assert.Equal(0, late);
        Assert.Empty(heard);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_handler_may_stop_its_server_and_is_ended_last(int hubs) => InHub.Run(() =>
    {
        ConcurrentQueue<Exception> heard = InHub.Unhandled();
        ConcurrentQueue<string> begun = [];
        ConcurrentQueue<string> ended = [];
        GreenTcpServer? server = null;
        using GreenTcpServer made = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
        {
            string kind = stream.ReadByte() == 1 ? "caller" : "other";
            begun.Enqueue(kind);
            try
            {
                if (kind == "caller")
                {
                    server!.Stop();
                    ended.Enqueue("stopped");
                }

                stream.ReadByte();
            }
            finally
            {
                ended.Enqueue(kind);
            }
        })
        { HubCount = hubs };
        server = made;
        server.Start();
        List<GreenSocket> clients = [];
        for (int i = 0; i < 4; i++)
        {
            clients.Add(GreenSocket.Connect("127.0.0.1", server.EndPoint.Port));
            clients[i].Send([0]);
            ProcessTests.Until(() => server.ConnectionCount == clients.Count && begun.Count == clients.Count);
        }

        clients.Add(GreenSocket.Connect("127.0.0.1", server.EndPoint.Port));
        clients[4].Send([1]);
        server.ServeForever(); // until it is stopped
        ProcessTests.Until(() => ended.Count == 6);
        Assert.Equal(["other", "other", "other", "other", "stopped", "caller"], ended);
        ProcessTests.Until(() => server.ConnectionCount == 0);
        Assert.Empty(heard);
        clients.ForEach(client => client.Dispose());
    });

    [Fact]
    public void Others_in_the_pool_of_a_server_go_on_when_it_is_stopped() => InHub.Run(() =>
    {
        GreenPool pool = new(10);
        GreenTask other = pool.Spawn(() => Hub.Sleep(Timeout.InfiniteTimeSpan));
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream => stream.CopyTo(stream), pool);
        server.Start();
        using GreenSocket client = GreenSocket.Connect("127.0.0.1", server.EndPoint.Port);
        ProcessTests.Until(() => server.ConnectionCount == 1);
        server.Stop();
        Assert.False(other.IsCompleted);
        Assert.Equal(1, pool.Count);
        Assert.Throws<ObjectDisposedException>(StartAgain);
        other.Kill();

        void StartAgain()
        {
            using GreenTcpServer again = new(new IPEndPoint(IPAddress.Loopback, 0), stream => stream.CopyTo(stream));
            again.Dispose();
            again.Start();
        }
    });

    [Fact]
    public void A_server_can_be_disposed_of_by_a_thread_without_a_hub()
    {
        GreenTcpServer? server = null;
        ConcurrentQueue<Exception>? heard = null;
        bool isCleanedUp = false;
        using ManualResetEventSlim isServing = new();
        Thread thread = new(() => Hub.Run(() =>
        {
            heard = InHub.Unhandled();
            server = new GreenTcpServer(new IPEndPoint(IPAddress.Loopback, 0), stream =>
            {
                isServing.Set();
                try
                {
                    stream.ReadByte();
                }
                finally
                {
                    Hub.Sleep(InHub.Tick * 20);
                    isCleanedUp = true;
                }
            });
            server.Start();
            using Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(server.EndPoint);
            server.ServeForever();
        }))
        { IsBackground = true };
        thread.Start();
        Assert.True(isServing.Wait(InHub.Patience));
        server!.Dispose();
        Assert.True(isCleanedUp);
        Assert.True(thread.Join(InHub.Patience));
        Assert.Empty(heard!);
    }

    /// <summary>Those of the other hubs, too.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void All_handlers_are_killed_although_the_stop_is_interrupted(int hubs) => InHub.Run(() =>
    {
        const int Connections = 9;
        int begun = 0;
        int ended = 0;
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
        {
            Interlocked.Increment(ref begun);
            try
            {
                Hub.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                Interlocked.Increment(ref ended);
            }
        }) { HubCount = hubs };
        server.Start();
        GreenSocket[] clients = [.. Enumerable.Range(0, Connections).Select(_ => GreenSocket.Connect("127.0.0.1", server.EndPoint.Port))];
        ProcessTests.Until(() => Volatile.Read(ref begun) == Connections);
        Assert.False(GreenTimeout.TryRun(InHub.Tick * 20, () => server.Stop(Timeout.InfiniteTimeSpan)));
        ProcessTests.Until(() => Volatile.Read(ref ended) == Connections);
        server.Stop();
        Assert.Equal(0, server.ConnectionCount);
        Array.ForEach(clients, client => client.Dispose());
    });

    [Fact]
    public void ServeForever_waits_until_a_stop_elsewhere_has_given_the_connections_their_time() => InHub.Run(() =>
    {
        bool isDone = false;
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
        {
            stream.ReadByte();
            Hub.Sleep(InHub.Tick * 50);
            isDone = true;
        });
        server.Start();
        using GreenSocket client = GreenSocket.Connect("127.0.0.1", server.EndPoint.Port);
        client.Send([1]);
        ProcessTests.Until(() => server.ConnectionCount == 1);
        Hub.Spawn(() => server.Stop(InHub.Long)); // as a task of a signal would
        server.ServeForever();
        Assert.True(isDone);
    });

    [Fact]
    public void No_handler_of_a_watchdog_begins_after_it_was_disposed_of() => InHub.Run(() =>
    {
        int told = 0;
        bool isDisposed = false;
        bool wasLate = false;
        using ManualResetEventSlim isTold = new();
        HubWatchdog watchdog = new(InHub.Tick * 5);
        watchdog.Blocked += (_, _) =>
        {
            wasLate |= isDisposed;
            told++;
            isTold.Set();
        };
        watchdog.Start();
        GreenTask blocking = Hub.Spawn(() =>
        {
            Assert.True(isTold.Wait(InHub.Long)); // and it would be told again when this task waits
            Task.Run(watchdog.Dispose).Wait();
            isDisposed = true;
            Hub.Yield();
        });
        Assert.True(blocking.Join(InHub.Long));
        Assert.Null(blocking.Exception);
        Assert.False(wasLate);
        Assert.True(told >= 1);
    });
}
