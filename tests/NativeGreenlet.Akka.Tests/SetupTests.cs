using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Configuration;
using NativeGreenlet.Akka.Execution;
using NativeGreenlet.Akka.Tests.Infrastructure;
using static NativeGreenlet.Akka.Tests.Infrastructure.TestSystem;

namespace NativeGreenlet.Akka.Tests;

/// <summary>What is set up wrongly is refused by a sentence that says what to do.</summary>
public class SetupTests
{
    [Fact]
    public void An_actor_with_a_dispatcher_that_has_no_hubs_is_refused()
    {
        using TestSystem test = new(config: "threads { type = PinnedDispatcher }");
        TaskCompletionSource<Exception> told = new();
        test.System.ActorOf(Props.Create(() => new Parent(told, Props.Create(() => new Echo()).WithDispatcher("threads"))));

        Exception failure = told.Task.WaitAsync(Patience).GetAwaiter().GetResult();
        Assert.Contains("Props.Create(() => new Echo(...)).OnHubs(system)", failure.GetBaseException().Message);
    }

    [Fact]
    public void A_handler_that_is_registered_in_a_handler_is_refused()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Late>();

        Assert.Contains("in the actor's constructor or inside Become", Ask<string>(actor, "x"));
    }

    [Fact]
    public void A_question_outside_of_a_task_is_refused()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Echo>();

        Assert.Contains("await Ask", Assert.Throws<MissingHubException>(() => actor.AskGreen<string>("x")).Message);
    }

    [Fact]
    public void Asking_somebody_without_a_system_is_refused() =>
        Hub.Run(() => Assert.Throws<ArgumentException>(() => new Stranger().AskGreen<string>("x")));

    [Fact]
    public void Options_that_come_too_late_are_refused()
    {
        using TestSystem test = new();
        Ask<string>(test.Create<Echo>(), "x");

        Assert.Contains("right after ActorSystem.Create", Assert.Throws<InvalidOperationException>(() => test.System.UseHubs(new GreenActorOptions())).Message);
    }

    [Fact]
    public void Options_are_checked()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new GreenActorOptions { Hubs = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new GreenActorOptions { StopGrace = TimeSpan.FromSeconds(-1) });
        Assert.Throws<ArgumentNullException>(() => GreenActors.OnHubs(null!, null!));
        Assert.Throws<ArgumentNullException>(() => GreenActors.UseHubs(null!));
    }

    [Fact]
    public void Options_reach_the_hubs()
    {
        string? name = null;
        using TestSystem test = new(options: new GreenActorOptions { Hubs = 1, ConfigureHubs = options => options.Name = "mine" });
        IActorRef actor = test.Create<Caller>();

        name = Ask<string>(actor, new Func<object>(() => Hub.Current.Name));

        Assert.Equal("mine 0", name);
    }

    [Fact]
    public void Another_Akka_is_refused()
    {
        NotSupportedException refusal = Assert.Throws<NotSupportedException>(() => CellAccess.Of(typeof(CellOfAnotherVersion)));

        Assert.Contains("Use a version of Akka 1.5", refusal.Message);
        Assert.Contains("CellOfAnotherVersion.Sender", refusal.Message);
    }

    [Fact]
    public void Configuration_can_put_all_actors_on_hubs()
    {
        const string Executor = """akka.actor.default-dispatcher.executor = "NativeGreenlet.Akka.HubExecutorConfigurator, NativeGreenlet.Akka" """;
        ActorSystem system = ActorSystem.Create("all", ConfigurationFactory.ParseString(Executor));
        IActorRef actor = system.ActorOf(Props.Create(() => new Caller()));

        Assert.True((bool)Ask<object>(actor, new Func<object>(() =>
        {
            Hub.Sleep(TimeSpan.FromMilliseconds(1));
            return Hub.IsInside;
        })));
        Assert.True(system.Terminate().Wait(Patience));
    }

    [Fact]
    public void Configuration_can_name_the_dispatcher_and_change_it()
    {
        using TestSystem test = new(config: "akka.actor.hub-dispatcher.throughput = 7\nakka.actor.deployment { /named { dispatcher = akka.actor.hub-dispatcher } }");

        Assert.Equal("x", Ask<string>(test.System.ActorOf(Props.Create(() => new Echo()), "named"), "x"));
        Assert.Equal(7, test.System.Dispatchers.Lookup(GreenActors.DispatcherId).Throughput);
    }

    private sealed class Parent : ReceiveActor
    {
        private readonly TaskCompletionSource<Exception> _told;

        public Parent(TaskCompletionSource<Exception> told, Props child)
        {
            _told = told;
            Context.ActorOf(child);
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(exception =>
        {
            _told.TrySetResult(exception);
            return Directive.Stop;
        });
    }

    private sealed class Echo : GreenReceiveActor
    {
        public Echo() => ReceiveGreenAny(message => Sender.Tell(message));
    }

    private sealed class Caller : GreenReceiveActor
    {
        public Caller() => ReceiveGreen<Func<object>>(call => Sender.Tell(call()));
    }

    private sealed class Stranger : ICanTell
    {
        public void Tell(object message, IActorRef sender)
        {
        }
    }

    private sealed class Late : GreenReceiveActor
    {
        public Late() => ReceiveGreen<string>(_ =>
        {
            try
            {
                ReceiveGreen<int>(_ => Sender.Tell("registered"));
                Sender.Tell("registered");
            }
            catch (InvalidOperationException refusal)
            {
                Sender.Tell(refusal.Message);
            }
        });
    }

    [SuppressMessage("Performance", "CA1812", Justification = "It is looked at, not made.")]
    private sealed class CellOfAnotherVersion
    {
        public string? Sender { get; }
    }
}
