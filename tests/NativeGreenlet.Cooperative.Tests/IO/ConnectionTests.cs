using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using static NativeGreenlet.Cooperative.Tests.Infrastructure.Connections;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>A socket and its streams are one connection: one order of readers and of writers, one exception for each thing that goes
/// wrong, whichever transport is below. They hold without a poller, too (<see cref="WithoutPollerTests"/>).</summary>
public class ConnectionTests
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(30);

    [Fact]
    public void Readers_of_a_socket_and_of_its_streams_take_turns_in_the_order_in_which_they_came() => InHub.Run(() =>
    {
        const int Readers = 6;
        foreach (bool isHandedOut in new[] { false, true })
        {
            (GreenSocket near, GreenSocket far) = Pair();
            GreenStream[] streams = [near.GetStream(), near.GetStream()];
            GreenTask<int>[] readers = [.. Enumerable.Range(0, Readers).Select(i => Hub.Spawn(() => i % 3 == 2 ? ReceiveByte(near) : streams[i % 3].ReadByte()))];
            Hub.Sleep(InHub.Tick); // all of them wait
            if (isHandedOut)
            {
                Assert.NotNull(near.Socket);
                Hub.Sleep(InHub.Tick);
            }

            far.Send([0, 1, 2]);
            Assert.Equal(2, readers[2].Result);
            Assert.Equal(1, readers[1].Result);
            Assert.Equal(0, readers[0].Result);
            Hub.Sleep(InHub.Tick);
            Assert.All(readers[3..], reader => Assert.False(reader.IsCompleted));
            Assert.True(readers[3].Kill(timeout: InHub.Long)); // who gives up lets the next one have it
            far.Send([4, 5]);
            Assert.Equal([4, 5], [readers[4].Result, readers[5].Result]);
            near.Dispose();
            far.Dispose();
        }
    });

    [Fact]
    public void Readers_of_any_stream_take_turns_too() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = Pair();
        using GreenStream stream = new(new NetworkStream(near.Socket, ownsSocket: true));
        GreenTask<int>[] readers = [.. Enumerable.Range(0, 4).Select(_ => Hub.Spawn(stream.ReadByte))];
        Hub.Sleep(InHub.Tick);
        far.Send([0, 1, 2, 3]);
        Assert.Equal([0, 1, 2, 3], readers.Select(reader => reader.Result));
        far.Dispose();
    });

    [Fact]
    public void Messages_stay_whole_and_in_order_when_the_socket_is_handed_out_in_the_middle_of_one() => InHub.Run(() =>
    {
        const int Bytes = 8 * 1024 * 1024; // more than a socket takes at once
        (GreenSocket near, GreenSocket far) = Pair();
        GreenStream stream = near.GetStream();
        GreenTask[] writers =
        [
            Hub.Spawn(() => near.Send(Filled(Bytes, 1))),
            Hub.Spawn(() => stream.Write(Filled(Bytes, 2))),
            Hub.Spawn(() => near.Send(Filled(Bytes, 3))),
        ];
        Hub.Sleep(InHub.Tick * 5);
        Assert.False(writers[0].IsCompleted);
        Assert.NotNull(near.Socket);
        Hub.Sleep(InHub.Tick * 5);
        GreenTask last = Hub.Spawn(() => stream.Write(Filled(Bytes, 4)));
        byte[] received = new byte[Bytes];
        using GreenStream from = far.GetStream();
        for (byte value = 1; value <= 4; value++)
        {
            from.ReadExactly(received);
            Assert.Equal(-1, received.AsSpan().IndexOfAnyExcept(value));
        }

        Assert.All(writers.Append(last), writer => Assert.True(writer.Join(InHub.Long) && writer.IsSuccessful, writer.Exception?.ToString()));
        near.Dispose();
    });

    [Fact]
    public void What_takes_too_long_is_the_same_exception_everywhere_its_turn_included() => InHub.Run(() =>
    {
        foreach (bool isHandedOut in new[] { false, true })
        {
            (GreenSocket near, GreenSocket far) = Pair();
            using GreenStream stream = near.GetStream();
            _ = isHandedOut ? near.Socket : null;
            near.ReceiveTimeout = s_short;
            near.SendTimeout = s_short;
            Assert.Throws<TimeoutException>(() => ReceiveByte(near));
            Assert.Throws<TimeoutException>(() => stream.ReadByte());

            near.ReceiveTimeout = Timeout.InfiniteTimeSpan;
            GreenTask<int> first = Hub.Spawn(stream.ReadByte);
            Hub.Yield();
            near.ReceiveTimeout = s_short;
            Assert.Throws<TimeoutException>(() => stream.ReadByte()); // the turn does not come
            Assert.Throws<TimeoutException>(() => ReceiveByte(near));
            Assert.False(near.WaitUntilReadable(s_short));
            far.Send([1]);
            Assert.Equal(1, first.Result);

            Assert.Throws<TimeoutException>(() => stream.Write(new byte[64 << 20]));
            Assert.Throws<IOException>(() => near.Send([1])); // told once, whoever sends next
            far.Dispose();
            near.Dispose();
        }
    });

    /// <summary>The one place where another type is seen: a class of .NET between the caller and the stream.</summary>
    [Fact]
    public void A_stream_in_between_wraps_what_takes_too_long_and_one_around_it_does_not() => InHub.Run(() =>
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        (GreenSocket near, GreenSocket far) = Pair();
        GreenTask<SslStream> serving = Hub.Spawn(() =>
        {
            SslStream ssl = new(far.GetStream());
            ssl.AuthenticateAsServer(certificate);
            return ssl;
        });
        using SslStream client = new(near.GetStream(), leaveInnerStreamOpen: false, (_, remote, _, _) => remote?.GetCertHashString() == certificate.GetCertHashString());
        client.AuthenticateAsClient("localhost");
        using SslStream server = serving.Result;
        near.ReceiveTimeout = s_short;
        Assert.IsType<TimeoutException>(Assert.Throws<IOException>(() => client.ReadByte()).InnerException);

        near.ReceiveTimeout = Timeout.InfiniteTimeSpan;
        GreenStream around = new(client) { ReadTimeout = 30 };
        Assert.Throws<TimeoutException>(() => around.ReadByte());
    });

    [Fact]
    public void Whoever_waits_when_the_connection_is_closed_is_told_so_by_the_same_exception() => InHub.Run(() =>
    {
        foreach (bool isHandedOut in new[] { false, true })
        {
            // The last one: by whoever was given the socket of .NET.
            foreach (Closing how in isHandedOut ? [Closing.Socket, Closing.Stream, Closing.Others] : new[] { Closing.Socket, Closing.Stream })
            {
                (GreenSocket near, GreenSocket far) = Pair();
                GreenStream stream = near.GetStream();
                Socket? handedOut = isHandedOut ? near.Socket : null;
                GreenTask[] waiting =
                [
                    Closed(() => stream.ReadByte()),
                    Closed(() => ReceiveByte(near)),
                    Closed(() => near.WaitUntilReadable()),
                    Closed(() => stream.Write(new byte[64 << 20])),
                    Closed(() => near.Send(new byte[64 << 20])),
                ];
                Hub.Sleep(InHub.Tick * 5);
                IDisposable? closes = how == Closing.Socket ? near : how == Closing.Stream ? stream : handedOut;
                closes!.Dispose();
                AssertSuccess(waiting);
                AssertSuccess(
                    Closed(() => stream.ReadByte()),
                    Closed(() => ReceiveByte(near)),
                    Closed(() => near.WaitUntilReadable()),
                    Closed(() => stream.Write([1])),
                    Closed(() => near.Send([1])));
                far.Dispose();
            }
        }

        foreach (Closing how in new[] { Closing.Socket, Closing.Others })
        {
            foreach (bool wasGivenUp in new[] { false, true })
            {
                GreenSocket listener = new();
                listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                listener.Listen();
                GreenSocket datagrams = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                datagrams.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                IDisposable[] closes = how == Closing.Socket ? [listener, datagrams] : [listener.Socket, datagrams.Socket];
                if (wasGivenUp)
                {
                    Assert.False(GreenTimeout.TryRun(InHub.Tick, () => listener.Accept()));
                    Assert.False(GreenTimeout.TryRun(InHub.Tick, () => datagrams.Receive(new byte[1])));
                }

                GreenTask[] others =
                [
                    Closed(() => listener.Accept()),
                    Closed(() => datagrams.ReceiveFrom(new byte[1], out _)),
                    Closed(() => datagrams.Receive(new byte[1])),
                    Closed(() => datagrams.WaitUntilReadable()),
                ];
                Hub.Sleep(InHub.Tick * 5);
                Array.ForEach(closes, each => each.Dispose());
                AssertSuccess(others);
                AssertSuccess(
                    Closed(() => listener.Accept()),
                    Closed(() => datagrams.ReceiveFrom(new byte[1], out _)),
                    Closed(() => datagrams.SendTo([1], new IPEndPoint(IPAddress.Loopback, 1))),
                    Closed(() => datagrams.WaitUntilReadable()));
            }
        }
    });

    [Fact]
    public void A_lost_connection_is_a_SocketException_of_the_socket_and_an_IOException_of_its_stream() => InHub.Run(() =>
    {
        foreach (bool isHandedOut in new[] { false, true })
        {
            Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => ReceiveByte(Reset(isHandedOut))).SocketErrorCode);
            IOException exception = Assert.Throws<IOException>(() => Reset(isHandedOut).GetStream().ReadByte());
            Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(exception.InnerException).SocketErrorCode);
        }
    });

    [Fact]
    public void What_is_thrown_at_a_task_that_waits_in_a_stream_comes_out_as_it_is() => InHub.Run(() =>
    {
        foreach (bool isHandedOut in new[] { false, true })
        {
            (GreenSocket near, GreenSocket far) = Pair();
            using GreenStream stream = near.GetStream();
            _ = isHandedOut ? near.Socket : null;
            Exception[] thrown = [new SocketException((int)SocketError.HostDown), new TimeoutException("mine"), new IOException("mine")];
            foreach (Exception exception in thrown)
            {
                GreenTask<Exception> reader = Hub.Spawn(() => Assert.ThrowsAny<Exception>(() => stream.ReadByte()));
                Hub.Sleep(InHub.Tick);
                Assert.True(reader.Kill(exception, InHub.Long));
                Assert.Same(exception, reader.Result);
            }

            far.Dispose();
        }
    });

    [Fact]
    public void After_a_write_of_which_only_a_part_was_sent_after_all_the_next_one_throws() => InHub.Run(() =>
    {
        LateStream late = new();
        using GreenStream stream = new(late);
        stream.WriteTimeout = 1;
        Assert.Throws<TimeoutException>(() => stream.Write(new byte[10])); // and all of it was sent after all
        stream.WriteTimeout = Timeout.Infinite;
        late.IsLate = false;
        stream.Write(new byte[10]);
        Assert.Equal(20, late.Count);

        late.IsLate = true;
        stream.WriteTimeout = 1;
        Assert.Throws<TimeoutException>(() => stream.Write(new byte[100_000])); // the first piece was sent after all, no other is
        stream.WriteTimeout = Timeout.Infinite;
        late.IsLate = false;
        Assert.Throws<IOException>(() => stream.Write(new byte[10]));
        stream.Write(new byte[10]);
        Assert.InRange(late.Count, 30, 100_000);
    });

    [Fact]
    public void A_send_with_flags_that_was_given_up_is_told_to_the_next_too() => InHub.Run(() =>
    {
        foreach (bool isHandedOut in new[] { false, true })
        {
            (GreenSocket near, GreenSocket far) = Pair();
            _ = isHandedOut ? near.Socket : null;
            near.SendTimeout = s_short;
            Assert.Throws<TimeoutException>(() => near.Send(new byte[64 << 20], SocketFlags.DontRoute));
            Assert.Throws<IOException>(() => near.Send([1]));
            near.Dispose();
            far.Dispose();
        }
    });

    private static int ReceiveByte(GreenSocket socket)
    {
        Span<byte> one = stackalloc byte[1];
        return socket.Receive(one) == 0 ? -1 : one[0];
    }

    private static byte[] Filled(int count, byte value)
    {
        byte[] bytes = new byte[count];
        Array.Fill(bytes, value);
        return bytes;
    }

    private enum Closing
    {
        Socket,
        Stream,
        Others,
    }

    private static GreenTask Closed(Action wait) => Hub.Spawn(() => Assert.ThrowsAny<ObjectDisposedException>(wait));

    private static void AssertSuccess(params GreenTask[] tasks) => Assert.All(tasks, task =>
    {
        Assert.True(task.Join(InHub.Long), "it still waits");
        Assert.True(task.IsSuccessful, task.Exception?.ToString());
    });

    // A connection that the other side has reset.
    private static GreenSocket Reset(bool isHandedOut)
    {
        (GreenSocket near, GreenSocket far) = Pair();
        _ = isHandedOut ? near.Socket : null;
        far.Socket.LingerState = new LingerOption(true, 0);
        far.Dispose();
        return near;
    }

    /// <summary>Its writes end only when they are cancelled, and have succeeded all the same.</summary>
    private sealed class LateStream : Stream
    {
        public bool IsLate { get; set; } = true;

        public int Count { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (IsLate)
            {
                TaskCompletionSource cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
                using CancellationTokenRegistration registration = cancellationToken.Register(cancelled.SetResult);
                await cancelled.Task;
            }

            Count += buffer.Length;
        }

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
