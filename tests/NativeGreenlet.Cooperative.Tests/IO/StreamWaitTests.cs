using System.Net.Sockets;
using System.Reflection;
using NativeGreenlet.Common;
using NativeGreenlet.Cooperative.IO.Readiness;
using NativeGreenlet.Cooperative.IO.Transport;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using static NativeGreenlet.Cooperative.Tests.Infrastructure.Connections;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>How a task waits in a stream: without garbage, completed by the thread of the sockets where nobody else can
/// notice, losing nothing when it gives up.</summary>
public class StreamWaitTests
{
    [UnfrozenFact("a freeze allocates")]
    public void Reading_and_writing_sockets_allocates_nothing() => InHub.Run(() =>
    {
        if (GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            return; // each greenlet counts for itself there
        }

        (GreenSocket near, GreenSocket far) = Pair();
        using GreenStream stream = near.GetStream();
        using GreenStream other = far.GetStream();
        GreenTask echo = Hub.Spawn(() =>
        {
            byte[] bytes = new byte[64];
            while (true)
            {
                int count = other.Read(bytes);
                other.Write(bytes.AsSpan(0, count));
            }
        });
        byte[] buffer = new byte[64];
        long least = long.MaxValue;
        for (int round = 0; round < 10; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 200; i++)
            {
                stream.Write(buffer);
                stream.ReadExactly(buffer);
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        echo.Kill();
    });

    [Fact]
    public void Operations_complete_inline_as_long_as_nobody_else_can_reach_the_socket() => InHub.Run(() =>
    {
        if (!OperatingSystem.IsLinux() || Poller.IsSupported)
        {
            return; // the pool does it elsewhere; with a poller nothing completes
        }

        Assert.True(IsInlineAfter((_, _) => { }));
        Assert.False(IsInlineAfter((socket, _) => Assert.NotNull(socket.Socket)));
        Assert.False(IsInlineAfter((_, stream) => Assert.NotNull(stream.BaseStream)));
        Assert.False(IsInlineAfter((_, stream) => Hub.Await(stream.WriteAsync(new byte[1].AsMemory()))));
        Assert.False(IsInlineAfter((_, stream) => Hub.Await(stream.FlushAsync())));
        Assert.False(IsInlineAfter((_, stream) => Hub.Await(stream.ReadAsync(new byte[1].AsMemory()))));

        (GreenSocket near, GreenSocket far) = Pair();
        Socket handedOut = near.Socket;
        using GreenStream late = near.GetStream();
        using GreenStream wrapped = new(new NetworkStream(far.Socket));
        Assert.False(IsInline(handedOut) || IsInline(far.Socket));
        far.Dispose();
    });

    [Fact]
    public void A_continuation_that_blocks_stops_no_other_socket() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = Pair();
        using GreenStream stream = near.GetStream();
        using GreenStream other = far.GetStream();
        byte[] buffer = new byte[1];
        other.Write("a"u8);
        stream.ReadExactly(buffer);

        using ManualResetEventSlim mayGoOn = new();
        Task<bool> blocking = BlockAsync();
        other.Write("b"u8);
        Hub.Sleep(InHub.Tick * 20); // the continuation blocks now, on whatever thread it is
        (GreenSocket near2, GreenSocket far2) = Pair();
        using GreenStream stream2 = near2.GetStream();
        using GreenStream other2 = far2.GetStream();
        GreenTask reading = Hub.Spawn(() => stream2.ReadExactly(new byte[1]));
        Hub.Yield();
        other2.Write("c"u8);
        reading.Join();
        mayGoOn.Set();
        Assert.True(Hub.Await(blocking));

        async Task<bool> BlockAsync()
        {
            _ = await stream.ReadAsync(buffer.AsMemory());
            return mayGoOn.Wait(InHub.Long);
        }
    });

    [Fact]
    public void An_asynchronous_read_takes_no_turn_and_is_refused_while_a_task_waits_for_the_operation_in_flight() => InHub.Run(() =>
    {
        GatedStream slow = new();
        using GreenStream stream = new(slow);
        GreenTask<int> first = Hub.Spawn(stream.ReadByte);
        Hub.Yield();
        Assert.Throws<InvalidOperationException>(() => Hub.Await(stream.ReadAsync(new byte[1], 0, 1)));
        Hub.Sleep(InHub.Tick); // the one that was refused can wait for other things
        Assert.False(first.IsCompleted);
        slow.Open();
        Assert.Equal(7, first.Result);
        Assert.Equal(1, Hub.Await(stream.ReadAsync(new byte[1], 0, 1)));
    });

    [Fact]
    public void What_readers_give_up_comes_to_the_next_in_order_whether_it_is_synchronous_or_not() => InHub.Run(() =>
    {
        const int Bytes = 3000;
        Random random = new(20261126);
        (GreenSocket near, GreenSocket far) = Pair();
        using GreenStream stream = near.GetStream();
        GreenTask sending = Hub.Spawn(() =>
        {
            using GreenStream to = far.GetStream();
            for (int i = 0; i < Bytes; i++)
            {
                to.WriteByte((byte)i);
                if (random.Next(3) == 0)
                {
                    Hub.Sleep(TimeSpan.FromTicks(random.Next(3000)));
                }
            }
        });
        byte[] buffer = new byte[5];
        int received = 0;
        while (received < Bytes)
        {
            int count = 0;
            TimeSpan patience = TimeSpan.FromTicks(random.Next(1, 4000));
            switch (random.Next(4))
            {
                case 0:
                    _ = GreenTimeout.TryRun(patience, () => count = stream.Read(buffer));
                    break;

                case 1:
                    GreenTask reader = Hub.Spawn(() => count = stream.Read(buffer));
                    Hub.Sleep(patience);
                    reader.Kill();
                    break;

                case 2:
                    using (CancellationTokenSource cancellation = new(patience))
                    {
                        count = Hub.Await(ReadAsync(stream, buffer, cancellation.Token));
                    }

                    break;

                default:
                    count = stream.Read(buffer);
                    Assert.NotEqual(0, count);
                    break;
            }

            for (int i = 0; i < count; i++)
            {
                Assert.Equal((byte)received++, buffer[i]);
            }
        }

        sending.Join();
        Assert.Equal(0, stream.Read(buffer));
    });

    /// <summary>Libraries of before <c>async</c> begin and end, and may end before it is over.</summary>
    [Fact]
    public void Begin_and_end_park_like_the_rest() => InHub.Run(() =>
    {
        (GreenSocket near, GreenSocket far) = Pair();
        using GreenStream stream = near.GetStream();
        using GreenStream other = far.GetStream();
        byte[] buffer = new byte[4];
        object state = new();
        IAsyncResult early = stream.BeginRead(buffer, 1, 3, null, state);
        Assert.Same(state, early.AsyncState);
        Assert.False(early.IsCompleted);
        Hub.Spawn(() => other.EndWrite(other.BeginWrite([1, 2, 3, 4], 1, 2, null, null)));
        Assert.Equal(2, stream.EndRead(early));
        Assert.Equal([0, 2, 3, 0], buffer);

        // The callback comes on a thread without a hub, where what is over can be ended.
        GreenCompletionSource<(int, bool)> called = new();
        IAsyncResult late = stream.BeginRead(buffer, 0, 4, result => called.SetResult((stream.EndRead(result), Hub.IsInside)), null);
        Assert.False(late.IsCompleted);
        other.WriteByte(5);
        Assert.Equal((1, false), called.Result);

        // What a synchronous read gave up comes here, too; and an exception as it is.
        Assert.False(GreenTimeout.TryRun(InHub.Tick, () => stream.ReadByte()));
        other.WriteByte(6);
        Assert.Equal(1, stream.EndRead(stream.BeginRead(buffer, 0, 4, null, null)));
        Assert.Equal(6, buffer[0]);
        IAsyncResult big = stream.BeginWrite(new byte[64 * 1024 * 1024], 0, 64 * 1024 * 1024, null, null);
        Assert.Throws<MissingHubException>(() => Hub.Offload(() => stream.EndWrite(big))); // it would have to wait
        other.Dispose();
        Assert.Throws<IOException>(() => stream.EndWrite(big));
    });

    private static async Task<int> ReadAsync(GreenStream stream, Memory<byte> buffer, CancellationToken cancellation)
    {
        try
        {
            return await stream.ReadAsync(buffer, cancellation);
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
    }

    private static bool IsInlineAfter(Action<GreenSocket, GreenStream> use)
    {
        (GreenSocket near, GreenSocket far) = Pair();
        using GreenStream stream = near.GetStream();
        Socket socket = (Socket)typeof(Connection).GetField("_socket", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(
            typeof(GreenSocket).GetField("_connection", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(near)!)!;
        Assert.True(IsInline(socket));
        far.Send([1]);
        use(near, stream);
        far.Dispose();
        return IsInline(socket);
    }

    private static bool IsInline(Socket socket) =>
        (bool)typeof(SafeSocketHandle).GetProperty("PreferInlineCompletions", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(socket.SafeHandle)!;
}
