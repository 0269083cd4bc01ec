using Akka.Dispatch;

namespace NativeGreenlet.Akka.Execution;

/// <summary>Runs the mailboxes of a dispatcher on the hubs of its actor system.</summary>
internal sealed class HubExecutor(string id, ActorHubs hubs) : ExecutorService(id)
{
    /// <inheritdoc />
    public override void Execute(IRunnable run) => hubs.Execute(run);

    /// <summary>Does nothing: the hubs end with the actor system, and other dispatchers may use them.</summary>
    public override void Shutdown()
    {
    }
}
