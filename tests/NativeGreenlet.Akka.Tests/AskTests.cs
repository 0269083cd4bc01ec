using Akka.Actor;
using NativeGreenlet.Akka.Execution;
using NativeGreenlet.Akka.Tests.Infrastructure;
using static NativeGreenlet.Akka.Tests.Infrastructure.TestSystem;

namespace NativeGreenlet.Akka.Tests;

/// <summary>Questions in blocking style.</summary>
public class AskTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_answer_arrives(bool isOnHubs)
    {
        using TestSystem test = new(hubs: 2);
        Props echo = Props.Create(() => new Echo());
        IActorRef other = test.System.ActorOf(isOnHubs ? echo.OnHubs(test.System) : echo);

        Assert.Equal("hello", InHandler(test, () => other.AskGreen<string>("hello")));
    }

    [Fact]
    public void A_selection_can_be_asked()
    {
        using TestSystem test = new();
        test.System.ActorOf(Props.Create(() => new Echo()), "echo");

        Assert.Equal("hello", InHandler(test, () => test.System.ActorSelection("/user/echo").AskGreen<string>("hello")));
    }

    [Fact]
    public void A_task_outside_of_actors_can_ask()
    {
        using TestSystem test = new();
        IActorRef echo = test.Create<Echo>();

        Assert.Equal("hello", Hub.Run(() => echo.AskGreen<string>("hello", Patience)));
    }

    [Fact]
    public void No_answer_in_time_throws_as_Ask_does()
    {
        using TestSystem test = new();
        IActorRef silent = test.System.ActorOf(Props.Create(() => new Silent()));

        AskTimeoutException asked = Assert.Throws<AskTimeoutException>(() => silent.Ask<string>("x", TimeSpan.FromMilliseconds(20)).GetAwaiter().GetResult());
        Assert.Equal(asked.Message, InHandler(test, () => Assert.Throws<AskTimeoutException>(() => silent.AskGreen<string>("x", TimeSpan.FromMilliseconds(20))).Message));
    }

    [Fact]
    public void The_configured_limit_holds()
    {
        using TestSystem test = new(config: "akka.actor.ask-timeout = 20ms");
        IActorRef silent = test.System.ActorOf(Props.Create(() => new Silent()));

        Assert.Contains("0.02", InHandler(test, () => Assert.Throws<AskTimeoutException>(() => silent.AskGreen<string>("x")).Message));
    }

    [Fact]
    public void A_token_and_a_GreenTimeout_end_the_wait()
    {
        using TestSystem test = new();
        IActorRef silent = test.System.ActorOf(Props.Create(() => new Silent()));
        using CancellationTokenSource source = new(20);

        InHandler(test, () =>
        {
            Assert.Equal(source.Token, Assert.ThrowsAny<OperationCanceledException>(() => silent.AskGreen<string>("x", cancellationToken: source.Token)).CancellationToken);
            Assert.Throws<GreenTimeoutException>(() =>
            {
                using GreenTimeout limit = new(TimeSpan.FromMilliseconds(20));
                silent.AskGreen<string>("x");
            });
            return "done";
        });
    }

    [Fact]
    public void A_failure_is_thrown_as_the_same_object()
    {
        using TestSystem test = new();
        FormatException failure = new("of the other");
        IActorRef failing = test.System.ActorOf(Props.Create(() => new Echo()));

        InHandler(test, () =>
        {
            Assert.Same(failure, Assert.Throws<FormatException>(() => failing.AskGreen<string>(new Status.Failure(failure))));
            Assert.Throws<ArgumentException>(() => failing.AskGreen<string>(1));
            return "done";
        });
    }

    [Fact]
    public void Nothing_is_left_of_a_question()
    {
        using TestSystem test = new();
        IActorRef echo = test.Create<Echo>();
        IActorRef silent = test.System.ActorOf(Props.Create(() => new Silent()));

        IActorRefProvider provider = ((ExtendedActorSystem)test.System).Provider;
        string? early = null;
        string path = InHandler(test, () =>
        {
            Assert.Throws<AskTimeoutException>(() => silent.AskGreen<string>("early", TimeSpan.FromMilliseconds(5)));
            early = silent.AskGreen<string>("path", Patience);
            return echo.AskGreen<string>("path");
        });

        Assert.Contains("/temp/", path);
        Assert.All([path, early!], each => Assert.IsNotAssignableFrom<FutureActorRef<string>>(provider.ResolveActorRef(each)));
        Assert.IsAssignableFrom<FutureActorRef<IActorRef>>(InHandler(test, () => test.Create<Resolver>().AskGreen<IActorRef>("x")));
    }

    [Fact]
    public async Task A_late_answer_is_no_deadlock()
    {
        using TestSystem test = new();
        IActorRef slow = test.System.ActorOf(Props.Create(() => new Slow()));
        int suspected = 0;
        await using HubPool pool = new(new HubOptions { DeadlockPatience = TimeSpan.FromMilliseconds(20) }, 1)
        {
            OnHubStarted = hub => hub.DeadlockSuspected += (_, _) => suspected++,
        };

        Assert.Equal("late", await pool.RunAsync(() => slow.AskGreen<string>("x")));
        Assert.Equal(0, suspected);
    }

    [Fact]
    public void A_question_that_is_over_gets_no_place_in_the_system()
    {
        using TestSystem test = new();
        Keeper.Kept = null;
        IActorRef keeper = test.System.ActorOf(Props.Create(() => new Keeper()));

        Assert.Equal("kept", InHandler(test, () => keeper.AskGreen<string>("x")));
        string path = Keeper.Kept!.Path.ToString();
        Assert.Contains("/temp/", path);
        Assert.Equal(path, Keeper.Kept.Path.ToString());
        Assert.IsNotAssignableFrom<FutureActorRef<string>>(((ExtendedActorSystem)test.System).Provider.ResolveActorRef(path));
    }

    [Fact]
    public void An_answer_at_any_moment_ends_the_wait()
    {
        using TestSystem test = new();
        IActorRefProvider provider = ((ExtendedActorSystem)test.System).Provider;
        AskedRef<string>? asked = null;
        bool isOver = false;
        Thread teller = new(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                Interlocked.Exchange(ref asked, null)?.Tell("x", ActorRefs.NoSender);
                Thread.SpinWait(1);
            }
        });
        teller.Start();

        Hub.Run(() =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                AskedRef<string> question = new(new TaskCompletionSource<string>(), provider);
                Volatile.Write(ref asked, question);
                Thread.SpinWait(i % 16);
                Assert.True(question.Wait(Patience, CancellationToken.None));
            }
        });
        Volatile.Write(ref isOver, true);
        teller.Join();
    }

    [Fact]
    public void Actors_that_ask_each_other_in_a_ring_are_quick_and_many()
    {
        using TestSystem test = new(hubs: 2);
        IActorRef next = test.Create<Echo>();
        for (int i = 0; i < 200; i++)
        {
            next = test.Create<Link>(next);
        }

        Assert.Equal(200, Ask<int>(next, 0));
    }

    private static T InHandler<T>(TestSystem test, Func<T> call)
        where T : notnull => Ask<T>(test.Create<Caller>(), new Func<object>(() => call()));

    private sealed class Caller : GreenReceiveActor
    {
        public Caller() => ReceiveGreen<Func<object>>(call =>
        {
            try
            {
                Sender.Tell(call());
            }
            catch (Exception exception)
            {
                Sender.Tell(new Status.Failure(exception));
            }
        });
    }

    private sealed class Link : GreenReceiveActor
    {
        public Link(IActorRef next) => ReceiveGreen<int>(number => Sender.Tell(next.AskGreen<int>(number, Patience) + 1));
    }

    private sealed class Slow : ReceiveActor
    {
        public Slow() => ReceiveAsync<string>(async _ =>
        {
            IActorRef sender = Sender;
            await Task.Delay(500);
            sender.Tell("late");
        });
    }

    private sealed class Keeper : ReceiveActor
    {
        public Keeper() => Receive<string>(_ =>
        {
            Kept = Sender;
            Sender.Tell("kept");
        });

        public static IActorRef? Kept { get; set; }
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo()
        {
            Receive<string>(text => text == "path", _ => Sender.Tell(Sender.Path.ToString()));
            ReceiveAny(message => Sender.Tell(message));
        }
    }

    private sealed class Silent : ReceiveActor
    {
        private string _path = string.Empty;

        public Silent()
        {
            Receive<string>(text => text == "path", _ => Sender.Tell(_path));
            ReceiveAny(_ => _path = Sender.Path.ToString());
        }
    }

    private sealed class Resolver : ReceiveActor
    {
        public Resolver() => ReceiveAny(_ => Sender.Tell(((ExtendedActorSystem)Context.System).Provider.ResolveActorRef(Sender.Path.ToString())));
    }
}
