namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Takes a permit.</summary>
internal sealed class SemaphoreCase(GreenSemaphore semaphore, Action? then) : SelectCase
{
    public override object Object => semaphore;

    public override bool TryTake() => semaphore.Wait(TimeSpan.Zero);

    public override bool TryLink() => semaphore.TryLink(Node);

    public override void Unlink() => semaphore.Unlink(Node);

    public override bool TryRedeem() => !Node.IsRefused;

    public override void HandOn() => semaphore.HandOn(Node);

    public override void CallThen() => then?.Invoke();
}
