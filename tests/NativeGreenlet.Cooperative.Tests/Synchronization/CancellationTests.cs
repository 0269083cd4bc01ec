using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>The token of a wait, at every wait that takes one.</summary>
public class CancellationTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(120);

    private const int Rounds = 20_000;
    private const int LeastRounds = 500;
    private static readonly TimeSpan s_raceTime = TimeSpan.FromSeconds(5); // on a busy machine

    // A program that does nothing for a minute. Windows has none.
    private static readonly string[] s_sleep = OperatingSystem.IsWindows()
        ? [.. ProgramHost.Command(typeof(CancellationTests).Assembly), ProgramHost.Child, nameof(SleepPrograms)]
        : ["sleep", "60"];

    // What waits, made anew; none of them ends unless its token is cancelled or its task killed.
    private static readonly Dictionary<string, Func<Action<CancellationToken>>> s_waits = new()
    {
        ["GreenEvent.Wait"] = () => new GreenEvent().Wait,
        ["GreenEvent.Wait, time"] = () => token => new GreenEvent().Wait(s_long, token),
        ["GreenCountdown.Wait"] = () => new GreenCountdown(1).Wait,
        ["GreenCountdown.Wait, time"] = () => token => new GreenCountdown(1).Wait(s_long, token),
        ["GreenSemaphore.Wait"] = () => new GreenSemaphore(0).Wait,
        ["GreenSemaphore.Wait, time"] = () => token => new GreenSemaphore(0).Wait(s_long, token),
        ["GreenLock.Enter"] = () => HeldLock().Enter,
        ["GreenLock.TryEnter"] = () => OnHeldLock((gate, token) => gate.TryEnter(s_long, token)),
        ["GreenLock.EnterScope"] = () => OnHeldLock((gate, token) => gate.EnterScope(token).Dispose()),
        ["GreenCondition.Wait"] = () => token => InLock(condition => condition.Wait(token)),
        ["GreenCondition.Wait, time"] = () => token => InLock(condition => condition.Wait(s_long, token)),
        ["GreenBarrier.SignalAndWait"] = () => new GreenBarrier(2).SignalAndWait,
        ["GreenBarrier.SignalAndWait, time"] = () => token => new GreenBarrier(2).SignalAndWait(s_long, token),
        ["GreenQueue.Get"] = () => token => new GreenQueue<int>().Get(token),
        ["GreenQueue.Get, time"] = () => token => new GreenQueue<int>().Get(s_long, token),
        ["GreenQueue.TryGet"] = () => token => new GreenQueue<int>().TryGet(s_long, token, out _),
        ["GreenQueue.Put"] = () => token => FullQueue().Put(2, token),
        ["GreenQueue.TryPut"] = () => token => FullQueue().TryPut(2, s_long, token),
        ["GreenQueue.Join"] = () => FullQueue().Join,
        ["GreenQueue.Join, time"] = () => token => FullQueue().Join(s_long, token),
        ["GreenChannel.Send"] = () => token => new GreenChannel<int>().Send(1, token),
        ["GreenChannel.TrySend"] = () => token => new GreenChannel<int>().TrySend(1, s_long, token),
        ["GreenChannel.Receive"] = () => token => new GreenChannel<int>().Receive(token),
        ["GreenChannel.TryReceive"] = () => token => new GreenChannel<int>().TryReceive(s_long, token, out _),
        ["GreenQueue.Peek"] = () => token => new GreenQueue<int>().Peek(token),
        ["GreenQueue.TryPeek"] = () => token => new GreenQueue<int>().TryPeek(s_long, token, out _),
        ["GreenSelect.Run"] = () => token => new GreenSelect().Receive(new GreenQueue<int>(), _ => { }).Send(new GreenChannel<int>(), 1).Wait(new GreenEvent()).Run(token),
        ["GreenSelect.Run, time and condition"] = () => token => InLock(condition => new GreenSelect().Wait(condition).After(s_long).Run(token)),
        ["GreenSubscription.Receive"] = () => token => new GreenBroadcast<int>(1).Subscribe().Receive(token),
        ["GreenSubscription.TryReceive"] = () => token => new GreenBroadcast<int>(1).Subscribe().TryReceive(s_long, token, out _),
        ["GreenWatcher.WaitForChange"] = () => token => new GreenWatch<int>(1).Watch().WaitForChange(token),
        ["GreenWatcher.WaitForChange, time"] = () => token => new GreenWatch<int>(1).Watch().WaitForChange(s_long, token, out _),
        ["GreenWatcher.WaitFor"] = () => token => new GreenWatch<int>(1).Watch().WaitFor(value => value == 2, token),
        ["GreenWatcher.WaitFor, time"] = () => token => new GreenWatch<int>(1).Watch().WaitFor(value => value == 2, s_long, out _, token),
        ["GreenCompletionSource.Wait"] = () => new GreenCompletionSource<int>().Wait,
        ["GreenCompletionSource.Wait, time"] = () => token => new GreenCompletionSource<int>().Wait(s_long, token),
        ["GreenCompletionSource.Get"] = () => token => new GreenCompletionSource<int>().Get(token),
        ["GreenCompletionSource.Get, time"] = () => token => new GreenCompletionSource<int>().Get(s_long, token),
        ["GreenTask.Join"] = () => Sleeper().Join,
        ["GreenTask.Join, time"] = () => token => Sleeper().Join(s_long, token),
        ["GreenPool.Join"] = () =>
        {
            GreenPool pool = FullPool();
            return token => pool.Join(null, token);
        },
        ["GreenPool.Join, token"] = () => FullPool().Join,
        ["GreenPool.Spawn"] = () => token => FullPool().Spawn(() => { }, token),
        ["GreenPool.Spawn, result"] = () => token => FullPool().Spawn(() => 1, token),
        ["GreenPool.Spawn, asynchronous"] = () => token => FullPool().Spawn(() => Task.CompletedTask, token),
        ["GreenPool.Spawn, asynchronous result"] = () => token => FullPool().Spawn(() => Task.FromResult(1), token),
        ["Hub.Sleep"] = () => token => Hub.Sleep(s_long, token),
        ["Hub.Await"] = () => token => Hub.Await(new TaskCompletionSource().Task, token),
        ["Hub.Await, result"] = () => token => Hub.Await(new TaskCompletionSource<int>().Task, token),
        ["Hub.Await, value task"] = () => token => Hub.Await(new ValueTask(new TaskCompletionSource().Task), token),
        ["Hub.Await, value task with a result"] = () => token => Hub.Await(new ValueTask<int>(new TaskCompletionSource<int>().Task), token),
        ["Hub.Await, time"] = () => token => Hub.Await(new TaskCompletionSource().Task, s_long, token),
        ["Hub.Wait"] = () => token => Hub.Wait([new GreenEvent()], cancellationToken: token),
        ["Hub.WaitAll"] = () => token => Hub.WaitAll([new GreenEvent(), new GreenCountdown(1)], token),
        ["Hub.WaitAll, time"] = () => token => Hub.WaitAll([new GreenEvent(), new GreenCountdown(1)], s_long, token),
        ["Hub.WaitAny"] = () => token => Hub.WaitAny([new GreenEvent(), new GreenCountdown(1)], token),
        ["Hub.WaitAny, time"] = () => token => Hub.WaitAny([new GreenEvent(), new GreenCountdown(1)], s_long, token),
        ["Hub.WaitEach"] = () =>
        {
            GreenTask[] tasks = [Sleeper()];
            return token => Hub.WaitEach(tasks, token).Count();
        },
        ["Hub.Offload"] = () => Blocking((block, token) => Hub.Offload(block, token)),
        ["Hub.Offload, result"] = () => Blocking((block, token) => Hub.Offload(() => Block(block), token)),
        ["Hub.Offload, asynchronous"] = () => Blocking((block, token) => Hub.Offload(() => Task.Run(block), token)),
        ["Hub.Offload, asynchronous result"] = () => Blocking((block, token) => Hub.Offload(() => Task.Run(() => Block(block)), token)),
        ["Hub.OffloadLongRunning"] = () => Blocking((block, token) => Hub.OffloadLongRunning(block, token)),
        ["Hub.OffloadLongRunning, result"] = () => Blocking((block, token) => Hub.OffloadLongRunning(() => Block(block), token)),
        ["Hub.OffloadLongRunning, asynchronous"] = () => Blocking((block, token) => Hub.OffloadLongRunning(() => Task.Run(block), token)),
        ["Hub.OffloadLongRunning, asynchronous result"] = () => Blocking((block, token) => Hub.OffloadLongRunning(() => Task.Run(() => Block(block)), token)),
        ["GreenQueue.GetAll"] = () => token => new GreenQueue<int>().GetAll(token).Count(),
        ["GreenChannel.ReceiveAll"] = () => token => new GreenChannel<int>().ReceiveAll(token).Count(),
        ["GreenSubscription.ReceiveAll"] = () => token => new GreenBroadcast<int>(1).Subscribe().ReceiveAll(token).Count(),
        ["GreenPeriodicTimer.WaitForNextTick"] = () => token => new GreenPeriodicTimer(s_long).WaitForNextTick(token),
    };

    // The same of waits that give something up, and wait for the end of that: a kill that comes meanwhile reaches farther.
    private static readonly Dictionary<string, Func<Action<CancellationToken>>> s_operations = new()
    {
        ["GreenTcpServer.ServeForever"] = () =>
        {
            GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), _ => { });
            server.Start();
            return token =>
            {
                using (server)
                {
                    server.ServeForever(token);
                }
            };
        },
        ["Hub.Await, operation"] = () => token => Hub.Await(own => Task.Delay(s_long, own), token),
        ["Hub.Await, operation with a result"] = () => token => Hub.Await(SleepAsync, token),
        ["Hub.Await, operation of a value task"] = () => token => Hub.Await(own => new ValueTask(Task.Delay(s_long, own)), token),
        ["Hub.Await, operation of a value task with a result"] = () => token => Hub.Await(own => new ValueTask<int>(SleepAsync(own)), token),
        ["Hub.Await, operation whose result must not be lost"] = () => token => Hub.Await(SleepAsync, _ => { }, token),
        ["Hub.Await, operation, time"] = () => token => Hub.Await(own => Task.Delay(s_long, own), s_long, token),
        ["Hub.Enumerate"] = () => token => Hub.Enumerate(EmptyAfterAsync(s_long), token).Count(),
        ["GreenNursery.Run"] = () => token => GreenNursery.Run(nursery => { nursery.Spawn(() => Hub.Sleep(s_long)); }, token),
        ["GreenNursery.Run, asynchronous"] = () => token => GreenNursery.Run(
            nursery =>
            {
                nursery.Spawn(() => Hub.Sleep(s_long));
                return Task.CompletedTask;
            },
            token),
        ["GreenPool.ForEach"] = () => token => new GreenPool(1).ForEach([1, 2], _ => Hub.Sleep(s_long), token),
        ["GreenPool.ForEach, that throws"] = () => token => new GreenPool(1).ForEach([1, 2], Fail, token),
        ["GreenPool.Map"] = () => token => new GreenPool(1).Map([1, 2], Sleep, token),
        ["GreenPool.Map, asynchronous"] = () => token => new GreenPool(1).Map([1, 2], item => Task.FromResult(Sleep(item)), token),
        ["GreenPool.MapInOrder"] = () => token => new GreenPool(1).MapInOrder([1, 2], Sleep, token).Count(),
        ["GreenPool.MapInOrder, asynchronous"] = () => token => new GreenPool(1).MapInOrder([1, 2], item => Task.FromResult(Sleep(item)), token).Count(),
        ["GreenPool.MapUnordered"] = () => token => new GreenPool(1).MapUnordered([1, 2], Sleep, token).Count(),
        ["GreenPool.MapUnordered, asynchronous"] = () => token => new GreenPool(1).MapUnordered([1, 2], item => Task.FromResult(Sleep(item)), token).Count(),
        ["GreenChannelBridge.Receive"] = () => token => Channel.CreateUnbounded<int>().Reader.Receive(token),
        ["GreenChannelBridge.TryReceive"] = () => token => Channel.CreateUnbounded<int>().Reader.TryReceive(token, out _),
        ["GreenChannelBridge.ReceiveAll"] = () => token => Channel.CreateUnbounded<int>().Reader.ReceiveAll(token).Count(),
        ["GreenChannelBridge.Send"] = () => token => FullChannel().Writer.Send(2, token),
        ["GreenChannelBridge.CopyTo, channel to queue"] = () => token => FullChannel().Reader.CopyTo(FullQueue(), token),
        ["GreenChannelBridge.CopyTo, channel to green channel"] = () => token => FullChannel().Reader.CopyTo(new GreenChannel<int>(), token),
        ["GreenChannelBridge.CopyTo, queue to channel"] = () => token => FullQueue().CopyTo(FullChannel().Writer, token),
        ["GreenChannelBridge.CopyTo, green channel to channel"] = () => token => new GreenChannel<int>().CopyTo(Channel.CreateUnbounded<int>().Writer, token),
        ["GreenSocket.Accept"] = () => token =>
        {
            using GreenSocket listener = Listener();
            listener.Accept(token);
        },
        ["GreenSocket.Receive"] = () => WithPair((near, token) => near.Receive(new byte[1], token)),
        ["GreenSocket.Receive, flags"] = () => WithPair((near, token) => near.Receive(new byte[1], SocketFlags.Peek, token)),
        ["GreenSocket.Send"] = () => WithPair((near, token) => near.Send(new byte[64 << 20], token)),
        ["GreenSocket.Send, flags"] = () => WithPair((near, token) => near.Send(new byte[64 << 20], SocketFlags.None, token)),
        ["GreenSocket.WaitUntilReadable"] = () => WithPair((near, token) => near.WaitUntilReadable(token)),
        ["GreenSocket.WaitUntilReadable, time"] = () => WithPair((near, token) => near.WaitUntilReadable(s_long, token)),
        ["GreenSocket.ReceiveFrom"] = () => token =>
        {
            using GreenSocket socket = Datagrams();
            socket.ReceiveFrom(new byte[1], out _, SocketFlags.None, token);
        },
        ["GreenStream.Read"] = () => WithPair((near, token) => near.GetStream().Read(new byte[1], token)),
        ["GreenStream.Write"] = () => WithPair((near, token) => near.GetStream().Write(new byte[64 << 20], token)),
        ["GreenSsl.AuthenticateAsClient"] = () => WithPair((near, token) => GreenSsl.AuthenticateAsClient(near.GetStream(), new SslClientAuthenticationOptions { TargetHost = "localhost" }, token)),
        ["GreenProcess.Run"] = () => token => GreenProcess.Run(s_sleep[0], s_sleep[1..], token),
        ["GreenProcess.Run, start"] = () => token => GreenProcess.Run(new ProcessStartInfo(s_sleep[0], s_sleep[1..]), token),
        ["GreenProcess.Run, time"] = () => token => GreenProcess.Run(new ProcessStartInfo(s_sleep[0], s_sleep[1..]), null, s_long, token),
        ["GreenFile.Open"] = () => WithPipe((path, token) => GreenFile.Open(path, token)),
        ["GreenFile.ReadAllText"] = () => WithPipe((path, token) => GreenFile.ReadAllText(path, token)),
    };

    // The same where nothing need be waited for.
    private static readonly Dictionary<string, Action<CancellationToken>> s_ready = new()
    {
        ["GreenEvent.Wait"] = token => new GreenEvent(isSet: true).Wait(token),
        ["GreenEvent.Wait, time"] = token => new GreenEvent(isSet: true).Wait(s_long, token),
        ["GreenCountdown.Wait"] = token => new GreenCountdown(0).Wait(token),
        ["GreenSemaphore.Wait"] = token => new GreenSemaphore(1).Wait(token),
        ["GreenSemaphore.Wait, no time"] = token => new GreenSemaphore(1).Wait(TimeSpan.Zero, token),
        ["GreenLock.Enter"] = token => new GreenLock().Enter(token),
        ["GreenLock.TryEnter"] = token => new GreenLock().TryEnter(s_long, token),
        ["GreenLock.EnterScope"] = token => new GreenLock().EnterScope(token).Dispose(),
        ["GreenBarrier.SignalAndWait"] = token => new GreenBarrier(1).SignalAndWait(token),
        ["GreenQueue.Get"] = token => FullQueue().Get(token),
        ["GreenQueue.TryGet"] = token => FullQueue().TryGet(s_long, token, out _),
        ["GreenQueue.Put"] = token => new GreenQueue<int>().Put(1, token),
        ["GreenQueue.TryPut"] = token => new GreenQueue<int>().TryPut(1, s_long, token),
        ["GreenQueue.Peek"] = token => FullQueue().Peek(token),
        ["GreenQueue.TryPeek"] = token => FullQueue().TryPeek(s_long, token, out _),
        ["GreenQueue.Join"] = token => new GreenQueue<int>().Join(token),
        ["GreenChannel.Send"] = token =>
        {
            GreenChannel<int> channel = new();
            Hub.Spawn(() => channel.TryReceive(s_long, out _));
            Hub.Yield();
            channel.Send(1, token);
        },
        ["GreenChannel.Receive"] = token =>
        {
            GreenChannel<int> channel = new();
            Hub.Spawn(() => channel.TrySend(1, s_long));
            Hub.Yield();
            channel.Receive(token);
        },
        ["GreenSelect.Run"] = token => new GreenSelect().Receive(FullQueue(), _ => { }).Run(token),
        ["GreenCompletionSource.Wait"] = token => Completed().Wait(token),
        ["GreenCompletionSource.Get"] = token => Completed().Get(token),
        ["GreenTask.Join"] = token => Ended().Join(token),
        ["GreenTask.Join, time"] = token => Ended().Join(s_long, token),
        ["GreenPool.Join"] = token => new GreenPool(1).Join(token),
        ["GreenPool.Spawn"] = token => new GreenPool(1).Spawn(() => { }, token),
        ["Hub.Sleep"] = token => Hub.Sleep(TimeSpan.Zero, token),
        ["Hub.Await"] = token => Hub.Await(Task.CompletedTask, token),
        ["Hub.Await, result"] = token => Hub.Await(Task.FromResult(1), token),
        ["Hub.Await, value task"] = token => Hub.Await(default(ValueTask), token),
        ["Hub.Await, time"] = token => Hub.Await(Task.CompletedTask, s_long, token),
        ["Hub.Wait"] = token => Hub.Wait([new GreenEvent(isSet: true)], cancellationToken: token),
        ["Hub.WaitAll"] = token => Hub.WaitAll([new GreenEvent(isSet: true)], token),
        ["Hub.WaitAny"] = token => Hub.WaitAny([new GreenEvent(isSet: true)], token),
        ["Hub.Await, operation"] = token => Hub.Await(_ => Task.CompletedTask, token),
        ["Hub.Await, operation with a result"] = token => Hub.Await(_ => Task.FromResult(1), token),
        ["Hub.Await, operation of a value task"] = token => Hub.Await(_ => default(ValueTask), token),
        ["Hub.Await, operation of a value task with a result"] = token => Hub.Await(_ => new ValueTask<int>(1), token),
        ["Hub.Await, operation whose result must not be lost"] = token => Hub.Await(_ => Task.FromResult(1), _ => { }, token),
        ["Hub.Await, operation, time"] = token => Hub.Await(_ => Task.CompletedTask, s_long, token),
        ["Hub.WaitEach"] = token => Hub.WaitEach([], token).Count(),
        ["Hub.Enumerate"] = token => Hub.Enumerate(EmptyAfterAsync(TimeSpan.Zero), token).Count(),
        ["Hub.Offload"] = token => Hub.Offload(() => { }, token),
        ["Hub.OffloadLongRunning"] = token => Hub.OffloadLongRunning(() => { }, token),
        ["GreenNursery.Run"] = token => GreenNursery.Run(_ => { }, token),
        ["GreenNursery.Run, asynchronous"] = token => GreenNursery.Run(_ => Task.CompletedTask, token),
        ["GreenPool.ForEach"] = token => new GreenPool(1).ForEach([], (int _) => { }, token),
        ["GreenPool.Map"] = token => new GreenPool(1).Map([1], item => item, token),
        ["GreenPool.MapInOrder"] = token => new GreenPool(1).MapInOrder([1], item => item, token).Count(),
        ["GreenPool.MapUnordered"] = token => new GreenPool(1).MapUnordered([1], item => item, token).Count(),
        ["GreenQueue.GetAll"] = token =>
        {
            GreenQueue<int> queue = FullQueue();
            queue.Complete();
            queue.GetAll(token).Count();
        },
        ["GreenChannelBridge.Receive"] = token => FullChannel().Reader.Receive(token),
        ["GreenChannelBridge.TryReceive"] = token => FullChannel().Reader.TryReceive(token, out _),
        ["GreenChannelBridge.Send"] = token => Channel.CreateUnbounded<int>().Writer.Send(1, token),
        ["GreenDns.GetHostAddresses"] = token => GreenDns.GetHostAddresses("localhost", token),
        ["GreenDns.GetHostEntry"] = token => GreenDns.GetHostEntry("localhost", token),
        ["GreenFile"] = token =>
        {
            string path = Path.GetTempFileName();
            try
            {
                GreenFile.WriteAllText(path, "a", token);
                GreenFile.WriteAllBytes(path, [1], token);
                GreenFile.ReadAllBytes(path, token);
                GreenFile.Open(path, FileMode.Open, FileAccess.Read, FileShare.Read, token).Dispose();
            }
            finally
            {
                File.Delete(path);
            }
        },
        ["GreenSocket.Connect"] = token =>
        {
            using GreenSocket listener = Listener();
            using GreenSocket socket = new();
            socket.Connect(listener.LocalEndPoint!, token);
        },
        ["GreenSocket.Connect, host"] = token =>
        {
            using GreenSocket listener = Listener();
            GreenSocket.Connect("127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port, token).Dispose();
        },
        ["GreenSocket.Connect, host and time"] = token =>
        {
            using GreenSocket listener = Listener();
            GreenSocket.Connect("127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port, s_long, token).Dispose();
        },
        ["GreenSocket.Send"] = token => WithPair((near, token) => near.Send([1], token))(token),
        ["GreenSocket.SendTo"] = token =>
        {
            using GreenSocket socket = Datagrams();
            socket.SendTo([1], socket.LocalEndPoint!, SocketFlags.None, token);
        },
        ["GreenStream.Write"] = token => WithPair((near, token) => near.GetStream().Write([1], token))(token),
        ["GreenStream.Flush"] = token => WithPair((near, token) => near.GetStream().Flush(token))(token),
    };

    // What is handed over: a wait for it, how it is granted, and what holds then.
    private static readonly Dictionary<string, Func<Race>> s_races = new()
    {
        ["GreenSemaphore"] = () =>
        {
            GreenSemaphore permits = new(0);
            return new Race(permits.Wait, () => permits.Release(), isOver =>
            {
                Assert.Equal(isOver ? 0 : 1, permits.CurrentCount);
                permits.Wait(TimeSpan.Zero);
            });
        },
        ["GreenQueue.Get"] = () =>
        {
            GreenQueue<int> queue = new();
            return new Race(token => queue.Get(token), () => queue.Put(1), isOver =>
            {
                Assert.Equal(!isOver, queue.TryGet(out _));
                Assert.Equal(0, queue.Count);
            });
        },
        ["GreenQueue.Put"] = () =>
        {
            GreenQueue<int> queue = FullQueue();
            return new Race(token => queue.Put(2, token), () => queue.Get(), isOver =>
            {
                Assert.Equal(isOver ? 1 : 0, queue.Count);
                Assert.Equal(!isOver, queue.TryPut(3));
            });
        },
        ["GreenLock"] = () =>
        {
            GreenLock gate = new();
            gate.Enter();
            return new Race(token => gate.EnterScope(token).Dispose(), gate.Exit, _ => Assert.True(gate.TryEnter()));
        },
        ["GreenChannel.Receive"] = () =>
        {
            GreenChannel<int> channel = new();
            bool isSent = false;
            return new Race(token => channel.Receive(token), () => isSent = channel.TrySend(1), isOver => Assert.Equal(isOver, isSent));
        },
        ["GreenChannel.Send"] = () =>
        {
            GreenChannel<int> channel = new();
            bool isReceived = false;
            return new Race(token => channel.Send(1, token), () => isReceived = channel.TryReceive(TimeSpan.Zero, out _), isOver => Assert.Equal(isOver, isReceived));
        },
        ["GreenSelect, queue"] = () =>
        {
            GreenQueue<int> queue = new();
            return new Race(token => new GreenSelect().Receive(queue, _ => { }).Wait(new GreenEvent()).Run(token), () => queue.Put(1), isOver =>
            {
                Assert.Equal(!isOver, queue.TryGet(out _));
                Assert.Equal(0, queue.Count);
            });
        },
        ["GreenSelect, semaphore"] = () =>
        {
            GreenSemaphore permits = new(0);
            return new Race(token => new GreenSelect().Wait(permits).Wait(new GreenEvent()).Run(token), () => permits.Release(), isOver =>
            {
                Assert.Equal(isOver ? 0 : 1, permits.CurrentCount);
                permits.Wait(TimeSpan.Zero);
            });
        },
        ["GreenSelect, channel"] = () =>
        {
            GreenChannel<int> channel = new();
            bool isReceived = false;
            return new Race(token => new GreenSelect().Send(channel, 1).Receive(new GreenQueue<int>(), _ => { }).Run(token), () => isReceived = channel.TryReceive(TimeSpan.Zero, out _), isOver => Assert.Equal(isOver, isReceived));
        },
        ["GreenBarrier"] = () =>
        {
            GreenBarrier barrier = new(2);
            bool isComplete = false;
            return new Race(barrier.SignalAndWait, () => isComplete = barrier.SignalAndWait(TimeSpan.Zero), isOver =>
            {
                Assert.Equal(isOver, isComplete);
                Assert.Equal(2, barrier.ParticipantsRemaining);
            });
        },
        ["GreenSocket.Receive"] = () =>
        {
            (GreenSocket near, GreenSocket far) = Connections.Pair();
            return new Race(token => near.Receive(new byte[2], token), () => far.Send([1]), isOver =>
            {
                Assert.True(isOver || near.Receive(new byte[2]) == 1); // what was given up brings it to the next
                Assert.False(near.WaitUntilReadable(TimeSpan.Zero));
            });
        },
        ["GreenQueue.GetAll"] = () =>
        {
            GreenQueue<int> queue = new();
            return new Race(token => queue.GetAll(token).First(), () => queue.Put(1), isOver =>
            {
                Assert.Equal(!isOver, queue.TryGet(out _));
                Assert.Equal(0, queue.Count);
            });
        },
        ["GreenChannelBridge.Receive"] = () =>
        {
            Channel<int> channel = Channel.CreateUnbounded<int>();
            return new Race(token => channel.Reader.Receive(token), () => channel.Writer.TryWrite(1), isOver => Assert.Equal(!isOver, channel.Reader.TryRead(out _)));
        },
        ["Hub.Await, operation whose result must not be lost"] = () =>
        {
            TaskCompletionSource<int> operation = new();
            int late = 0;
            return new Race(
                token => Hub.Await(_ => operation.Task, _ => Interlocked.Increment(ref late), token),
                () => operation.SetResult(1),
                isOver =>
                {
                    InHub.Until(() => isOver || Volatile.Read(ref late) == 1);
                    Assert.Equal(isOver ? 0 : 1, Interlocked.Exchange(ref late, 0));
                    operation = new TaskCompletionSource<int>();
                });
        },
        ["GreenPool.Spawn"] = () =>
        {
            GreenPool pool = new(1);
            GreenEvent end = new();
            pool.Spawn(() => end.Wait());
            return new Race(token => pool.Spawn(() => end.Wait(), token), end.Set, isOver =>
            {
                Hub.Yield();
                Assert.Equal(1, pool.FreeCount);
                end.Reset();
                pool.Spawn(() => end.Wait());
            });
        },
    };

    public static TheoryData<string> Races => [.. s_races.Keys];

    // Windows has no file that cannot be opened at once.
    public static TheoryData<string> Waits => [.. s_waits.Keys, .. s_operations.Keys.Where(name => !OperatingSystem.IsWindows() || !name.StartsWith("GreenFile.", StringComparison.Ordinal))];

    public static TheoryData<string> Ready => [.. s_ready.Keys];

    [Theory]
    [MemberData(nameof(Waits))]
    public void A_token_that_is_cancelled_already_throws(string name) => InHub.Run(() =>
    {
        CancellationToken token = new(canceled: true);
        Action<CancellationToken> wait = Wait(name);
        Assert.Equal(token, Assert.Throws<OperationCanceledException>(() => wait(token)).CancellationToken);
    });

    [Theory]
    [MemberData(nameof(Ready))]
    public void A_token_that_is_cancelled_already_throws_where_nothing_need_be_waited_for(string name) => InHub.Run(() =>
    {
        CancellationToken token = new(canceled: true);
        Assert.Equal(token, Assert.Throws<OperationCanceledException>(() => s_ready[name](token)).CancellationToken);
        s_ready[name](CancellationToken.None);
    });

    [Theory]
    [MemberData(nameof(Waits))]
    public void A_token_ends_a_parked_wait_from_the_hub_and_from_another_thread(string name) => InHub.Run(() =>
    {
        foreach (bool isElsewhere in new[] { false, true })
        {
            using CancellationTokenSource source = new();
            Action<CancellationToken> wait = Wait(name);
            GreenTask<OperationCanceledException> waiter = Hub.Spawn(() => Assert.Throws<OperationCanceledException>(() => wait(source.Token)));
            Hub.Sleep(InHub.Tick);
            Assert.False(waiter.IsCompleted);
            if (isElsewhere)
            {
                Hub.Offload(source.Cancel);
            }
            else
            {
                source.Cancel();
            }

            Assert.True(waiter.Join(s_long / 4));
            Assert.Equal(source.Token, waiter.Result.CancellationToken);
        }
    });

    [Theory]
    [MemberData(nameof(Waits))]
    public void Of_a_kill_and_a_token_the_first_is_thrown_and_the_kill_is_not_lost(string name) => InHub.Run(() =>
    {
        foreach (bool isKillFirst in new[] { false, true })
        {
            using CancellationTokenSource source = new();
            Action<CancellationToken> wait = Wait(name);
            List<Type?> thrown = [];
            GreenTask waiter = Hub.Spawn(() =>
            {
                thrown.Add(Record.Exception(() => wait(source.Token))?.GetType());
                thrown.Add(Record.Exception(() => Hub.Sleep(thrown[0] == typeof(GreenletExit) ? InHub.Tick : s_long))?.GetType());
            });
            Hub.Sleep(InHub.Tick);
            if (isKillFirst)
            {
                waiter.Kill(timeout: TimeSpan.Zero);
                source.Cancel();
            }
            else
            {
                source.Cancel();
                waiter.Kill(timeout: TimeSpan.Zero);
            }

            Assert.True(waiter.Join(InHub.Long));
            bool isKillThrown = isKillFirst || (s_operations.ContainsKey(name) && thrown[0] == typeof(GreenletExit));
            Assert.Equal(isKillThrown ? [typeof(GreenletExit), null] : [typeof(OperationCanceledException), typeof(GreenletExit)], thrown);
        }
    });

    [Theory]
    [MemberData(nameof(Races))]
    public void What_is_granted_while_the_token_is_cancelled_is_not_lost(string name) => InHub.Run(() =>
    {
        Race race = s_races[name]();
        int overs = 0;
        Stopwatch watch = Stopwatch.StartNew();
        for (int i = 0; i < Rounds && (i < LeastRounds || watch.Elapsed < s_raceTime); i++)
        {
            using CancellationTokenSource source = new();
            bool isOver = false;
            GreenTask waiter = Hub.Spawn(() => isOver = TryWait(race.Wait, source.Token));
            Hub.Yield();
            Task cancelling = Task.Run(source.Cancel);
            while (i % 2 == 0 && !source.IsCancellationRequested)
            {
                Thread.SpinWait(1); // the token and the grant within the same moment
            }

            race.Grant();
            waiter.Join();
            Hub.Await(cancelling);
            race.Check(isOver);
            overs += isOver ? 1 : 0;
        }

        Assert.InRange(overs, 1, Rounds);
    });

    /// <summary>However the wait ends: by what it waits for, a kill, the token.</summary>
    [Theory]
    [MemberData(nameof(Waits))]
    public void Nothing_is_left_on_a_token_that_lives_long(string name) => InHub.Run(() =>
    {
        using CancellationTokenSource source = new();
        Action<CancellationToken> wait = Wait(name);
        GreenTask waiter = Hub.Spawn(() => wait(source.Token));
        Hub.Sleep(InHub.Tick);
        Assert.True(waiter.Kill(timeout: InHub.Long));
        Assert.False(HasRegistrations(source));
        if (s_ready.TryGetValue(name, out Action<CancellationToken>? ready))
        {
            ready(source.Token);
            Assert.False(HasRegistrations(source));
        }

        using CancellationTokenRegistration registration = source.Token.Register(() => { });
        Assert.True(HasRegistrations(source)); // so it can be seen
    });

    [Fact]
    public void Of_nested_tokens_each_has_its_exception_and_throws_it_once() => InHub.Run(() =>
    {
        foreach (bool isOuter in new[] { false, true })
        {
            using CancellationTokenSource outer = new();
            using CancellationTokenSource inner = new();
            List<CancellationToken> thrown = [];
            bool isWaitedOn = false;
            GreenTask task = Hub.Spawn(() => GreenNursery.Run(
                _ =>
                {
                    try
                    {
                        GreenNursery.Run(_ => Hub.Sleep(s_long), inner.Token);
                    }
                    catch (OperationCanceledException exception)
                    {
                        thrown.Add(exception.CancellationToken);
                    }

                    Hub.Sleep(InHub.Tick); // it is not thrown again
                    isWaitedOn = true;
                },
                outer.Token));
            Hub.Sleep(InHub.Tick);
            (isOuter ? outer : inner).Cancel();
            Assert.True(task.Join(InHub.Long));
            Assert.Equal([isOuter ? outer.Token : inner.Token], thrown);
            Assert.True(isWaitedOn);
        }
    });

    [Fact]
    public void A_cancelled_scope_has_no_children_and_a_cancelled_loop_no_calls_when_it_throws() => InHub.Run(() =>
    {
        foreach (bool isElsewhere in new[] { false, true })
        {
            using CancellationTokenSource source = new();
            int begun = 0;
            int ended = 0;
            GreenPool pool = new(2);
            void Use()
            {
                begun++;
                try
                {
                    Hub.Sleep(s_long);
                }
                finally
                {
                    Hub.Sleep(InHub.Tick);
                    ended++;
                }
            }

            Action[] loops =
            [
                () => GreenNursery.Run(nursery => { nursery.Spawn(Use); nursery.Spawn(Use); }, source.Token),
                () => pool.ForEach([1, 2, 3, 4], _ => Use(), source.Token),
                () => pool.MapInOrder([1, 2, 3, 4], item => { Use(); return item; }, source.Token).Count(),
            ];
            GreenTask<(int Begun, int Ended)>[] tasks = [.. loops.Select(loop => Hub.Spawn(() =>
            {
                Assert.Throws<OperationCanceledException>(loop);
                return (begun, ended);
            }))];
            InHub.Until(() => begun == 4);
            if (isElsewhere)
            {
                Hub.Offload(source.Cancel);
            }
            else
            {
                source.Cancel();
            }

            Hub.WaitAll(tasks);
            Assert.All(tasks, task => Assert.Null(task.Exception));
            Assert.Equal((4, 4), (begun, ended));
            Assert.Equal(2, pool.FreeCount);
        }
    });

    /// <summary>A task that finds all that it waits for never lets the hub look.</summary>
    [Fact]
    public void A_scope_that_never_parks_is_cancelled_by_another_thread() => InHub.Run(() =>
    {
        using CancellationTokenSource source = new();
        GreenSemaphore permits = new(1);
        Task cancelling = Task.Run(source.Cancel);
        Assert.Equal(source.Token, Assert.Throws<OperationCanceledException>(() => GreenNursery.Run(
            _ =>
            {
                while (true)
                {
                    permits.Wait();
                    permits.Release();
                }
            },
            source.Token)).CancellationToken);
        Hub.Await(cancelling);
    });

    [Fact]
    public void A_wait_in_a_scope_with_a_token_is_no_deadlock() => InHub.Run(
        () =>
        {
            int suspicions = 0;
            GreenEvent woken = new();
            Hub.Current.DeadlockSuspected += (_, _) =>
            {
                suspicions++;
                woken.Set();
            };
            using CancellationTokenSource source = new(InHub.Tick * 200);
            Assert.Throws<OperationCanceledException>(() => GreenNursery.Run(_ => new GreenEvent().Wait(), source.Token));
            Assert.Equal(0, suspicions);
            woken.Wait(); // without a token it may be one
            Assert.Equal(1, suspicions);
        },
        new HubOptions { DeadlockPatience = InHub.Tick });

    [Fact]
    public void What_is_offloaded_goes_on_after_the_token_ended_the_wait() => InHub.Run(() =>
    {
        using CancellationTokenSource source = new();
        using ManualResetEventSlim begun = new();
        using ManualResetEventSlim goOn = new();
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        GreenTask waiter = Hub.Spawn(() => Assert.Throws<OperationCanceledException>(() => Hub.Offload(
            () =>
            {
                begun.Set();
                goOn.Wait();
                ended.SetResult();
            },
            source.Token)));
        InHub.Until(() => begun.IsSet);
        source.Cancel();
        Assert.True(waiter.Join(InHub.Long));
        Assert.True(waiter.IsSuccessful);
        Assert.False(ended.Task.IsCompleted);
        goOn.Set();
        Assert.True(Hub.Await(ended.Task, InHub.Long));
    });

    /// <summary>The lock is held again when a wait for a condition ends by its token.</summary>
    [Fact]
    public void A_condition_takes_its_lock_again_before_it_throws() => InHub.Run(() =>
    {
        GreenCondition condition = new();
        using CancellationTokenSource source = new();
        bool isHeld = false;
        GreenTask waiter = Hub.Spawn(() =>
        {
            using GreenLock.Scope held = condition.Gate.EnterScope();
            Assert.Throws<OperationCanceledException>(() => condition.Wait(source.Token));
            isHeld = condition.Gate.IsHeldByCurrentTask;
        });
        Hub.Yield();
        using (condition.Gate.EnterScope())
        {
            source.Cancel();
            Assert.False(waiter.Join(InHub.Tick));
        }

        waiter.Join();
        Assert.True(isHeld);
        Assert.True(condition.Gate.TryEnter());
    });

    [Fact]
    public void A_lock_that_was_not_taken_is_free_after_a_token_that_was_cancelled_before() => InHub.Run(() =>
    {
        GreenLock gate = new();
        Assert.Throws<OperationCanceledException>(() => gate.Enter(new CancellationToken(canceled: true)));
        Assert.False(gate.IsHeldByCurrentTask);
        GreenQueue<int> queue = FullQueue();
        Assert.Throws<OperationCanceledException>(() => queue.Get(new CancellationToken(canceled: true)));
        Assert.Equal(1, queue.Count);
    });

    private static bool TryWait(Action<CancellationToken> wait, CancellationToken token)
    {
        try
        {
            wait(token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static Action<CancellationToken> Wait(string name) => (s_waits.GetValueOrDefault(name) ?? s_operations[name])();

    // There is no other way to see it.
    private static bool HasRegistrations(CancellationTokenSource source)
    {
        const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        object? registrations = typeof(CancellationTokenSource).GetField("_registrations", Any)!.GetValue(source);
        return registrations?.GetType().GetField("Callbacks", Any)!.GetValue(registrations) is not null;
    }

    // What blocks ends when its caller has left.
    private static Action<CancellationToken> Blocking(Action<Action, CancellationToken> offload) => token =>
    {
        ManualResetEventSlim end = new();
        try
        {
            offload(() => end.Wait(s_long, CancellationToken.None), token);
        }
        finally
        {
            end.Set();
        }
    };

    private static int Block(Action block)
    {
        block();
        return 1;
    }

    private static int Sleep(int item)
    {
        Hub.Sleep(s_long);
        return item;
    }

    private static Never Fail(int item)
    {
        Sleep(item);
        throw new FormatException();
    }

    private static async Task<int> SleepAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(s_long, cancellationToken);
        return 1;
    }

    private static async IAsyncEnumerable<int> EmptyAfterAsync(TimeSpan delay, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Delay(delay, cancellationToken);
        yield break;
    }

    private static Channel<int> FullChannel()
    {
        Channel<int> channel = Channel.CreateBounded<int>(1);
        channel.Writer.TryWrite(1);
        return channel;
    }

    private static GreenSocket Listener()
    {
        GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        return listener;
    }

    private static GreenSocket Datagrams()
    {
        GreenSocket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    // A connection whose other side does nothing; made before, so that a kill meets the wait that is tested.
    private static Action<CancellationToken> WithPair(Action<GreenSocket, CancellationToken> wait)
    {
        (GreenSocket near, GreenSocket far) = Connections.Pair();
        return token =>
        {
            using (near)
            using (far)
            {
                wait(near, token);
            }
        };
    }

    // A pipe without a writer: to open it blocks.
    private static Action<CancellationToken> WithPipe(Action<string, CancellationToken> use)
    {
        string path = Path.Combine(Path.GetTempPath(), $"pipe-{Environment.ProcessId}-{Guid.NewGuid():N}");
        Assert.Equal(0, GreenProcess.Run("mkfifo", path).ExitCode);
        return token =>
        {
            try
            {
                use(path, token);
            }
            finally
            {
                new FileStream(path, FileMode.Open, FileAccess.ReadWrite).Dispose(); // so that no thread is kept
                File.Delete(path);
            }
        };
    }

    private static GreenTask Sleeper() => Hub.Spawn(() => Hub.Sleep(s_long));

    // The lock is held before: a kill must not meet the waiter in another wait than the one that is tested.
    private static Action<CancellationToken> OnHeldLock(Action<GreenLock, CancellationToken> wait)
    {
        GreenLock gate = HeldLock();
        return token => wait(gate, token);
    }

    private static GreenLock HeldLock()
    {
        GreenLock gate = new();
        Hub.Spawn(() =>
        {
            gate.Enter();
            Hub.Sleep(s_long);
        });
        Hub.Yield();
        return gate;
    }

    private static GreenCompletionSource<int> Completed()
    {
        GreenCompletionSource<int> source = new();
        source.SetResult(1);
        return source;
    }

    private static GreenTask Ended()
    {
        GreenTask task = Hub.Spawn(() => { });
        task.Join();
        return task;
    }

    private static GreenPool FullPool()
    {
        GreenPool pool = new(1);
        pool.Spawn(() => Hub.Sleep(s_long));
        return pool;
    }

    private static GreenQueue<int> FullQueue()
    {
        GreenQueue<int> queue = new(1);
        queue.Put(1);
        return queue;
    }

    private static void InLock(Action<GreenCondition> wait)
    {
        GreenCondition condition = new();
        using GreenLock.Scope held = condition.Gate.EnterScope();
        wait(condition);
    }

    /// <param name="Wait">Waits, by a token.</param>
    /// <param name="Grant">Ends the wait; must not wait itself.</param>
    /// <param name="Check">What holds afterwards, if the wait was over or was not; prepares the next round.</param>
    private sealed record Race(Action<CancellationToken> Wait, Action Grant, Action<bool> Check);
}
