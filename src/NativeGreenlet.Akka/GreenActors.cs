using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using NativeGreenlet.Akka.Execution;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka;

/// <summary>Puts actors on hubs, and lets their handlers ask others in blocking style.</summary>
/// <example><code>
/// ActorSystem system = ActorSystem.Create("bank");
/// IActorRef clerk = system.ActorOf(Props.Create(() => new Clerk()));
///
/// sealed class Clerk : GreenReceiveActor
/// {
///     public Clerk() => ReceiveGreen&lt;IActorRef>(account =>
///     {
///         int balance = account.AskGreen&lt;int>("balance"); // parks the handler, holds no thread
///         Sender.Tell(balance);
///     });
/// }
/// </code></example>
public static class GreenActors
{
    /// <summary>The name of the dispatcher that <see cref="OnHubs"/> gives to an actor.</summary>
    public const string DispatcherId = "akka.actor.hub-dispatcher";

    private const string Executor = "NativeGreenlet.Akka.HubExecutorConfigurator, NativeGreenlet.Akka";

    private const string DefaultDispatcher =
        $$"""
        id = "{{DispatcherId}}"
        type = Dispatcher
        executor = "{{Executor}}"
        throughput = 30
        throughput-deadline-time = 0ms
        shutdown-timeout = 1s
        """;

    /// <summary>Puts actors on the hubs of a system: their mailboxes run there, and so do their handlers.</summary>
    /// <param name="props">How the actors are made.</param>
    /// <param name="system">Their system.</param>
    /// <returns>The same, with the dispatcher of the hubs.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="NotSupportedException">This version of Akka keeps the context of an actor differently.</exception>
    public static Props OnHubs(this Props props, ActorSystem system)
    {
        ArgumentNullException.ThrowIfNull(props);
        ArgumentNullException.ThrowIfNull(system);
        Register(system);
        return props.WithDispatcher(DispatcherId);
    }

    /// <summary>Says how the hubs of a system are, and makes their dispatcher known, so that configuration may name it
    /// (<see cref="DispatcherId"/>).</summary>
    /// <param name="system">The system.</param>
    /// <param name="options">How they are; null for the defaults.</param>
    /// <returns>The system.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="system"/> is null.</exception>
    /// <exception cref="InvalidOperationException">There is an actor on the hubs already.</exception>
    /// <exception cref="NotSupportedException">This version of Akka keeps the context of an actor differently.</exception>
    public static ActorSystem UseHubs(this ActorSystem system, GreenActorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(system);
        if (options is not null)
        {
            ActorHubs.Of(system).Configure(options);
        }

        Register(system);
        return system;
    }

    /// <summary>Sends a message and parks the caller's task until the answer is there. Nothing holds a thread meanwhile, and an answer of an
    /// actor on the same hub wakes the caller without one.</summary>
    /// <typeparam name="T">The type of the answer.</typeparam>
    /// <param name="target">Whom to ask.</param>
    /// <param name="message">The question.</param>
    /// <param name="timeout">How long to wait at most; null for <c>akka.actor.ask-timeout</c>, which has no limit unless it is configured.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>The answer.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The target belongs to no actor system, or the answer has another type.</exception>
    /// <exception cref="MissingHubException">The caller is not in a handler of <see cref="GreenReceiveActor"/>, nor in another task.</exception>
    /// <exception cref="AskTimeoutException">There was no answer in time.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    /// <exception cref="Exception">What the other answered as <see cref="Status.Failure"/>.</exception>
    public static T AskGreen<T>(this ICanTell target, object message, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(message);
        if (!Hub.IsInside)
        {
            throw new MissingHubException("AskGreen parks a task, and there is none here. Call it in a handler of ReceiveGreen, or inside Hub.Run; elsewhere, await Ask.");
        }

        cancellationToken.ThrowIfCancellationRequested();
        IActorRefProvider provider = ProviderOf(target);
        TimeSpan limit = timeout ?? provider.Settings.AskTimeout;
        TaskCompletionSource<T> answer = new();
        AskedRef<T> asked = new(answer, provider);
        try
        {
            asked.DeliverAsk(message, target);
            if (!asked.Wait(limit > TimeSpan.Zero ? limit : Timeout.InfiniteTimeSpan, cancellationToken))
            {
                throw new AskTimeoutException($"Timeout after {limit.TotalSeconds:F2} seconds");
            }
        }
        finally
        {
            asked.End();
        }

        return answer.Task.GetAwaiter().GetResult();
    }

    private static IActorRefProvider ProviderOf(ICanTell target)
    {
        while (target is ActorSelection selection)
        {
            target = selection.Anchor;
        }

        return (target as IInternalActorRef)?.Provider ?? throw new ArgumentException("It is no actor of a system: ask an actor, or a selection.", nameof(target));
    }

    private static void Register(ActorSystem system)
    {
        if (!system.Dispatchers.HasDispatcher(DispatcherId) || !Configured(system).HasPath("executor"))
        {
            Config config = Configured(system).WithFallback(ConfigurationFactory.ParseString(DefaultDispatcher));
            system.Dispatchers.RegisterConfigurator(DispatcherId, new DispatcherConfigurator(config, system.Dispatchers.Prerequisites));
        }
    }

    private static Config Configured(ActorSystem system) => system.Settings.Config.GetConfig(DispatcherId) ?? Config.Empty;
}
