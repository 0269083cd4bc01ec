using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO.Pipes;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NativeGreenlet.Weaving.Tests;

/// <summary>Each scenario has the same end on a thread and in a hub, and blocks no hub: other tasks of it go on while it waits.</summary>
public class TwinTests
{
    private const int Attempts = 20;
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(30);
    private static readonly int[] s_numbers = [1, 2, 3];

    private static readonly Dictionary<string, Func<object, string>> s_scenarios = new()
    {
        ["Thread.Sleep"] = Timed(() => Thread.Sleep(30)),
        ["Thread.Sleep(TimeSpan)"] = Timed(() => Thread.Sleep(s_short)),
        ["Thread.Sleep, refused"] = Plain(() => Thread.Sleep(-2)),
        ["Thread.Yield"] = Plain(() => Thread.Yield()),
        ["Thread.Join"] = With(stage =>
        {
            ManualResetEventSlim go = stage.Keep(new ManualResetEventSlim());
            Thread thread = new(() => go.WaitHandle.WaitOne());
            thread.Start();
            bool early = thread.Join(5);
            stage.Later(go.Set);
            thread.Join();
            return $"{early} {thread.Join(0)}";
        }),
        ["SpinWait.SpinUntil"] = With(stage =>
        {
            bool isSet = false;
            stage.Later(() => Volatile.Write(ref isSet, true));
            SpinWait.SpinUntil(() => Volatile.Read(ref isSet));
            return $"{SpinWait.SpinUntil(() => false, 5)}";
        }),
        ["SpinWait.SpinOnce"] = With(stage =>
        {
            bool isSet = false;
            SpinWait spin = default;
            stage.Later(() => Volatile.Write(ref isSet, true));
            while (!Volatile.Read(ref isSet))
            {
                spin.SpinOnce();
            }

            return "ok";
        }),

        ["Task.Wait"] = Tasks((task, _) => task.Wait()),
        ["Task.Wait(int)"] = Tasks((task, _) => task.Wait(20_000)),
        ["Task.Wait(token)"] = Tasks((task, _) => task.Wait(CancellationToken.None)),
        ["Task.Wait, too late"] = Timed(() => new TaskCompletionSource().Task.Wait(10)),
        ["Task.Wait, refused"] = Plain(() => new TaskCompletionSource().Task.Wait(-2)),
        ["Task.Wait, cancelled"] = With(stage =>
        {
            CancellationTokenSource source = stage.Keep(new CancellationTokenSource());
            stage.Later(source.Cancel);
            return Thrown(() => new TaskCompletionSource().Task.Wait(source.Token), source.Token);
        }),
        ["Task.Wait, failed"] = Failing((task, _) => task.Wait()),
        ["Task.Result"] = Tasks((_, task) => task.Result),
        ["Task.Result, failed"] = Failing((_, task) => task.Result.ToString()),
        ["Task.WaitAll"] = Tasks((task, other) => Task.WaitAll(task, other)),
        ["Task.WaitAll(array)"] = Tasks((task, other) => Task.WaitAll([task, other], 20_000)),
        ["Task.WaitAll, too late"] = Timed(() => Task.WaitAll([Task.CompletedTask, new TaskCompletionSource().Task], 10)),
        ["Task.WaitAny"] = Tasks((task, _) => Task.WaitAny(new TaskCompletionSource().Task, task)),
        ["Task.WaitAny, too late"] = Timed(() => Task.WaitAny([new TaskCompletionSource().Task], s_short)),
        ["Task.WaitAny, refused"] = Plain(() => Task.WaitAny(null!)),
        ["TaskAwaiter"] = Tasks((task, _) => task.GetAwaiter().GetResult()),
        ["TaskAwaiter, failed"] = Failing((task, _) => task.GetAwaiter().GetResult()),
        ["TaskAwaiter<T>"] = Tasks((_, task) => task.GetAwaiter().GetResult()),
        ["ConfiguredTaskAwaiter"] = Tasks((task, _) => task.ConfigureAwait(false).GetAwaiter().GetResult()),
        ["ConfiguredTaskAwaiter<T>"] = Tasks((_, task) => task.ConfigureAwait(false).GetAwaiter().GetResult()),
        ["ValueTaskAwaiter"] = Tasks((task, _) => new ValueTask(task).GetAwaiter().GetResult()),
        ["ValueTaskAwaiter<T>"] = Tasks((_, task) => new ValueTask<int>(task).GetAwaiter().GetResult()),
        ["ConfiguredValueTaskAwaiter"] = Tasks((task, _) => new ValueTask(task).ConfigureAwait(false).GetAwaiter().GetResult()),
        ["ConfiguredValueTaskAwaiter<T>"] = Tasks((_, task) => new ValueTask<int>(task).ConfigureAwait(false).GetAwaiter().GetResult()),
        ["Parallel.For"] = With(stage =>
        {
            ManualResetEventSlim go = stage.Keep(new ManualResetEventSlim());
            int count = 0;
            stage.Later(go.Set);
            Parallel.For(0, 2, _ =>
            {
                go.Wait();
                Interlocked.Increment(ref count);
            });
            return $"{count}";
        }),

        ["SemaphoreSlim"] = With(stage =>
        {
            SemaphoreSlim semaphore = stage.Keep(new SemaphoreSlim(0));
            bool early = semaphore.Wait(5);
            stage.Later(() => semaphore.Release(3));
            semaphore.Wait();
            return $"{early} {semaphore.Wait(s_short)} {semaphore.CurrentCount}";
        }),
        ["SemaphoreSlim, cancelled"] = With(stage =>
        {
            SemaphoreSlim semaphore = stage.Keep(new SemaphoreSlim(0));
            CancellationTokenSource source = stage.Keep(new CancellationTokenSource());
            stage.Later(source.Cancel);
            return Thrown(() => semaphore.Wait(source.Token), source.Token);
        }),
        ["ManualResetEventSlim"] = With(stage =>
        {
            ManualResetEventSlim signal = stage.Keep(new ManualResetEventSlim());
            bool early = signal.Wait(5);
            stage.Later(signal.Set);
            signal.Wait();
            return $"{early} {signal.Wait(5)}";
        }),
        ["ManualResetEventSlim, cancelled"] = With(stage =>
        {
            ManualResetEventSlim signal = stage.Keep(new ManualResetEventSlim());
            CancellationTokenSource source = stage.Keep(new CancellationTokenSource());
            stage.Later(source.Cancel);
            return Thrown(() => signal.Wait(source.Token), source.Token);
        }),
        ["CountdownEvent"] = With(stage =>
        {
            CountdownEvent countdown = stage.Keep(new CountdownEvent(2));
            bool early = countdown.Wait(5);
            stage.Later(() => countdown.Signal(2));
            countdown.Wait();
            return $"{early} {countdown.CurrentCount}";
        }),
        ["Barrier"] = With(stage =>
        {
            Barrier barrier = stage.Keep(new Barrier(2));
            stage.Later(() => barrier.SignalAndWait());
            barrier.SignalAndWait();
            return $"{barrier.CurrentPhaseNumber} {barrier.SignalAndWait(5)}";
        }),
        ["AutoResetEvent"] = With(stage =>
        {
            AutoResetEvent signal = stage.Keep(new AutoResetEvent(false));
            bool early = signal.WaitOne(5);
            stage.Later(() => signal.Set());
            signal.WaitOne();
            return $"{early} {signal.WaitOne(0)}";
        }),
        ["WaitHandle.WaitAny"] = With(stage =>
        {
            ManualResetEvent first = stage.Keep(new ManualResetEvent(false));
            AutoResetEvent second = stage.Keep(new AutoResetEvent(false));
            int early = WaitHandle.WaitAny([first, second], 5);
            stage.Later(() => second.Set());
            return $"{early} {WaitHandle.WaitAny([first, second])} {second.WaitOne(0)}";
        }),
        ["WaitHandle.WaitAll"] = With(stage =>
        {
            ManualResetEvent first = stage.Keep(new ManualResetEvent(true));
            AutoResetEvent second = stage.Keep(new AutoResetEvent(false));
            bool early = WaitHandle.WaitAll([first, second], s_short);
            stage.Later(() => second.Set());
            return $"{early} {WaitHandle.WaitAll([first, second])} {second.WaitOne(0)}";
        }),
        ["Mutex"] = With(stage =>
        {
            Mutex mutex = stage.Keep(new Mutex());
            ManualResetEventSlim isTaken = stage.Keep(new ManualResetEventSlim());
            ManualResetEventSlim go = stage.Keep(new ManualResetEventSlim());
            Thread owner = new(() =>
            {
                mutex.WaitOne();
                isTaken.Set();
                go.Wait();
                mutex.ReleaseMutex();
            });
            owner.Start();
            isTaken.Wait();
            bool early = mutex.WaitOne(1);
            stage.Later(go.Set);
            mutex.WaitOne();
            mutex.ReleaseMutex();
            owner.Join();
            return $"{early} {Thrown(mutex.ReleaseMutex)}";
        }),

        ["lock"] = With(stage =>
        {
            object gate = new();
            ManualResetEventSlim isTaken = stage.Keep(new ManualResetEventSlim());
            ManualResetEventSlim go = stage.Keep(new ManualResetEventSlim());
            Thread owner = new(() =>
            {
                lock (gate)
                {
                    isTaken.Set();
                    go.Wait();
                }
            });
            owner.Start();
            isTaken.Wait();
            bool early = Monitor.TryEnter(gate, 5);
            stage.Later(go.Set);
            lock (gate)
            {
                lock (gate)
                {
                    return $"{early} {Monitor.IsEntered(gate)}";
                }
            }
        }),
        ["Lock"] = With(stage =>
        {
            Lock gate = new();
            ManualResetEventSlim isTaken = stage.Keep(new ManualResetEventSlim());
            ManualResetEventSlim go = stage.Keep(new ManualResetEventSlim());
            Thread owner = new(() =>
            {
                lock (gate)
                {
                    isTaken.Set();
                    go.Wait();
                }
            });
            owner.Start();
            isTaken.Wait();
            bool early = gate.TryEnter(5);
            stage.Later(go.Set);
            string inside;
            lock (gate)
            {
                lock (gate)
                {
                    inside = $"{gate.IsHeldByCurrentThread}";
                }
            }

            return $"{early} {inside} {gate.IsHeldByCurrentThread}";
        }),
        ["Monitor.Wait"] = With(stage =>
        {
            object gate = new();
            bool isSet = false;
            bool early;
            lock (gate)
            {
                early = Monitor.Wait(gate, 5);
                stage.Later(() =>
                {
                    lock (gate)
                    {
                        isSet = true;
                        Monitor.PulseAll(gate);
                    }
                });
                while (!isSet)
                {
                    Monitor.Wait(gate);
                }

                return $"{early} {Monitor.IsEntered(gate)}";
            }
        }),
        ["Monitor, not held"] = Plain(() => Monitor.Exit(new object())),
        ["Monitor.Wait, not held"] = Plain(() => Monitor.Wait(new object())),
        ["Monitor.Pulse, not held"] = Plain(() => Monitor.Pulse(new object())),
        ["Monitor.Enter(null)"] = Plain(() => Monitor.Enter(null!)),
        ["Lazy"] = With(stage =>
        {
            TaskCompletionSource<int> source = new();
            Lazy<int> lazy = new(() => source.Task.Result);
            stage.Later(() => source.SetResult(7));
            return $"{lazy.Value} {lazy.Value}";
        }),
        ["Lazy, of itself"] = With(_ =>
        {
            Lazy<int>? lazy = null;
            lazy = new(() => lazy!.Value);
            return $"{lazy.Value}";
        }),
        ["BlockingCollection"] = With(stage =>
        {
            BlockingCollection<int> items = stage.Keep(new BlockingCollection<int>(1));
            bool early = items.TryTake(out int none, 5);
            stage.Later(() => items.Add(3));
            int taken = items.Take();
            items.Add(4);
            bool full = items.TryAdd(5, 5);
            stage.Later(() => items.Take());
            items.Add(6);
            items.CompleteAdding();
            return $"{early} {none} {taken} {full} {string.Join(' ', items.GetConsumingEnumerable())} {Thrown(() => items.Take())} {Thrown(() => items.Add(1))}";
        }),

        ["ReaderWriterLockSlim"] = With(stage =>
        {
            ReaderWriterLockSlim gate = stage.Keep(new ReaderWriterLockSlim());
            ManualResetEventSlim go = ReadElsewhere(stage, gate);
            gate.EnterReadLock();
            string states = $"{gate.IsReadLockHeld} {gate.IsWriteLockHeld} {gate.CurrentReadCount} {gate.RecursiveReadCount}";
            string refused = $"{Thrown(gate.EnterReadLock)} {Thrown(gate.EnterWriteLock)} {Thrown(gate.EnterUpgradeableReadLock)}";
            gate.ExitReadLock();
            bool early = gate.TryEnterWriteLock(5);
            stage.Later(go.Set);
            gate.EnterWriteLock();
            refused += $" {Thrown(gate.EnterReadLock)} {Thrown(gate.EnterWriteLock)} {Thrown(gate.EnterUpgradeableReadLock)}";
            states += $" {gate.IsWriteLockHeld} {gate.RecursiveWriteCount}";
            gate.ExitWriteLock();
            return $"{early} {states} {refused} {Thrown(gate.ExitReadLock)} {Thrown(gate.ExitWriteLock)} {Thrown(gate.ExitUpgradeableReadLock)}";
        }),
        ["ReaderWriterLockSlim, upgraded"] = With(stage =>
        {
            ReaderWriterLockSlim gate = stage.Keep(new ReaderWriterLockSlim());
            ManualResetEventSlim go = ReadElsewhere(stage, gate);
            gate.EnterUpgradeableReadLock();
            bool early = gate.TryEnterWriteLock(5);
            stage.Later(go.Set);
            string refused = Thrown(gate.EnterUpgradeableReadLock);
            gate.EnterWriteLock();
            string states = $"{gate.IsUpgradeableReadLockHeld} {gate.IsWriteLockHeld} {gate.IsReadLockHeld} {gate.WaitingWriteCount}";
            gate.ExitWriteLock();
            gate.EnterReadLock();
            refused += $" {Thrown(gate.EnterWriteLock)}";
            gate.ExitUpgradeableReadLock();
            states += $" {gate.IsUpgradeableReadLockHeld} {gate.IsReadLockHeld}";
            gate.ExitReadLock();
            return $"{early} {states} {refused} {gate.CurrentReadCount}";
        }),
        ["ReaderWriterLockSlim, recursive"] = With(stage =>
        {
            ReaderWriterLockSlim gate = stage.Keep(new ReaderWriterLockSlim(LockRecursionPolicy.SupportsRecursion));
            ManualResetEventSlim go = ReadElsewhere(stage, gate);
            gate.EnterUpgradeableReadLock();
            gate.EnterReadLock();
            gate.EnterReadLock();
            bool early = gate.TryEnterWriteLock(TimeSpan.FromMilliseconds(5));
            stage.Later(go.Set);
            gate.EnterWriteLock();
            gate.EnterWriteLock();
            gate.EnterUpgradeableReadLock();
            string states = $"{gate.RecursiveReadCount} {gate.RecursiveUpgradeCount} {gate.RecursiveWriteCount}";
            gate.ExitWriteLock();
            gate.ExitWriteLock();
            gate.ExitUpgradeableReadLock();
            gate.ExitUpgradeableReadLock();
            string refused = $"{Thrown(gate.EnterWriteLock)} {Thrown(gate.EnterUpgradeableReadLock)}";
            gate.ExitReadLock();
            gate.ExitReadLock();
            return $"{early} {states} {refused} {Thrown(gate.ExitReadLock)} {gate.TryEnterWriteLock(0)} {Thrown(gate.ExitWriteLock)}";
        }),
        ["ReaderWriterLockSlim, refused"] = With(_ =>
        {
            ReaderWriterLockSlim gate = new();
            string refused = Thrown(() => gate.TryEnterReadLock(-2));
            gate.Dispose();
            return $"{refused} {ThrownTypes(gate.EnterReadLock)} {ThrownTypes(() => gate.TryEnterWriteLock(0))}";
        }),
        ["WaitHandle.SignalAndWait"] = With(stage =>
        {
            AutoResetEvent first = stage.Keep(new AutoResetEvent(false));
            AutoResetEvent second = stage.Keep(new AutoResetEvent(false));
            Semaphore full = stage.Keep(new Semaphore(1, 1));
            Mutex mutex = stage.Keep(new Mutex(initiallyOwned: true));
            bool early = WaitHandle.SignalAndWait(first, second, 5, false);
            bool wasSignalled = first.WaitOne(0);
            stage.Later(() =>
            {
                first.WaitOne();
                second.Set();
            });
            bool isSignalled = WaitHandle.SignalAndWait(first, second);
            bool isGivenBack = WaitHandle.SignalAndWait(mutex, full, s_short, false);
            return $"{early} {wasSignalled} {isSignalled} {isGivenBack} {Thrown(mutex.ReleaseMutex)} {full.Release()} {ThrownTypes(() => WaitHandle.SignalAndWait(full, first))}";
        }),
        ["BlockingCollection, any"] = With(stage =>
        {
            BlockingCollection<int>[] all = [stage.Keep(new BlockingCollection<int>(1)), stage.Keep(new BlockingCollection<int>(1))];
            int early = BlockingCollection<int>.TryTakeFromAny(all, out int none, 5);
            stage.Later(() => all[1].Add(3));
            int from = BlockingCollection<int>.TakeFromAny(all, out int taken);
            all[0].Add(4);
            all[1].Add(5);
            int full = BlockingCollection<int>.TryAddToAny(all, 6, TimeSpan.FromMilliseconds(5));
            stage.Later(() => all[1].Take());
            int to = BlockingCollection<int>.AddToAny(all, 7);
            all[0].CompleteAdding();
            all[1].CompleteAdding();
            int last = BlockingCollection<int>.TryTakeFromAny(all, out int four) + BlockingCollection<int>.TryTakeFromAny(all, out int seven, s_short);
            string ended = $"{Thrown(() => BlockingCollection<int>.TakeFromAny(all, out _))} {Thrown(() => BlockingCollection<int>.AddToAny(all, 8))}";
            return $"{early} {none} {from} {taken} {full} {to} {last} {four} {seven} {BlockingCollection<int>.TryTakeFromAny(all, out _, 5)} {ended}";
        }),
        ["Parallel, local state"] = With(stage =>
        {
            ManualResetEventSlim go = stage.Keep(new ManualResetEventSlim());
            int sum = 0;
            stage.Later(go.Set);
            Parallel.For(
                0,
                10,
                () => 0,
                (i, _, local) =>
                {
                    go.Wait();
                    return local + i;
                },
                local => Interlocked.Add(ref sum, local));
            Parallel.For(0L, 10L, new ParallelOptions { MaxDegreeOfParallelism = 2 }, () => 0, (i, _, local) => local + (int)i, local => Interlocked.Add(ref sum, local));
            Parallel.ForEach(s_numbers, () => 0, (i, _, local) => local + i, local => Interlocked.Add(ref sum, local));
            Parallel.ForEach(s_numbers, () => 0L, (i, _, index, local) => local + i + index, local => Interlocked.Add(ref sum, (int)local));
            Parallel.ForEach(Partitioner.Create(0, 10), range => Interlocked.Add(ref sum, range.Item2 - range.Item1));
            Parallel.ForEach(Partitioner.Create(s_numbers, loadBalance: true), (i, _, index) => Interlocked.Add(ref sum, i + (int)index));
            Parallel.ForEach(Partitioner.Create(s_numbers, loadBalance: true), () => 0, (i, _, index, local) => local + i + (int)index, local => Interlocked.Add(ref sum, local));
            return $"{sum} {ThrownTypes(() => Parallel.ForEach(s_numbers, () => 0, (_, _, _) => throw new FormatException(), _ => { }))}";
        }),
        ["ParallelEnumerable.ForAll"] = With(stage =>
        {
            ManualResetEventSlim go = stage.Keep(new ManualResetEventSlim());
            int sum = 0;
            stage.Later(go.Set);
            Enumerable.Range(1, 4).AsParallel().ForAll(i =>
            {
                go.Wait();
                Interlocked.Add(ref sum, i);
            });
            return $"{sum}";
        }),

        ["Socket.Receive"] = Sockets((stage, one, other) =>
        {
            byte[] buffer = new byte[10];
            stage.Later(() => other.Send("abc"u8));
            int count = one.Receive(buffer);
            stage.Later(() => other.Send("defg"u8));
            Span<byte> span = stackalloc byte[2];
            int second = one.Receive(span);
            one.ReceiveTimeout = 10;
            int third = one.Receive(buffer, 3, 7, SocketFlags.None, out SocketError code);
            int fourth = one.Receive(buffer, 0, 10, SocketFlags.None, out SocketError late);
            string timedOut = Thrown(() => one.Receive(buffer));
            one.ReceiveTimeout = 0;
            other.Shutdown(SocketShutdown.Send);
            return $"{count} {second} {Encoding.ASCII.GetString(buffer, 0, 5)} {third} {code} {fourth} {late} {timedOut} {one.Receive(buffer)}";
        }),
        ["Socket.Send"] = Sockets((stage, one, other) =>
        {
            byte[] large = new byte[20_000_000];
            int received = 0;
            stage.Later(() =>
            {
                byte[] buffer = new byte[1_000_000];
                while (received < large.Length)
                {
                    received += other.Receive(buffer);
                }

                other.Send([1]);
            });
            int sent = one.Send(large);
            one.Receive(new byte[1]);
            return $"{sent} {received}";
        }),
        ["Socket.Poll"] = Sockets((stage, one, other) =>
        {
            bool early = one.Poll(1000, SelectMode.SelectRead);
            stage.Later(() => other.Send([1]));
            List<Socket> read = [one];
            Socket.Select(read, null, null, -1);
            return $"{early} {one.Poll(-1, SelectMode.SelectRead)} {read.Count} {one.Poll(-1, SelectMode.SelectWrite)}";
        }),
        ["NetworkStream"] = Sockets((stage, one, other) =>
        {
            NetworkStream stream = stage.Keep(new NetworkStream(one));
            NetworkStream far = stage.Keep(new NetworkStream(other));
            stage.Later(() => far.Write("abcdef"u8));
            byte[] buffer = new byte[10];
            int first = stream.ReadByte();
            Span<byte> span = stackalloc byte[5];
            stream.ReadExactly(span);
            stream.ReadTimeout = 10;
            return $"{first} {Encoding.ASCII.GetString(span)} {ThrownTypes(() => stream.Read(buffer, 0, 10))} {Thrown(() => stream.Read(buffer, 8, 5))}";
        }),
        ["Stream.CopyTo"] = Sockets((stage, one, other) =>
        {
            NetworkStream stream = stage.Keep(new NetworkStream(one));
            MemoryStream copy = stage.Keep(new MemoryStream());
            stage.Later(() =>
            {
                other.Send("abc"u8);
                other.Shutdown(SocketShutdown.Send);
            });
            stream.CopyTo(copy);
            return Encoding.ASCII.GetString(copy.ToArray());
        }),
        ["StreamReader"] = Sockets((stage, one, other) =>
        {
            StreamReader reader = stage.Keep(new StreamReader(new NetworkStream(one)));
            stage.Later(() =>
            {
                other.Send("one\ntwo\nthree"u8);
                other.Shutdown(SocketShutdown.Send);
            });
            return $"{reader.ReadLine()},{reader.ReadToEnd()},{reader.ReadLine()}";
        }),
        ["TcpClient, TcpListener"] = With(stage =>
        {
            TcpListener listener = stage.Keep(new TcpListener(IPAddress.Loopback, 0));
            listener.Start();
            IPEndPoint place = (IPEndPoint)listener.LocalEndpoint;
            stage.Later(() =>
            {
                using TcpClient client = new("127.0.0.1", place.Port);
                client.GetStream().WriteByte(5);
            });
            TcpClient accepted = stage.Keep(listener.AcceptTcpClient());
            TcpClient own = stage.Keep(new TcpClient("127.0.0.1", place.Port));
            return $"{accepted.GetStream().ReadByte()} {own.Connected} {Thrown(() => new TcpClient("127.0.0.1", 70_000))}";
        }),
        ["Socket.Connect, refused"] = With(stage =>
        {
            Socket socket = stage.Keep(new Socket(SocketType.Stream, ProtocolType.Tcp));
            TcpListener free = stage.Keep(new TcpListener(IPAddress.Loopback, 0));
            free.Start();
            int port = ((IPEndPoint)free.LocalEndpoint).Port;
            free.Stop();
            return ThrownTypes(() => socket.Connect(IPAddress.Loopback, port));
        }),
        ["UdpClient"] = With(stage =>
        {
            UdpClient receiver = stage.Keep(new UdpClient(new IPEndPoint(IPAddress.Loopback, 0)));
            IPEndPoint place = (IPEndPoint)receiver.Client.LocalEndPoint!;
            UdpClient sender = stage.Keep(new UdpClient());
            stage.Later(() => sender.Send([1, 2, 3], place));
            IPEndPoint? from = null;
            byte[] data = receiver.Receive(ref from);
            return $"{data.Length} {from!.Address}";
        }),
        ["Socket.ReceiveFrom"] = With(stage =>
        {
            Socket socket = stage.Keep(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            UdpClient sender = stage.Keep(new UdpClient());
            stage.Later(() => sender.Send([1, 2, 3, 4], (IPEndPoint)socket.LocalEndPoint!));
            EndPoint from = new IPEndPoint(IPAddress.Any, 0);
            int count = socket.ReceiveFrom(new byte[10], ref from);
            return $"{count} {((IPEndPoint)from).Address}";
        }),
        ["Dns"] = Plain(() => Dns.GetHostAddresses("localhost")),
        ["HttpClient.Send"] = With(stage =>
        {
            TcpListener listener = stage.Keep(new TcpListener(IPAddress.Loopback, 0));
            listener.Start();
            stage.Later(() =>
            {
                using Socket socket = listener.AcceptSocket();
                socket.Receive(new byte[4000]);
                socket.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"u8);
            });
            HttpClient client = stage.Keep(new HttpClient());
            HttpRequestMessage request = stage.Keep(new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/"));
            HttpResponseMessage response = stage.Keep(client.Send(request));
            StreamReader reader = stage.Keep(new StreamReader(response.Content.ReadAsStream()));
            return $"{response.StatusCode} {reader.ReadToEnd()}";
        }),
        ["WebClient"] = With(stage =>
        {
            TcpListener listener = stage.Keep(new TcpListener(IPAddress.Loopback, 0));
            listener.Start();
            string address = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/";
            WebClient client = stage.Keep(new WebClient());
            string file = Path.GetTempFileName();
            List<string> results = [];
            Answer(() => client.DownloadString(address));
            Answer(() => Encoding.ASCII.GetString(client.DownloadData(new Uri(address))));
            Answer(() =>
            {
                client.DownloadFile(address, file);
                return File.ReadAllText(file);
            });
            Answer(() => client.UploadString(address, "PUT", "question"));
            Answer(() => Encoding.ASCII.GetString(client.UploadData(address, [1, 2])));
            Answer(() => Encoding.ASCII.GetString(client.UploadValues(address, new() { ["a"] = "b" })));
            Answer(() => new StreamReader(client.OpenRead(address)).ReadToEnd());
            stage.Later(() => Reply(listener, "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"));
            results.Add(ThrownTypes(() => client.DownloadString(address)));
            results.Add(ThrownTypes(() => client.DownloadString((string)null!)));
            File.Delete(file);
            return string.Join(' ', results);

            void Answer(Func<string> ask)
            {
                stage.Later(() => Reply(listener, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\nanswer"));
                results.Add(ask());
            }
        }),
        ["HttpWebRequest"] = With(stage =>
        {
            TcpListener listener = stage.Keep(new TcpListener(IPAddress.Loopback, 0));
            listener.Start();
            string address = $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/";
            stage.Later(() => Reply(listener, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\nanswer"));
            HttpWebRequest request = (HttpWebRequest)WebRequest.Create(new Uri(address));
            request.Method = "POST";
            using (Stream body = request.GetRequestStream())
            {
                body.Write("question"u8);
            }

            using WebResponse response = request.GetResponse();
            string answer = new StreamReader(response.GetResponseStream()).ReadToEnd();
            HttpWebRequest late = (HttpWebRequest)WebRequest.Create(new Uri(address)); // which nobody answers
            late.Timeout = 100;
            string status = string.Empty;
            try
            {
                late.GetResponse();
            }
            catch (WebException exception)
            {
                status = $"{exception.Status} {exception.Message}";
            }

            return $"{answer} {status}";
        }),
        ["NamedPipe"] = With(stage =>
        {
            string name = $"ng{Guid.NewGuid():n}";
            NamedPipeServerStream server = stage.Keep(new NamedPipeServerStream(name));
            stage.Later(() =>
            {
                using NamedPipeClientStream client = new(name);
                client.Connect();
                client.WriteByte(9);
            });
            server.WaitForConnection();
            return $"{server.ReadByte()}";
        }),
        ["Process"] = With(stage =>
        {
            Process process = stage.Keep(Process.Start(new ProcessStartInfo("cat") { RedirectStandardInput = true, RedirectStandardOutput = true })!);
            bool early = process.WaitForExit(5);
            stage.Later(() =>
            {
                process.StandardInput.Write("hello");
                process.StandardInput.Close();
            });
            string text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return $"{early} {text} {process.ExitCode}";
        }),
        ["File"] = With(_ =>
        {
            string file = Path.GetTempFileName();
            File.WriteAllText(file, "text");
            File.AppendAllText(file, "more");
            string text = File.ReadAllText(file);
            using (FileStream stream = new(file, FileMode.Open))
            {
                text += $" {stream.ReadByte()} {stream.Read(new byte[20], 0, 20)}";
            }

            File.AppendAllText(file, " span".AsSpan());
            File.AppendAllLines(file, ["one", "two"]);
            using (StreamReader reader = File.OpenText(file))
            {
                text += $" {reader.ReadToEnd()}";
            }

            using (FileStream stream = File.Create(file))
            {
                stream.WriteByte(65);
            }

            using (FileStream stream = File.Open(file, FileMode.Append, FileAccess.Write))
            {
                stream.WriteByte(66);
            }

            File.WriteAllBytes(file + "2", [67]);
            File.Replace(file + "2", file, file + "3");
            text += $" {File.ReadAllText(file)} {File.ReadAllText(file + "3")}";
            File.Delete(file + "3");
            File.Delete(file);
            return $"{text} {ThrownTypes(() => File.ReadAllText(file))} {ThrownTypes(() => File.OpenRead(file))} {ThrownTypes(() => File.AppendAllLines(file, null!))}";
        }),
    };

    public static TheoryData<string> Names => [.. s_scenarios.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_woven_call_does_the_same_in_a_hub_and_blocks_none(string name)
    {
        string onThread = Stage.OnThread(stage => s_scenarios[name](stage));
        string inHub = Stage.InHub(stage => s_scenarios[name](stage));

        Assert.Equal(onThread, inHub);
        Assert.DoesNotContain("hub", onThread, StringComparison.OrdinalIgnoreCase);
    }

    private static Func<object, string> With(Func<Stage, string> scenario) => stage => scenario((Stage)stage);

    private static Func<object, string> Plain(Action action) => With(_ => Thrown(action));

    private static Func<object, string> Timed(Action action) => WithTicks(() => Thrown(action));

    private static Func<object, string> Timed<T>(Func<T> function) => WithTicks(() => $"{function()}");

    // A short time may pass on a busy machine before the hub's other task gets the processor. If the call blocks, no task ever does.
    private static Func<object, string> WithTicks(Func<string> scenario) => With(stage =>
    {
        string result = scenario();
        for (int i = 1; i < Attempts && !stage.HasTicked; i++)
        {
            Assert.Equal(result, scenario());
        }

        stage.RequireTicks();
        return result;
    });

    private static Func<object, string> Tasks<T>(Func<Task, Task<int>, T> wait) => With(stage =>
    {
        TaskCompletionSource<int> source = new();
        stage.Later(() => source.SetResult(42));
        return $"{wait(source.Task, source.Task)}";
    });

    private static Func<object, string> Tasks(Action<Task, Task<int>> wait) => Tasks((task, other) =>
    {
        wait(task, other);
        return 0;
    });

    private static Func<object, string> Failing(Action<Task, Task<int>> wait) => With(stage =>
    {
        TaskCompletionSource<int> source = new();
        stage.Later(() => source.SetException(new FormatException("no")));
        wait(source.Task, source.Task);
        return "nothing was thrown";
    });

    private static Func<object, string> Sockets(Func<Stage, Socket, Socket, string> scenario) => With(stage =>
    {
        Socket listener = stage.Keep(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Socket one = stage.Keep(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        one.Connect(listener.LocalEndPoint!);
        Socket other = stage.Keep(listener.Accept());
        return scenario(stage, one, other);
    });

    // Another thread reads until the event is set.
    private static ManualResetEventSlim ReadElsewhere(Stage stage, ReaderWriterLockSlim gate)
    {
        ManualResetEventSlim isTaken = stage.Keep(new ManualResetEventSlim());
        ManualResetEventSlim go = stage.Keep(new ManualResetEventSlim());
        stage.Now(() =>
        {
            gate.EnterReadLock();
            isTaken.Set();
            go.Wait();
            gate.ExitReadLock();
        });
        isTaken.Wait();
        return go;
    }

    // Reads a request, of which all comes with its head or at once after it.
    private static void Reply(TcpListener listener, string answer)
    {
        using TcpClient client = listener.AcceptTcpClient();
        NetworkStream stream = client.GetStream();
        using StreamReader reader = new(stream, leaveOpen: true);
        int length = 0;
        for (string? line; (line = reader.ReadLine()) is { Length: > 0 };)
        {
            if (line.StartsWith("content-length: ", StringComparison.OrdinalIgnoreCase))
            {
                length = int.Parse(line[16..], System.Globalization.CultureInfo.InvariantCulture);
            }
        }

        reader.ReadBlock(new char[length], 0, length);
        stream.Write(Encoding.ASCII.GetBytes(answer));
    }

    private static string Thrown(Action action, CancellationToken token = default)
    {
        try
        {
            action();
            return "ok";
        }
        catch (OperationCanceledException exception)
        {
            return $"{exception.GetType().Name} {exception.CancellationToken == token}";
        }
        catch (Exception exception)
        {
            return $"{exception.GetType().Name}: {exception.Message}";
        }
    }

    private static string ThrownTypes(Action action)
    {
        try
        {
            action();
            return "ok";
        }
        catch (Exception exception)
        {
            return $"{exception.GetType().Name} {exception.InnerException?.GetType().Name} {((exception.InnerException ?? exception) as SocketException)?.SocketErrorCode}";
        }
    }
}
