using Akka.Actor;
using Akka.Dispatch;
using NativeGreenlet.Akka.Execution;
using NativeGreenlet.Akka.Tests.Infrastructure;
using static NativeGreenlet.Akka.Tests.Infrastructure.TestSystem;

namespace NativeGreenlet.Akka.Tests;

/// <summary>Actors that nobody has put on hubs: they are there all the same.</summary>
public class PlainPropsTests
{
    [Fact]
    public void A_handler_waits_on_a_hub_and_no_message_comes_between()
    {
        const int Messages = 50;
        using TestSystem test = new(hubs: 2);
        IActorRef actor = test.System.ActorOf<Counter>();

        int[] counts = Task.WhenAll(Enumerable.Range(0, Messages).Select(_ => actor.Ask<int>(1, Patience))).GetAwaiter().GetResult();

        Assert.Equal(Enumerable.Range(1, Messages), counts);
    }

    // The thread that makes an actor goes on with its mailbox: it takes the first messages while the actor moves.
    [Fact]
    public void Messages_that_are_there_before_it_is_made_are_handled_on_a_hub_in_order()
    {
        const int Actors = 200;
        using TestSystem test = new(hubs: 2);
        Task<string[]>[] all = [.. Enumerable.Range(0, Actors).Select(_ =>
        {
            IActorRef actor = test.System.ActorOf<Recorder>();
            actor.Tell("a");
            actor.Tell(1); // its handler does not wait
            actor.Tell("b");
            return actor.Ask<string[]>(new object(), Patience);
        })];

        Assert.All(Task.WhenAll(all).GetAwaiter().GetResult(), record => Assert.Equal(["a True", "1", "b True"], record));
    }

    [Fact]
    public void A_failure_restarts_it_and_it_stays_on_the_hub()
    {
        using TestSystem test = new();
        IActorRef actor = test.System.ActorOf<Counter>();
        Assert.Equal(1, Ask<int>(actor, 1));

        actor.Tell("fail");

        Assert.Equal(1, Ask<int>(actor, 1));
    }

    [Fact]
    public void Those_that_are_stopped_at_once_stop()
    {
        using TestSystem test = new(hubs: 2);
        for (int i = 0; i < 200; i++)
        {
            IActorRef actor = test.System.ActorOf<Counter>();
            actor.Tell(1);
            Assert.True(actor.GracefulStop(Patience).GetAwaiter().GetResult());
        }
    }

    [Fact]
    public void Children_of_such_actors_are_there_too()
    {
        using TestSystem test = new();

        Assert.Equal(1, Ask<int>(test.System.ActorOf<Parent>(), "ask the child"));
    }

    [Fact]
    public void Another_Akka_moves_none() => Assert.Null(DispatcherChange.Find(typeof(string), typeof(MessageDispatcher)));

    private sealed class Counter : GreenReceiveActor
    {
        private int _count;

        public Counter()
        {
            ReceiveGreen<int>(by =>
            {
                int before = _count;
                Hub.Sleep(TimeSpan.FromMilliseconds(1));
                _count = before + by;
                Sender.Tell(_count);
            });
            ReceiveGreen<string>(_ =>
            {
                Hub.Yield();
                throw new FormatException();
            });
        }
    }

    private sealed class Recorder : GreenReceiveActor
    {
        private readonly List<string> _record = [];

        public Recorder()
        {
            ReceiveGreen<string>(text =>
            {
                Hub.Yield();
                _record.Add($"{text} {Hub.IsInside && Context.Self.Equals(Self)}");
            });
            Receive<int>(number => _record.Add($"{number}"));
            ReceiveGreenAny(_ => Sender.Tell(_record.ToArray()));
        }
    }

    private sealed class Parent : GreenReceiveActor
    {
        public Parent()
        {
            IActorRef child = Context.ActorOf<Counter>();
            ReceiveGreen<string>(_ => Sender.Tell(child.AskGreen<int>(1)));
        }
    }
}
