namespace NativeGreenlet.Cooperative;

/// <summary>What an awaited task calls when it completes. Used again by the next wait, unless this one was given up: then
/// it may still be called.</summary>
internal sealed class AwaitContinuation
{
    private readonly Waiter _waiter;
    private long _version;

    public AwaitContinuation(Waiter waiter)
    {
        _waiter = waiter;
        Invoke = () => _waiter.TryWake(_version, WakeReason.Signalled);
    }

    public Action Invoke { get; }

    /// <summary>Prepares it for one wait.</summary>
    public void Reset(long version) => _version = version;
}
