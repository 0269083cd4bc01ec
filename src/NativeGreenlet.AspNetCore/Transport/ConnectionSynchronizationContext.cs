namespace NativeGreenlet.AspNetCore;

/// <summary>Brings what comes after an <c>await</c> back to the hub of a connection.</summary>
internal sealed class ConnectionSynchronizationContext(ConnectionScheduler scheduler) : SynchronizationContext
{
    public override SynchronizationContext CreateCopy() => this;

    public override void Post(SendOrPostCallback d, object? state) => scheduler.Schedule(d, state);
}
