namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>
/// The <see cref="SynchronizationContext"/> of a thread while a hub runs on it. It does what no context at all does: what is
/// posted goes to the thread pool. But where there is one, .NET runs the continuations of a task there too, and not at once
/// on the thread that completes the task: they are others', who know nothing of hubs and may block.
/// </summary>
internal sealed class HubThreadContext : SynchronizationContext
{
    private HubThreadContext()
    {
    }

    /// <summary>That of all hubs: it has no state.</summary>
    public static HubThreadContext Instance { get; } = new();

    public override SynchronizationContext CreateCopy() => this;

    // Without the caller's execution context, as no context: what is posted has its own.
    public override void Post(SendOrPostCallback d, object? state) =>
        ThreadPool.UnsafeQueueUserWorkItem(static posted => posted.Callback(posted.State), (Callback: d, State: state), preferLocal: false);
}
