namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Receives an item from a channel.</summary>
internal sealed class ChannelReceiveCase<T>(GreenChannel<T> channel, Action<T> then, Action? whenCompleted) : SelectCase<T>(then)
{
    public override object Object => channel;

    public override bool TryTake()
    {
        IsClosed = channel.IsCompleted; // before: what is left is received first
        if (channel.TryReceiveNow(out Item!))
        {
            IsClosed = false;
            return true;
        }

        return IsClosed;
    }

    public override bool TryLink() => channel.TryLinkReceiver(Node);

    public override void Unlink() => channel.Unlink(Node);

    public override bool TryRedeem()
    {
        IsClosed = false;
        return channel.TryTakeReceived(Node, out Item!);
    }

    public override void HandOn() => channel.HandOn(Node);

    public override void CallThen()
    {
        if (IsClosed)
        {
            CallCompleted(whenCompleted, channel.Error);
        }
        else
        {
            base.CallThen();
        }
    }
}
