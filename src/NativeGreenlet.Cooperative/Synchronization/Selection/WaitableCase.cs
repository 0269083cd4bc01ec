namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Waits until something is ready, and takes nothing.</summary>
internal sealed class WaitableCase(IGreenWaitable waitable, Action? then) : SelectCase
{
    public override object Object => waitable;

    public override bool TryTake() => waitable.IsReady;

    public override bool TryLink() => waitable.TryLink(Node);

    public override void Unlink() => waitable.Unlink(Node);

    /// <summary>It need not be ready any more.</summary>
    public override bool TryRedeem() => true;

    public override void CallThen() => then?.Invoke();
}
