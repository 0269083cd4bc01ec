using System.Threading.Channels;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Bridges;

/// <summary>.NET's channels in tasks, and pumps between them and the queues of tasks.</summary>
public class ChannelBridgeTests
{
    [Fact]
    public void A_task_sends_and_receives_and_parks_meanwhile() => InHub.Run(() =>
    {
        Channel<int> channel = Channel.CreateBounded<int>(1);
        GreenTask sender = Hub.Spawn(() =>
        {
            for (int i = 0; i < 10; i++)
            {
                channel.Writer.Send(i);
            }

            channel.Writer.Complete();
        });
        Assert.Equal(Enumerable.Range(0, 10), channel.Reader.ReceiveAll());
        sender.Join();
        Assert.Throws<ChannelClosedException>(() => channel.Reader.Receive());
        Assert.Throws<ChannelClosedException>(() => channel.Writer.Send(1));
        Assert.False(channel.Reader.TryReceive(out _));
    });

    [Fact]
    public void A_killed_receiver_takes_nothing() => InHub.Run(() =>
    {
        Channel<int> channel = Channel.CreateUnbounded<int>();
        GreenTask receiver = Hub.Spawn(() => { channel.Reader.Receive(); });
        Hub.Yield();
        receiver.Kill(timeout: TimeSpan.Zero);
        channel.Writer.TryWrite(5);
        receiver.Join();
        Assert.Equal(5, channel.Reader.Receive());
    });

    [Fact]
    public void A_pump_moves_all_and_passes_completion_on() => InHub.Run(() =>
    {
        Channel<int> source = Channel.CreateUnbounded<int>();
        GreenQueue<int> queue = new(2);
        Channel<int> target = Channel.CreateBounded<int>(1);
        Hub.Spawn(() => source.Reader.CopyTo(queue));
        Hub.Spawn(() => queue.CopyTo(target.Writer));
        Hub.Offload(async () =>
        {
            for (int i = 0; i < 50; i++)
            {
                await source.Writer.WriteAsync(i);
            }

            source.Writer.Complete();
        });
        Assert.Equal(Enumerable.Range(0, 50), target.Reader.ReceiveAll());
        Assert.True(queue.IsCompleted);
    });

    [Fact]
    public void A_pump_to_a_green_channel_hands_over_each_item() => InHub.Run(() =>
    {
        Channel<int> source = Channel.CreateUnbounded<int>();
        GreenChannel<int> channel = new();
        GreenTask pump = Hub.Spawn(() => source.Reader.CopyTo(channel));
        source.Writer.TryWrite(1);
        source.Writer.TryWrite(2);
        source.Writer.Complete();
        Assert.Equal(1, channel.Receive());
        Assert.Equal(2, channel.Receive());
        pump.Join();
        Assert.Null(pump.Exception);
        Assert.True(channel.IsCompleted);
    });

    [Fact]
    public void A_pump_from_a_green_channel_passes_its_error_on() => InHub.Run(() =>
    {
        GreenChannel<int> channel = new();
        Channel<int> target = Channel.CreateBounded<int>(2);
        GreenTask pump = Hub.Spawn(() => channel.CopyTo(target.Writer));
        channel.Send(1);
        channel.Send(2);
        FormatException error = new();
        channel.Complete(error);
        Assert.Equal(1, target.Reader.Receive());
        Assert.Equal(2, target.Reader.Receive());
        Assert.Same(error, Assert.Throws<FormatException>(() => target.Reader.TryReceive(out _)));
        pump.Join();
        Assert.Null(pump.Exception);
    });

    [Fact]
    public void A_failed_channel_completes_the_queue_and_fails_the_pump() => InHub.Run(() =>
    {
        Channel<int> source = Channel.CreateUnbounded<int>();
        GreenQueue<int> queue = new();
        FormatException error = new();
        source.Writer.Complete(error);
        Assert.Same(error, Assert.Throws<FormatException>(() => source.Reader.CopyTo(queue)));
        Assert.True(queue.IsCompleted);
    });

    [Fact]
    public void A_killed_pump_loses_no_item() => InHub.Run(() =>
    {
        Channel<int> source = Channel.CreateUnbounded<int>();
        GreenQueue<int> queue = new(1);
        queue.Put(0);
        source.Writer.TryWrite(1);
        GreenTask pump = Hub.Spawn(() => source.Reader.CopyTo(queue));
        Hub.Yield();
        pump.Kill();
        Assert.Equal(0, queue.Get());
        Assert.Equal(1, source.Reader.Receive());

        Channel<int> full = Channel.CreateBounded<int>(1);
        full.Writer.TryWrite(0);
        queue.Put(2);
        GreenTask back = Hub.Spawn(() => queue.CopyTo(full.Writer));
        Hub.Yield();
        back.Kill();
        Assert.Equal(2, queue.Get());
        Assert.False(full.Reader.Completion.IsCompleted);
    });
}
