using Akka.Actor;
using Akka.Cluster;

namespace NativeGreenlet.Akka.Tests.Clusters;

/// <summary>One of the thousand. It calls others in blocking style; only those with a higher number, or two might wait for each
/// other.</summary>
internal sealed class Entity : GreenReceiveActor
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(3);

    public Entity() => ReceiveGreen<Call>(call =>
    {
        string self = Cluster.Get(Context.System).SelfAddress.ToString();
        int left = ClusterNode.Entities - 1 - call.To;
        if (call.Depth == 0 || left == 0)
        {
            Sender.Tell(new Answered([self]));
            return;
        }

        Call next = new(call.To + Random.Shared.Next(1, left + 1), call.Depth - 1);
        try
        {
            Answered answered = Context.Parent.AskGreen<Answered>(next, s_limit);
            Sender.Tell(new Answered([self, .. answered.Nodes]));
        }
        catch (AskTimeoutException timeout)
        {
            Sender.Tell(new Status.Failure(timeout));
        }
    });
}
