using System.Threading.Channels;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>The end of a channel, and the look at the next item of a queue.</summary>
public class ChannelCompletionTests
{
    [Fact]
    public void A_completed_channel_refuses_senders_and_tells_receivers() => InHub.Run(() =>
    {
        GreenChannel<int> channel = new();
        GreenTask sender = Hub.Spawn(() => { Assert.Throws<ChannelClosedException>(() => channel.Send(1)); });
        Hub.Yield();
        channel.Complete(new FormatException());
        channel.Complete(new NotSupportedException()); // too late
        sender.Join();
        Assert.Null(sender.Exception);
        Assert.True(channel.IsCompleted);
        Assert.Throws<ChannelClosedException>(() => channel.TrySend(1));
        Assert.False(channel.TryReceive(InHub.Long, out _));
        Assert.IsType<FormatException>(Assert.Throws<ChannelClosedException>(() => channel.Receive()).InnerException);
        Assert.IsType<FormatException>(Assert.Throws<ChannelClosedException>(() => channel.ReceiveAll().ToArray()).InnerException);
    });

    [Fact]
    public void Receivers_that_wait_are_told() => InHub.Run(() =>
    {
        GreenChannel<int> channel = new();
        GreenTask<int[]> all = Hub.Spawn(() => channel.ReceiveAll().ToArray());
        GreenTask<bool> one = Hub.Spawn(() => channel.TryReceive(Timeout.InfiniteTimeSpan, out _));
        Hub.Yield();
        channel.Send(1);
        channel.Complete();
        Assert.False(one.Result);
        Assert.Equal([1], all.Result);
    });

    [Fact]
    public void Any_thread_may_complete_a_channel() => InHub.Run(() =>
    {
        GreenChannel<int> channel = new();
        GreenTask<bool> receiver = Hub.Spawn(() => channel.TryReceive(InHub.Long, out _));
        Hub.Yield();
        Hub.Offload(() => channel.Complete());
        Assert.False(receiver.Result);
    });

    [Fact]
    public void Peek_leaves_the_item() => InHub.Run(() =>
    {
        foreach ((GreenQueue<int> queue, int expected) in ((GreenQueue<int>, int)[])[(new(), 3), (new GreenStack<int>(), 2), (new GreenPriorityQueue<int>(), 1)])
        {
            Assert.False(queue.TryPeek(out _));
            Assert.False(queue.TryPeek(InHub.Tick, out _));
            queue.Put(3);
            queue.Put(1);
            queue.Put(2);
            Assert.Equal((expected, expected, 3), (queue.Peek(), queue.TryPeek(out int item) ? item : 0, queue.Count));
        }
    });

    [Fact]
    public void Peek_waits_for_an_item_and_takes_none_from_who_gets_it() => InHub.Run(() =>
    {
        GreenQueue<int> queue = new();
        GreenTask<int>[] peeks = [.. Enumerable.Range(0, 3).Select(_ => Hub.Spawn(queue.Peek))];
        Hub.Yield();
        queue.Put(4);
        Assert.All(peeks, peek => Assert.Equal(4, peek.Result));
        Assert.Equal(4, queue.Get());
        GreenTask<bool> last = Hub.Spawn(() => queue.TryPeek(InHub.Long, out _));
        Hub.Yield();
        queue.Complete();
        Assert.False(last.Result);
        Assert.Throws<InvalidOperationException>(() => queue.Peek());
    });
}
