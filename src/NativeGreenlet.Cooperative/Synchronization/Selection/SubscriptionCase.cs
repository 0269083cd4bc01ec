namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Receives an item of a broadcast.</summary>
internal sealed class SubscriptionCase<T>(GreenSubscription<T> subscription, Action<T> then, Action? whenCompleted) : SelectCase<T>(then)
{
    private Exception? _error;

    public override object Object => subscription;

    public override bool TryTake()
    {
        bool isTaken = subscription.TryReceiveNow(out Item!, out bool isOver, out _error);
        IsClosed = isOver;
        return isTaken || isOver;
    }

    public override bool TryLink() => ((IGreenWaitable)subscription).TryLink(Node);

    public override void Unlink() => ((IGreenWaitable)subscription).Unlink(Node);

    public override void CallThen()
    {
        if (IsClosed)
        {
            CallCompleted(whenCompleted, _error);
        }
        else
        {
            base.CallThen();
        }
    }
}
