namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>
/// The <see cref="SynchronizationContext"/> of a thread while a hub runs on it. It does what no context at all does: what is
/// posted goes to the thread pool. But where there is one, .NET runs the continuations of a task there too, and not at once
/// on the thread that completes the task: they are others', who know nothing of hubs and may block.
/// </summary>
internal sealed class HubThreadContext : SynchronizationContext
{
    /// <summary>What a wait returns whose time is up.</summary>
    public const int TimedOut = 0x102;

    private HubThreadContext(bool isToldOfWaits)
    {
        if (isToldOfWaits)
        {
            SetWaitNotificationRequired();
        }
    }

    /// <summary>That of all hubs whose threads block: it has no state.</summary>
    public static HubThreadContext Instance { get; } = new(isToldOfWaits: false);

    /// <summary>That of the others: the runtime tells it when the thread is about to block.</summary>
    public static HubThreadContext Told { get; } = new(isToldOfWaits: true);

    /// <summary>Blocks the thread.</summary>
    public static int Block(nint[] handles, bool waitAll, int timeout) => WaitHelper(handles, waitAll, timeout);

    public override SynchronizationContext CreateCopy() => this;

    public override int Wait(nint[] waitHandles, bool waitAll, int millisecondsTimeout)
    {
        SetSynchronizationContext(null);
        try
        {
            return HubLoop.OfThisThreadOrNull?.BlockedWaits is { } waits && waits.TryWait(waitHandles, waitAll, millisecondsTimeout, this, out int result)
                ? result
                : WaitHelper(waitHandles, waitAll, millisecondsTimeout);
        }
        finally
        {
            SetSynchronizationContext(this);
        }
    }

    // Without the caller's execution context, as no context: what is posted has its own.
    public override void Post(SendOrPostCallback d, object? state) =>
        ThreadPool.UnsafeQueueUserWorkItem(static posted => posted.Callback(posted.State), (Callback: d, State: state), preferLocal: false);
}
