using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Faults;

/// <summary>What <see cref="ServerFaultTests"/> runs in a child.</summary>
public class ServerFaultPrograms
{
    // accept(2), what Linux passes on of the new socket, and want of everything.
    private static readonly int[] s_acceptErrors = [12, 1, 71, 100, 92, 112, 64, 95, 101, 113, 110, 103, 104, 23, 24, 105, 4, 22, 94, 93];

    static ServerFaultPrograms() => SystemFaults.Install();

    [InChild]
    public void Every_error_of_accept_is_survived_with_few_reports() => InHub.Run(() =>
    {
        ConcurrentQueue<Exception> heard = InHub.Unhandled();
        using GreenTcpServer server = Echo(hubs: 1);
        int most = 0;
        foreach (int error in s_acceptErrors)
        {
            SystemFaults.Arm("accept4", error, 2);
            Assert.Equal(5, Exchange(server, 5));
            Assert.True(SystemFaults.Arm("accept4", 0, 0) > 0, $"accept did not fail with {error}");
            Assert.True(heard.Count <= ++most, $"{heard.Count} reports of {most} errors");
        }

        Assert.NotEmpty(heard);
        Assert.All(heard, exception => Assert.Contains("could not accept a connection", exception.Message, StringComparison.Ordinal));
        Served(server);
    });

    [InChild]
    public void Every_other_call_of_the_server_may_fail() => InHub.Run(() =>
    {
        _ = InHub.Unhandled(); // handlers lose connections
        using GreenTcpServer server = Echo(hubs: 1);
        foreach ((string call, int[] errors) in new (string, int[])[]
        {
            ("epoll_create1", [24, 12]),
            ("eventfd", [24, 12]),
            ("epoll_ctl", [12, 28]),
            ("epoll_wait", [4]),
            ("setsockopt", [22, 12]),
            ("recv", [104, 110, 113, 12]),
            ("send", [104, 32, 105]),
        })
        {
            foreach (int error in errors)
            {
                SystemFaults.Arm(call, error, 2);
                Exchange(server, 6);
                SystemFaults.Arm(call, 0, 0);
                Assert.Equal(3, Exchange(server, 3)); // and it is over
                Served(server);
            }
        }

        // A hub that had no poller gets one when there is one to be had.
        SystemFaults.Arm("epoll_create1", 24, 1);
        Hub.Current.InvokeAsync(() => Assert.Equal(2, Exchange(server, 2))).GetAwaiter();
        Assert.Equal(2, Exchange(server, 2));
        SystemFaults.Arm("epoll_create1", 0, 0);
        Served(server);
    });

    [InChild]
    public void Threads_that_cannot_be_started_are_done_without_until_they_can() => InHub.Run(() =>
    {
        ConcurrentQueue<Exception> heard = InHub.Unhandled();
        using GreenTcpServer server = Echo(hubs: 3);
        using HubPool pool = new(2);
        SystemFaults.Arm("pthread_create", 11, 1);
        Assert.ThrowsAny<Exception>(() => pool.RunAsync(() => { }).GetAwaiter().GetResult());
        Assert.Equal(6, Exchange(server, 6));
        Assert.True(SystemFaults.Arm("pthread_create", 0, 0) > 0);
        Served(server);

        Hub.Await(pool.RunAsync(() => { }));
        HashSet<int> threads = [];
        using GreenTcpServer other = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
        {
            lock (threads)
            {
                threads.Add(Environment.CurrentManagedThreadId);
            }

            stream.CopyTo(stream);
        })
        { HubCount = 3 };
        other.Start();

        // The first thread of two can be had: the pool does with one.
        SystemFaults.Arm("pthread_create", 11, 2);
        List<Socket> clients = [.. Enumerable.Range(0, 8).Select(_ => Connect(other))];
        while (other.ConnectionCount != 8)
        {
            Hub.Sleep(InHub.Tick);
        }

        SystemFaults.Arm("pthread_create", 0, 0);
        clients.ForEach(client => client.Dispose());
        while (other.ConnectionCount != 0)
        {
            Hub.Sleep(InHub.Tick);
        }

        Assert.InRange(threads.Count, 2, 3);
        Assert.Empty(heard);
    });

    [InChild]
    public void Who_makes_a_call_that_fails_is_told_and_the_next_one_works() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = Connections.Pair();
        byte[] bytes = [1];
        foreach ((string call, int error, SocketError told, Action use) in new (string, int, SocketError, Action)[]
        {
            ("recv", 104, SocketError.ConnectionReset, () => near.Receive(bytes)),
            ("recv", 110, SocketError.TimedOut, () => near.Receive(bytes)),
            ("recv", 12, SocketError.NoBufferSpaceAvailable, () => near.Receive(bytes)),
            ("send", 32, SocketError.Shutdown, () => near.Send(bytes)),
            ("send", 105, SocketError.NoBufferSpaceAvailable, () => near.Send(bytes)),
            ("setsockopt", 22, SocketError.InvalidArgument, () => near.NoDelay = true),
        })
        {
            far.Send(bytes);
            SystemFaults.Arm(call, error, 1);
            SocketException? exception = null;
            try
            {
                // A call that is tried again and again must not hang the test.
                using Timer patience = new(_ => SystemFaults.Arm(call, 0, 0), null, InHub.Long, Timeout.InfiniteTimeSpan);
                use();
            }
            catch (SocketException thrown)
            {
                exception = thrown;
            }

            SystemFaults.Arm(call, 0, 0);
            Assert.True(exception?.SocketErrorCode == told, $"{call}, {error}: {exception?.SocketErrorCode}");
            Assert.Equal(1, near.Receive(bytes));
        }

        near.NoDelay = true;
        near.Send(bytes);
        Assert.Equal(1, far.Receive(bytes));
        near.Dispose();
        far.Dispose();
    });

    [InChild]
    public void A_hub_that_can_have_no_poller_waits_without_one_and_gets_one_later()
    {
        foreach ((string call, int error) in new[] { ("epoll_create1", 24), ("eventfd", 23), ("epoll_ctl", 28) })
        {
            InHub.Run(() =>
            {
                SystemFaults.Arm(call, error, 1);
                (GreenSocket near, GreenSocket far) = Connections.Pair();
                Exchange();
                Assert.Null(Hub.Current.Poller);
                Assert.True(SystemFaults.Arm(call, 0, 0) > 0);
                Exchange();
                Assert.NotNull(Hub.Current.Poller);
                near.Dispose();
                far.Dispose();

                void Exchange()
                {
                    GreenTask<int> receiving = Hub.Spawn(() => far.Receive(new byte[1]));
                    Hub.Yield();
                    near.Send([1]);
                    Assert.Equal(1, receiving.Result);
                }
            });
        }
    }

    private static GreenTcpServer Echo(int hubs)
    {
        GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream => stream.CopyTo(stream), new GreenPool(50)) { HubCount = hubs };
        server.Start();
        return server;
    }

    private static void Served(GreenTcpServer server)
    {
        for (int i = 0; i < 20_000 && server.ConnectionCount != 0; i++)
        {
            Hub.Sleep(InHub.Tick);
        }

        Assert.Equal(0, server.ConnectionCount); // all places are free
    }

    private static Socket Connect(GreenTcpServer server)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(server.EndPoint);
        return socket;
    }

    // How many of so many connections, one after the other, were served; by a thread whose calls do not fail.
    private static int Exchange(GreenTcpServer server, int count)
    {
        TaskCompletionSource<int> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread client = new(() =>
        {
            SystemFaults.SpareThisThread();
            int served = 0;
            for (int i = 0; i < count; i++)
            {
                try
                {
                    using Socket socket = Connect(server);
                    socket.ReceiveTimeout = 20_000;
                    byte[] buffer = [7];
                    socket.Send(buffer);
                    served += socket.Receive(buffer);
                }
                catch (SocketException)
                {
                    // It was lost.
                }
            }

            done.SetResult(served);
        })
        { IsBackground = true };
        Hub.Offload(client.Start); // the hub's thread may not be given any
        return Hub.Await(done.Task);
    }
}
