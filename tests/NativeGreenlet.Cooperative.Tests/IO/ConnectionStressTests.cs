using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>Connections under everything that may be done to them, in random order: receives that are given up by kills and
/// limits, by the socket and by its stream, sockets that are handed out, half closed, and closed, on two hubs and under
/// compacting collections. No byte is lost, doubled, or out of order.</summary>
public class ConnectionStressTests
{
    private const int Hubs = 2;
    private const int ClientsPerHub = 20;
    private const int MostBytes = 400_000;
    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(5);

    [Fact]
    public void Every_byte_arrives_in_order_whatever_is_done_to_a_connection()
    {
        int seed = Environment.TickCount;
        using Compactor compactor = new();
        Task[] hubs =
        [
            .. Enumerable.Range(0, Hubs).Select(hub => Task.Factory.StartNew(
                () => InHub.Run(() => ServeAndAsk(seed + (hub * 1000))),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default)),
        ];
        try
        {
            Task.WaitAll(hubs);
        }
        catch (AggregateException exception)
        {
            Assert.Fail($"seed {seed}: {exception}");
        }
    }

    private static void ServeAndAsk(int seed)
    {
        using GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Socket.ReceiveBufferSize = 4096; // those of its connections are so, too, and sends must wait
        listener.Listen();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        List<GreenTask> served = [];
        GreenTask server = Hub.Spawn(() =>
        {
            Random random = new(seed);
            while (true)
            {
                GreenSocket connection = listener.Accept();
                int own = random.Next();
                served.Add(Hub.Spawn(() => Echo(connection, new Random(own))));
            }
        });
        long end = Environment.TickCount64 + (long)s_time.TotalMilliseconds;
        GreenTask[] clients =
        [
            .. Enumerable.Range(1, ClientsPerHub).Select(i => Hub.Spawn(() =>
            {
                Random random = new(seed + i);
                while (Environment.TickCount64 < end)
                {
                    using Client client = new(GreenSocket.Connect("127.0.0.1", port), random);
                    client.Run();
                }
            })),
        ];
        foreach (GreenTask client in clients)
        {
            client.Join();
            Assert.True(client.IsSuccessful, client.Exception?.ToString());
        }

        server.Kill();
        Assert.All(served, task => Assert.True(task.Join(InHub.Long), "a server was not told of the end"));
    }

    private static void Echo(GreenSocket connection, Random random)
    {
        using GreenSocket owned = connection;
        try
        {
            MayHandOut(connection, random, 3);
            if (random.Next(2) == 0)
            {
                using GreenStream stream = connection.GetStream();
                stream.CopyTo(stream, random.Next(100, 100_000));
                return;
            }

            byte[] buffer = new byte[random.Next(1, 100_000)];
            for (int count; (count = connection.Receive(buffer)) != 0;)
            {
                connection.Send(buffer.AsSpan(0, count));
                MayHandOut(connection, random, 50);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // The other side was closed.
        }
    }

    private static void MayHandOut(GreenSocket connection, Random random, int oneOf)
    {
        if (random.Next(oneOf) == 0)
        {
            _ = connection.Socket;
        }
    }

    // What the byte at an offset is: no two offsets that are near each other, and no two pieces, look alike.
    private static byte At(int offset) => (byte)(((uint)offset * 2_654_435_761u) >> 13);

    private sealed class Client(GreenSocket connection, Random random) : IDisposable
    {
        private readonly int _total = random.Next(1, random.Next(4) == 0 ? MostBytes : MostBytes / 40);
        private readonly GreenStream? _stream = random.Next(2) == 0 ? connection.GetStream() : null;
        private int _sent;
        private int _received;
        private bool _hasEnded;

        public void Run()
        {
            GreenTask sending = Hub.Spawn(Send);
            while (!_hasEnded)
            {
                switch (random.Next(10))
                {
                    case 0:
                        GreenTask receiver = Hub.Spawn(() => Receive(isAsyncToo: false));
                        random.Pause();
                        receiver.Kill();
                        break;

                    case 1:
                        ReceiveWithLimit(InHub.Tick * random.Next(3));
                        break;

                    case 2 when random.Next(30) == 0:
                        sending.Kill();
                        return; // and is closed with bytes on their way

                    case 3:
                        MayHandOut(connection, random, 4);
                        break;

                    default:
                        Receive(isAsyncToo: true);
                        break;
                }
            }

            sending.Join();
            Assert.True(sending.IsSuccessful, sending.Exception?.ToString());
            Assert.Equal((_total, _total), (_sent, _received));
        }

        public void Dispose()
        {
            if (random.Next(2) == 0)
            {
                Hub.Offload(connection.Dispose);
            }

            _stream?.Dispose();
            connection.Dispose();
        }

        private void Send()
        {
            while (_sent != _total)
            {
                byte[] piece = new byte[Math.Min(random.Next(1, random.Next(3) == 0 ? 70_000 : 300), _total - _sent)];
                for (int i = 0; i < piece.Length; i++)
                {
                    piece[i] = At(_sent + i);
                }

                connection.Send(piece);
                _sent += piece.Length;
                if (random.Next(20) == 0)
                {
                    random.Pause();
                }
            }

            connection.Shutdown(SocketShutdown.Send);
        }

        // What an asynchronous read brings is its task's, whether somebody still waits for that or not: so it is not given up.
        private void Receive(bool isAsyncToo)
        {
            byte[] buffer = new byte[random.Next(1, random.Next(2) == 0 ? 100_000 : 1000)];
            Verify(buffer, (_stream is null ? 0 : random.Next(isAsyncToo ? 4 : 3)) switch
            {
                0 or 1 => connection.Receive(buffer),
                2 => _stream!.Read(buffer, 0, buffer.Length),
                _ => Hub.Await(_stream!.ReadAsync(buffer, 0, buffer.Length)),
            });
        }

        private void ReceiveWithLimit(TimeSpan limit)
        {
            byte[] buffer = new byte[random.Next(1, 1000)];
            connection.ReceiveTimeout = limit;
            try
            {
                Verify(buffer, connection.Receive(buffer));
            }
            catch (TimeoutException)
            {
                // So be it.
            }
            finally
            {
                connection.ReceiveTimeout = Timeout.InfiniteTimeSpan;
            }
        }

        private void Verify(byte[] bytes, int count)
        {
            for (int i = 0; i < count; i++)
            {
                if (bytes[i] != At(_received + i))
                {
                    Assert.Fail($"another byte at {_received} + {i} of {count}");
                }
            }

            _received += count;
            _hasEnded = count == 0;
        }
    }
}
