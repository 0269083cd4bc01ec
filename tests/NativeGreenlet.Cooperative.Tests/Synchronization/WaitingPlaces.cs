using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>All places of the layer that wait. To be enumerated inside a hub: each is made when it comes.</summary>
internal static class WaitingPlaces
{
    public static IEnumerable<WaitingPlace> All() => Basics().Concat(Objects()).Concat(Tasks()).Concat(Io()).Select(make => make());

    private static Func<WaitingPlace>[] Basics() =>
    [
        () => new WaitingPlace("Hub.Sleep", Wakes.Alone, () => Hub.Sleep(InHub.Long), () => { })
        {
            Again = () => Hub.Sleep(InHub.Tick),
            WhenReady = () => Hub.Sleep(TimeSpan.Zero),
            WakesAtOnce = false,
        },
        () => new WaitingPlace("Hub.Sleep, endless", Wakes.Alone, () => Hub.Sleep(Timeout.InfiniteTimeSpan), () => { })
        {
            Again = null,
            WhenReady = null,
            WakesAtOnce = false,
        },
        () =>
        {
            bool isOver = false;
            return new WaitingPlace(
                "Hub.Yield",
                Wakes.Alone,
                () =>
                {
                    while (!isOver)
                    {
                        Hub.Yield();
                    }
                },
                () => isOver = true)
            {
                Ready = () => { },
                WhenReady = Hub.Yield,
                WakesAtOnce = false,
            };
        },
        () =>
        {
            TaskCompletionSource source = new();
            return new WaitingPlace("Hub.Await", Wakes.All, () => Hub.Await(source.Task), source.SetResult)
            {
                Limited = time => Hub.Await(source.Task, time),
            };
        },
        () =>
        {
            TaskCompletionSource<int> source = new();
            return new WaitingPlace("Hub.Await, with a result", Wakes.All, () => Assert.Equal(4, Hub.Await(source.Task)), () => source.SetResult(4));
        },
        () =>
        {
            TaskCompletionSource source = new();
            return new WaitingPlace("Hub.Await, value task", Wakes.All, () => Hub.Await(new ValueTask(source.Task)), source.SetResult);
        },
        () =>
        {
            TaskCompletionSource<int> source = new();
            return new WaitingPlace("Hub.Await, value task with a result", Wakes.All, () => Assert.Equal(4, Hub.Await(new ValueTask<int>(source.Task))), () => source.SetResult(4));
        },
        () =>
        {
            // An item that comes when the wait is given up is dropped, as the result of any operation is. So each wait asks anew.
            TaskCompletionSource<int> source = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return new WaitingPlace("Hub.Enumerate", Wakes.All, () => Assert.Equal(4, Hub.Enumerate(One(source.Task)).First()), () => source.TrySetResult(4)) { WakesAtOnce = false };

            static async IAsyncEnumerable<int> One(Task<int> item, [EnumeratorCancellation] CancellationToken token = default)
            {
                yield return await item.WaitAsync(token).ConfigureAwait(false);
            }
        },
        () =>
        {
            Channel<int> channel = Channel.CreateUnbounded<int>();
            return new WaitingPlace("GreenChannelBridge.Receive", Wakes.One, () => Assert.Equal(4, channel.Reader.Receive()), () => channel.Writer.TryWrite(4)) { WakesAtOnce = false };
        },
        () =>
        {
            GreenPeriodicTimer timer = new(InHub.Long);
            return new WaitingPlace("GreenPeriodicTimer.WaitForNextTick", Wakes.All, () => Assert.False(timer.WaitForNextTick()), timer.Dispose);
        },
        () =>
        {
            GreenSignal signal = new();
            return new WaitingPlace("GreenSignal", Wakes.Alone, signal.Wait, signal.Set) { Limited = signal.Wait };
        },
        () => Blocking("Hub.Offload", go => Hub.Offload(() => go.Wait())),
        () => Blocking("Hub.Offload, with a result", go => Assert.Equal(1, Hub.Offload(() => One(go)))),
        () => Blocking("Hub.OffloadLongRunning", go => Assert.Equal(1, Hub.OffloadLongRunning(() => One(go)))),
    ];

    /// <summary>Those that only other tasks can wake.</summary>
    public static Func<WaitingPlace>[] Objects() =>
    [
        () =>
        {
            GreenEvent signal = new();
            return new WaitingPlace("GreenEvent", Wakes.All, signal.Wait, signal.Set) { Limited = signal.Wait };
        },
        () =>
        {
            GreenCompletionSource<int> source = new();
            return new WaitingPlace("GreenCompletionSource", Wakes.All, () => Assert.Equal(4, source.Get()), () => source.SetResult(4)) { Limited = source.Wait };
        },
        () =>
        {
            GreenCountdown countdown = new(1);
            return new WaitingPlace("GreenCountdown", Wakes.All, countdown.Wait, () => countdown.Signal()) { Limited = countdown.Wait };
        },
        () => Get("GreenQueue.Get", new GreenQueue<int>()),
        () => Get("GreenPriorityQueue.Get", new GreenPriorityQueue<int>()),
        () => Get("GreenStack.Get", new GreenStack<int>()),
        () => Put("GreenQueue.Put", new GreenQueue<int>(1)),
        () => Put("GreenPriorityQueue.Put", new GreenPriorityQueue<int>(1)),
        () => Put("GreenStack.Put", new GreenStack<int>(1)),
        () =>
        {
            GreenQueue<int> queue = new();
            queue.Put(1);
            return new WaitingPlace("GreenQueue.Join", Wakes.All, () => queue.Join(), queue.TaskDone) { Limited = time => queue.Join(time) };
        },
        () =>
        {
            GreenQueue<int> queue = new();
            return new WaitingPlace("GreenQueue.Get, until it is completed", Wakes.All, () => Assert.Empty(queue.GetAll().ToArray()), queue.Complete);
        },
        () =>
        {
            GreenChannel<int> channel = new();
            return new WaitingPlace("GreenChannel.Send", Wakes.One, () => channel.Send(4), () => Assert.True(channel.TryReceive(TimeSpan.Zero, out int item) && item == 4))
            {
                Ready = () => Hub.Spawn(() => Assert.Equal(4, channel.Receive())),
                Limited = time => channel.TrySend(4, time),
            };
        },
        () =>
        {
            GreenChannel<int> channel = new();
            return new WaitingPlace("GreenChannel.Receive", Wakes.One, () => Assert.Equal(4, channel.Receive()), () => Assert.True(channel.TrySend(4)))
            {
                Ready = () => Hub.Spawn(() => channel.Send(4)),
                Limited = time => channel.TryReceive(time, out _),
            };
        },
        () =>
        {
            GreenSemaphore semaphore = new(0);
            return new WaitingPlace("GreenSemaphore", Wakes.One, semaphore.Wait, () => semaphore.Release()) { Limited = semaphore.Wait };
        },
        () =>
        {
            GreenLock gate = new();
            gate.Enter();
            return new WaitingPlace(
                "GreenLock",
                Wakes.All,
                () =>
                {
                    gate.Enter();
                    gate.Exit();
                },
                gate.Exit)
            {
                Limited = time => Hub.Spawn(() => gate.TryEnter(time)).Result, // the lock is the caller's own
            };
        },
        () =>
        {
            GreenCondition condition = new();
            return new WaitingPlace(
                "GreenCondition",
                Wakes.One,
                () =>
                {
                    using (condition.Gate.EnterScope())
                    {
                        condition.Wait();
                        Assert.True(condition.Gate.IsHeldByCurrentTask);
                    }
                },
                () =>
                {
                    Assert.True(condition.Gate.TryEnter(), "who waits, or has given up, holds the lock");
                    condition.Pulse();
                    condition.Gate.Exit();
                })
            {
                WhenReady = null, // nobody waits for a signal that has been
                Limited = time =>
                {
                    using (condition.Gate.EnterScope())
                    {
                        return condition.Wait(time);
                    }
                },
            };
        },
        () =>
        {
            GreenQueue<int> queue = new();
            return new WaitingPlace("GreenQueue.Peek", Wakes.All, () => Assert.Equal(4, queue.Peek()), () => queue.Put(4)) { Limited = time => queue.TryPeek(time, out _) };
        },
        () =>
        {
            GreenQueue<int> queue = new();
            return Select("GreenSelect, queue", Wakes.One, select => select.Receive(queue, item => Assert.Equal(4, item)), () => queue.Put(4));
        },
        () =>
        {
            GreenQueue<int> queue = new(1);
            queue.Put(4);
            return Select("GreenSelect, room in a queue", Wakes.One, select => select.Send(queue, 4), () => Assert.True(queue.TryGet(out int item) && item == 4));
        },
        () =>
        {
            GreenChannel<int> channel = new();
            return Select("GreenSelect, receiving", Wakes.One, select => select.Receive(channel, item => Assert.Equal(4, item)), () => Assert.True(channel.TrySend(4))) with
            {
                Ready = () => Hub.Spawn(() => channel.Send(4)),
            };
        },
        () =>
        {
            GreenChannel<int> channel = new();
            return Select("GreenSelect, sending", Wakes.One, select => select.Send(channel, 4), () => Assert.True(channel.TryReceive(TimeSpan.Zero, out int item) && item == 4)) with
            {
                Ready = () => Hub.Spawn(() => Assert.Equal(4, channel.Receive())),
            };
        },
        () =>
        {
            GreenSemaphore semaphore = new(0);
            return Select("GreenSelect, semaphore", Wakes.One, select => select.Wait(semaphore), () => semaphore.Release());
        },
        () =>
        {
            GreenEvent signal = new();
            return Select("GreenSelect, event", Wakes.All, select => select.Wait(signal), signal.Set);
        },
        () =>
        {
            GreenBroadcast<int> broadcast = new(100);
            GreenSubscription<int> subscription = broadcast.Subscribe(); // who shares it shares the items
            return new WaitingPlace("GreenBroadcast", Wakes.One, () => Assert.Equal(4, subscription.Receive()), () => broadcast.Send(4)) { Limited = time => subscription.TryReceive(time, out _) };
        },
        () =>
        {
            GreenWatch<int> watch = new(0);
            return new WaitingPlace("GreenWatch", Wakes.All, () => Assert.Equal(4, watch.Watch().WaitForChange()), () => watch.Value = 4)
            {
                WhenReady = null, // what was before is seen
                Limited = time => watch.Watch().WaitForChange(time, out _),
            };
        },
        () =>
        {
            GreenBarrier barrier = new(3);
            return new WaitingPlace("GreenBarrier", Wakes.All, barrier.SignalAndWait, () =>
            {
                while (barrier.ParticipantsRemaining > 1)
                {
                    barrier.RemoveParticipant();
                }

                barrier.SignalAndWait();
            })
            {
                Limited = barrier.SignalAndWait,
            };
        },
    ];

    private static Func<WaitingPlace>[] Tasks() =>
    [
        () =>
        {
            GreenTask task = Endless();
            return new WaitingPlace("GreenTask.Join", Wakes.All, task.Join, () => task.Kill()) { Limited = task.Join };
        },
        () =>
        {
            GreenTask task = Endless();
            return new WaitingPlace("Hub.WaitAll", Wakes.All, () => Hub.WaitAll(task, Hub.Spawn(() => { })), () => task.Kill()) { WakesAtOnce = false };
        },
        () =>
        {
            GreenTask task = Endless();
            GreenTask other = Endless();
            return new WaitingPlace("Hub.WaitAny", Wakes.All, () => Hub.WaitAny(other, task), () => task.Kill());
        },
        () =>
        {
            GreenTask task = Endless();
            return new WaitingPlace("Hub.WaitEach", Wakes.All, () => Assert.Equal([task], [.. Hub.WaitEach(task)]), () => task.Kill()) { WakesAtOnce = false };
        },
        () =>
        {
            GreenEvent signal = new();
            GreenCountdown countdown = new(1);
            GreenTask task = Endless();
            return new WaitingPlace("Hub.Wait", Wakes.All, () => Hub.Wait([signal, new GreenCompletionSource<int>(), task, countdown], count: 3), () =>
            {
                countdown.Signal();
                signal.Set();
                task.Kill();
            })
            {
                Limited = time => Hub.Wait([signal, task], time).Count != 0,
            };
        },
        () =>
        {
            GreenPool pool = new(1);
            GreenEvent signal = new();
            pool.Spawn(signal.Wait);
            return new WaitingPlace("GreenPool.Spawn", Wakes.All, () => pool.Spawn(() => { }), signal.Set) { WakesAtOnce = false };
        },
        () =>
        {
            GreenPool pool = new(1);
            GreenEvent signal = new();
            pool.Spawn(signal.Wait);
            return new WaitingPlace("GreenPool.Join", Wakes.All, () => pool.Join(), signal.Set)
            {
                Limited = time => pool.Join(time),
                WakesAtOnce = false,
            };
        },
        () => Mapping("GreenPool.ForEach", (pool, function) => pool.ForEach([1, 2], item => function(item))),
        () => Mapping("GreenPool.Map", (pool, function) => Assert.Equal([1, 2], pool.Map([1, 2], function))),
        () => Mapping("GreenPool.MapInOrder", (pool, function) => Assert.Equal([1, 2], [.. pool.MapInOrder([1, 2], function)])),
        () => Mapping("GreenPool.MapUnordered", (pool, function) => Assert.Equal(3, pool.MapUnordered([1, 2], function).Sum())),
        () =>
        {
            GreenEvent signal = new();
            return new WaitingPlace("GreenNursery", Wakes.All, () => GreenNursery.Run(nursery => nursery.Spawn(signal.Wait)), signal.Set) { WakesAtOnce = false };
        },
    ];

    private static Func<WaitingPlace>[] Io() =>
    [
        () => OfPair("GreenStream.Read", (near, _) => Read(near.GetStream()), (_, far) => far.Socket.Send([7])),
        () => OfPair("GreenSocket.Receive", (near, _) => ReadOne(near), (_, far) => far.Socket.Send([7])) with { Limited = null },
        () => OfPair("GreenSocket.WaitUntilReadable", (near, _) => () => near.WaitUntilReadable(), (_, far) => far.Socket.Send([7])),
        () => OfPair("GreenSocket.Send", (near, _) => () => near.Send(new byte[64 * 1024 * 1024]), (_, _) => { }) with { Again = null, WhenReady = null },
        () => OfPair("GreenStream.Write", (near, _) => WriteMuch(near.GetStream()), (_, _) => { }) with { Again = null, WhenReady = null },
        () =>
        {
            GatedStream slow = new();
            GreenStream stream = new(slow);
            return new WaitingPlace("GreenStream.Flush", Wakes.Alone, stream.Flush, slow.Open)
            {
                // Nobody knows what was flushed.
                Again = () =>
                {
                    Assert.Throws<IOException>(stream.Flush);
                    stream.Flush();
                },
                WakesAtOnce = false,
            };
        },
        () =>
        {
            GatedStream slow = new();
            GreenStream stream = new(slow);
            return new WaitingPlace("GreenStream.Read, of a slow stream", Wakes.Alone, () => Assert.Equal(7, stream.ReadByte()), slow.Open)
            {
                Limited = time => TryWithin(time, value => stream.ReadTimeout = value, () => stream.ReadByte()),
                WakesAtOnce = false,
            };
        },
        () =>
        {
            GreenSocket near = Datagrams();
            GreenSocket far = Datagrams();
            byte[] buffer = new byte[4];
            return new WaitingPlace(
                "GreenSocket.ReceiveFrom",
                Wakes.Alone,
                () =>
                {
                    Assert.Equal(1, near.ReceiveFrom(buffer, out EndPoint sender));
                    Assert.Equal((7, far.LocalEndPoint), (buffer[0], sender));
                },
                () => far.Socket.SendTo([7], near.LocalEndPoint!))
            {
                WakesAtOnce = false,
                End = () =>
                {
                    near.Dispose();
                    far.Dispose();
                },
            };
        },
        () =>
        {
            GreenSocket listener = Listen();
            List<Socket> clients = [];
            return new WaitingPlace("GreenSocket.Accept", Wakes.Alone, () => listener.Accept().Dispose(), () =>
            {
                Socket client = new(SocketType.Stream, ProtocolType.Tcp);
                clients.Add(client);
                client.Connect(listener.LocalEndPoint!);
            })
            {
                WakesAtOnce = false,
                End = () =>
                {
                    listener.Dispose();
                    clients.ForEach(client => client.Dispose());
                },
            };
        },
        () =>
        {
            GreenEvent answer = new();
            GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
            {
                if (stream.ReadAtLeast(new byte[16], 16, throwOnEndOfStream: false) < 16)
                {
                    return; // given up before it was sent
                }

                answer.Wait();
                stream.Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"u8);
            });
            server.Start();
            HttpClient client = new(new GreenHttpHandler());
            return new WaitingPlace(
                "GreenHttpHandler.Send",
                Wakes.All,
                () =>
                {
                    using HttpResponseMessage reply = client.Send(new HttpRequestMessage(HttpMethod.Get, $"http://{server.EndPoint}/"));
                    using StreamReader reader = new(reply.Content.ReadAsStream());
                    Assert.Equal("ok", reader.ReadToEnd());
                },
                answer.Set)
            {
                WakesAtOnce = false,
                End = () =>
                {
                    client.Dispose();
                    server.Stop(TimeSpan.Zero);
                    server.Dispose();
                },
            };
        },
        () =>
        {
            (GreenSocket near, GreenSocket far) = Pair();
            GreenStream stream = near.GetStream();
            return new WaitingPlace("GreenSsl", Wakes.Alone, () => GreenSsl.AuthenticateAsClient(stream, new SslClientAuthenticationOptions { TargetHost = "localhost" }), () => { })
            {
                Again = null,
                WhenReady = null,
                WakesAtOnce = false,
                End = () =>
                {
                    stream.Dispose();
                    far.Dispose();
                },
            };
        },
        () => new WaitingPlace("GreenProcess.Run", Wakes.Alone, () => GreenProcess.Run(Sleeping("600")), () => { })
        {
            Again = () => Assert.Equal(0, GreenProcess.Run(Sleeping("0")).ExitCode),
            WhenReady = () => Assert.Equal(0, GreenProcess.Run(Sleeping("0")).ExitCode),
            WakesAtOnce = false,
        },
    ];

    private static WaitingPlace Blocking(string name, Action<ManualResetEventSlim> wait)
    {
        ManualResetEventSlim go = new();
        return new WaitingPlace(name, Wakes.All, () => wait(go), go.Set)
        {
            WakesAtOnce = false,
            End = go.Set,
        };
    }

    private static int One(ManualResetEventSlim go)
    {
        go.Wait();
        return 1;
    }

    private static WaitingPlace Get(string name, GreenQueue<int> queue) =>
        new(name, Wakes.One, () => Assert.Equal(4, queue.Get()), () => queue.Put(4)) { Limited = time => queue.TryGet(time, out _) };

    private static WaitingPlace Put(string name, GreenQueue<int> queue)
    {
        queue.Put(4);
        return new WaitingPlace(name, Wakes.One, () => queue.Put(4), () => Assert.True(queue.TryGet(out int item) && item == 4)) { Limited = time => queue.TryPut(4, time) };
    }

    private static WaitingPlace Mapping(string name, Action<GreenPool, Func<int, int>> map)
    {
        GreenPool pool = new(2);
        GreenEvent signal = new();
        return new WaitingPlace(
            name,
            Wakes.All,
            () => map(pool, item =>
            {
                signal.Wait();
                return item;
            }),
            signal.Set)
        {
            WakesAtOnce = false,
        };
    }

    // Together with others that never come.
    private static WaitingPlace Select(string name, Wakes wakes, Func<GreenSelect, GreenSelect> add, Action wake)
    {
        GreenEvent never = new();
        return new WaitingPlace(name, wakes, () => Assert.Equal(1, add(new GreenSelect().Wait(never)).Run()), wake)
        {
            Limited = time => add(new GreenSelect().Wait(never)).After(time).Run() == 1,
        };
    }

    private static GreenTask Endless() => Hub.SpawnLater(InHub.Long * 10, () => { });

    private static WaitingPlace OfPair(string name, Func<GreenSocket, GreenSocket, Action> wait, Action<GreenSocket, GreenSocket> wake)
    {
        (GreenSocket near, GreenSocket far) = Pair();
        return new WaitingPlace(name, Wakes.Alone, wait(near, far), () => wake(near, far))
        {
            WakesAtOnce = false,
            End = () =>
            {
                near.Dispose();
                far.Dispose();
            },
        };
    }

    private static Action Read(GreenStream stream) => () => Assert.Equal(7, stream.ReadByte());

    private static Action WriteMuch(GreenStream stream) => () => stream.Write(new byte[64 * 1024 * 1024]);

    private static Action ReadOne(GreenSocket socket) => () =>
    {
        byte[] buffer = new byte[2];
        Assert.Equal(1, socket.Receive(buffer));
        Assert.Equal(7, buffer[0]);
    };

    private static bool TryWithin(TimeSpan time, Action<int> limit, Action wait)
    {
        if (time == TimeSpan.Zero)
        {
            return false; // streams know no such limit
        }

        limit((int)time.TotalMilliseconds);
        try
        {
            wait();
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        finally
        {
            limit(Timeout.Infinite);
        }
    }

    private static ProcessStartInfo Sleeping(string seconds) =>
        OperatingSystem.IsWindows() ? new("powershell", ["-Command", $"Start-Sleep {seconds}"]) : new("sleep", [seconds]);

    private static GreenSocket Datagrams()
    {
        GreenSocket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private static GreenSocket Listen()
    {
        GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        return listener;
    }

    private static (GreenSocket Near, GreenSocket Far) Pair()
    {
        using GreenSocket listener = Listen();
        Socket client = new(SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        return (new GreenSocket(client), listener.Accept());
    }
}
