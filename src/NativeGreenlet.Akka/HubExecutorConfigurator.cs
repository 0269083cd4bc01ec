using Akka.Configuration;
using Akka.Dispatch;
using NativeGreenlet.Akka.Execution;

namespace NativeGreenlet.Akka;

/// <summary>Lets a dispatcher that is configured by text run its actors on hubs. For actors that one cannot give the dispatcher in code, or
/// for all of a system.</summary>
/// <example><code>
/// Config config = ConfigurationFactory.ParseString(
///     """akka.actor.default-dispatcher.executor = "NativeGreenlet.Akka.HubExecutorConfigurator, NativeGreenlet.Akka" """);
/// ActorSystem system = ActorSystem.Create("bank", config); // all actors of users are on hubs
/// </code></example>
public sealed class HubExecutorConfigurator : ExecutorServiceConfigurator
{
    /// <summary>Creates the configurator. Akka does.</summary>
    /// <param name="config">The section of the dispatcher.</param>
    /// <param name="prerequisites">What belongs to the system.</param>
    /// <exception cref="NotSupportedException">This version of Akka keeps the context of an actor differently.</exception>
    public HubExecutorConfigurator(Config config, IDispatcherPrerequisites prerequisites)
        : base(config, prerequisites)
    {
        _ = CellAccess.Instance;
        _ = MailboxAccess.Instance;
    }

    /// <summary>Makes the executor.</summary>
    /// <param name="id">The name of the dispatcher.</param>
    /// <returns>The executor, which runs mailboxes on the hubs of the system.</returns>
    public override ExecutorService Produce(string id) => new HubExecutor(id, ActorHubs.Of(Prerequisites.Settings.System));
}
