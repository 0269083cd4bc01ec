namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Looks at the next item of a queue.</summary>
internal sealed class QueuePeekCase<T>(GreenQueue<T> queue, Action<T> then, Action? whenCompleted) : SelectCase<T>(then)
{
    public override object Object => queue;

    public override bool TryTake() => !(IsClosed = !queue.TryPeek(out Item!)) || (IsClosed = queue.IsCompleted && !queue.TryPeek(out Item!));

    public override bool TryLink() => queue.TryLinkPeek(Node);

    public override void Unlink() => queue.UnlinkPeek(Node);

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
