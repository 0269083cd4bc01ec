namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Puts an item into a queue.</summary>
internal sealed class QueueSendCase<T>(GreenQueue<T> queue, T item, Action? then) : SelectCase
{
    public override object Object => queue;

    public override bool TryTake()
    {
        IsClosed = queue.IsCompleted;
        return IsClosed || queue.TryPut(item);
    }

    public override bool TryLink() => queue.TryLink(Node, isGet: false);

    public override void Unlink() => queue.Unlink(Node, isGet: false);

    public override bool TryRedeem() => queue.TryRedeem(Node, isGet: false, item, out _);

    public override void HandOn() => queue.HandOn(Node, isGet: false);

    public override void CallThen()
    {
        if (IsClosed)
        {
            ThrowClosed(null);
        }

        then?.Invoke();
    }
}
