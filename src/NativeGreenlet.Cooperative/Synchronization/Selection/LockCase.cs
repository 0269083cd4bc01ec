namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Takes a lock.</summary>
internal sealed class LockCase(GreenLock gate, Action? then) : SelectCase
{
    public override object Object => gate;

    public override bool TryTake() => gate.TryEnter();

    public override bool TryLink() => gate.TryLink(Node);

    public override void Unlink() => gate.Unlink(Node);

    public override bool TryRedeem() => true;

    public override void HandOn() => gate.PassOn();

    public override void CallThen() => then?.Invoke();
}
