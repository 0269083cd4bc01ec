using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative.Tasks;

/// <summary>A task that runs what comes after an <c>await</c> in the body of another.</summary>
internal sealed class ContinuationTask(HubSynchronizationContext context) : GreenTask(null)
{
    internal override HubSynchronizationContext? StackContext => context;

    private protected override void Execute() => context.RunOne(this);
}
