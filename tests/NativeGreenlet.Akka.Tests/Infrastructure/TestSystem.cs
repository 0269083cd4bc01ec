using Akka.Actor;
using Akka.Configuration;

namespace NativeGreenlet.Akka.Tests.Infrastructure;

/// <summary>An actor system of one test. It must have terminated, and its hubs ended, when the test is over.</summary>
internal sealed class TestSystem : IDisposable
{
    /// <summary>How long a test waits for what comes at once on a quiet machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public TestSystem(int hubs = 1, string config = "", GreenActorOptions? options = null)
    {
        System = ActorSystem.Create("test", ConfigurationFactory.ParseString("akka.loglevel = OFF\nakka.stdout-loglevel = OFF\n" + config));
        System.UseHubs(options ?? new GreenActorOptions { Hubs = hubs });
    }

    public ActorSystem System { get; }

    public IActorRef Create<T>(params object[] arguments)
        where T : ActorBase => System.ActorOf(Props.Create<T>(arguments).OnHubs(System));

    public static T Ask<T>(IActorRef actor, object message) => actor.Ask<T>(message, Patience).GetAwaiter().GetResult();

    public void Dispose() => Assert.True(System.Terminate().Wait(Patience), "The system does not terminate.");
}
