using Orleans;

namespace NativeGreenlet.Orleans.Engine;

/// <summary>Lets calls of methods that have the attribute run on a hub.</summary>
internal sealed class GreenletCallFilter(SiloHubs silo) : IIncomingGrainCallFilter
{
    public Task Invoke(IIncomingGrainCallContext context) => GrainMethods.IsOnGreenlets(context)
        ? silo.TurnsOf(context.TargetContext).RunAsync(context)
        : context.Invoke();
}
