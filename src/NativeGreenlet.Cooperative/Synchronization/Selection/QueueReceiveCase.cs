namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Takes an item out of a queue.</summary>
internal sealed class QueueReceiveCase<T>(GreenQueue<T> queue, Action<T> then, Action? whenCompleted) : SelectCase<T>(then)
{
    public override object Object => queue;

    public override bool TryTake()
    {
        IsClosed = false;
        if (queue.TryGet(out Item!))
        {
            return true;
        }

        // Completed first, empty then: what was put in before is not missed.
        return IsClosed = queue.IsCompleted && !queue.TryPeek(out _);
    }

    public override bool TryLink() => queue.TryLink(Node, isGet: true);

    public override void Unlink() => queue.Unlink(Node, isGet: true);

    public override bool TryRedeem()
    {
        IsClosed = false;
        return queue.TryRedeem(Node, isGet: true, default!, out Item!);
    }

    public override void HandOn() => queue.HandOn(Node, isGet: true);

    public override void CallThen()
    {
        if (IsClosed)
        {
            CallCompleted(whenCompleted, null);
        }
        else
        {
            base.CallThen();
        }
    }
}
