namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>What an awaited task calls when it completes. Used again by the next wait, unless this one was given up: then
/// it may still be called.</summary>
internal sealed class AwaitContinuation
{
    private readonly Waiter _waiter;
    private long _version;
    private volatile bool _hasRun;

    public AwaitContinuation(Waiter waiter)
    {
        _waiter = waiter;
        Invoke = () =>
        {
            long version = _version; // before others may see that it has run, and use it again
            HasRun = true;
            _waiter.TryWake(version, WakeReason.Signalled);
        };
    }

    public Action Invoke { get; }

    /// <summary>Whether it was called in this wait, so that it will not be called any more.</summary>
    public bool HasRun
    {
        get => _hasRun;
        private set => _hasRun = value;
    }

    /// <summary>Prepares it for one wait.</summary>
    public void Reset(long version)
    {
        _version = version;
        _hasRun = false;
    }
}
