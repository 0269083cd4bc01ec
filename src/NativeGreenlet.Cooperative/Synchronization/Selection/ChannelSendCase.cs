namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Hands an item to who receives from a channel.</summary>
internal sealed class ChannelSendCase<T>(GreenChannel<T> channel, T item, Action? then) : SelectCase
{
    public override object Object => channel;

    public override bool TryTake()
    {
        IsClosed = channel.IsCompleted;
        return IsClosed || channel.TrySendNow(item);
    }

    public override bool TryLink() => channel.TryLinkSender(Node, item);

    public override void Unlink() => channel.Unlink(Node);

    public override bool TryRedeem()
    {
        IsClosed = Node.IsRefused;
        return true;
    }

    public override void CallThen()
    {
        if (IsClosed)
        {
            ThrowClosed(null);
        }

        then?.Invoke();
    }
}
