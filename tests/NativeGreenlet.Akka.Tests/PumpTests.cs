using Akka.Actor;
using NativeGreenlet.Akka.Tests.Infrastructure;
using static NativeGreenlet.Akka.Tests.Infrastructure.TestSystem;

namespace NativeGreenlet.Akka.Tests;

/// <summary>The tasks that run mailboxes and handlers: as many as wait at the same time, used again, and ended when they are not needed.</summary>
public class PumpTests
{
    private const int Count = 300;

    [Fact]
    public void Handlers_that_wait_run_on_greenlets_that_were_there_before()
    {
        using TestSystem test = new();
        IActorRef[] actors = [.. Enumerable.Range(0, Count).Select(_ => test.Create<Waiter>())];

        // The second message is there when the first has been handled: they are idle for a moment, all at once.
        Meeting first = new();
        Meeting second = new();
        Task<Greenlet>[] before = first.Invite(actors);
        Task<Greenlet>[] after = second.Invite(actors);

        HashSet<Greenlet> old = first.Hold(before);
        HashSet<Greenlet> later = second.Hold(after);

        Assert.Equal((Count, Count), (old.Count, later.Count));
        Assert.InRange(later.Except(old).Count(), 0, 2); // one waits for the turn beside them
    }

    [Fact]
    public void Tasks_that_nobody_needs_end()
    {
        using TestSystem test = new();
        IActorRef[] actors = [.. Enumerable.Range(0, Count).Select(_ => test.Create<Waiter>())];
        WaitAll(actors);
        Assert.InRange(Ask<int>(actors[0], "tasks"), Count, Count + 10);

        Assert.True(SpinWait.SpinUntil(() => Ask<int>(actors[0], "tasks") < 50, Patience));
        Assert.Equal(Count, WaitAll(actors).Count); // and it goes on
    }

    [Fact]
    public void Actors_that_ask_one_of_their_hub_need_few_tasks()
    {
        using TestSystem test = new();
        IActorRef echo = test.Create<Echo>();
        GreenEvent gate = new();
        IActorRef[] actors = [.. Enumerable.Range(0, Count).Select(_ => test.Create<Asker>(echo))];
        Task<string> held = test.Create<Holder>(gate).Ask<string>("hold the thread until all are there", Patience);
        Task<int>[] answers = [.. actors.Select(static actor => actor.Ask<int>("ask", Patience))];
        gate.Set();

        Assert.Equal("held", held.GetAwaiter().GetResult());
        Assert.InRange(Task.WhenAll(answers).GetAwaiter().GetResult().Max(), 1, 100); // not one for each
    }

    [Fact]
    public void Two_that_tell_each_other_for_ever_keep_up_nobody()
    {
        using TestSystem test = new();
        IActorRef one = test.Create<Player>();
        IActorRef two = test.Create<Player>();
        one.Tell(two);
        two.Tell(one);
        one.Tell(1);

        Assert.Equal("x", Ask<string>(test.Create<Echo>(), "x"));
    }

    // All of them at the same time. Tells on which greenlets.
    private static HashSet<Greenlet> WaitAll(IActorRef[] actors)
    {
        Meeting meeting = new();
        return meeting.Hold(meeting.Invite(actors));
    }

    private sealed class Meeting
    {
        private readonly GreenEvent _goOn = new();
        private int _there;

        public Task<Greenlet>[] Invite(IActorRef[] actors) => [.. actors.Select(actor => actor.Ask<Greenlet>(this, Patience))];

        public void Attend()
        {
            Interlocked.Increment(ref _there);
            _goOn.Wait();
        }

        public HashSet<Greenlet> Hold(Task<Greenlet>[] answers)
        {
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref _there) == Count, Patience));
            _goOn.Set();
            return [.. Task.WhenAll(answers).GetAwaiter().GetResult()];
        }
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(message => Sender.Tell(message));
    }

    private sealed class Holder : GreenReceiveActor
    {
        public Holder(GreenEvent gate) => ReceiveGreen<string>(_ =>
        {
            SpinWait.SpinUntil(() => gate.IsSet);
            Sender.Tell("held");
        });
    }

    private sealed class Asker : GreenReceiveActor
    {
        public Asker(IActorRef echo) => ReceiveGreen<string>(text =>
        {
            echo.AskGreen<string>(text, Patience);
            Sender.Tell(Hub.Current.TaskCount);
        });
    }

    private sealed class Player : ReceiveActor
    {
        private IActorRef _other = ActorRefs.Nobody;

        public Player()
        {
            Receive<IActorRef>(other => _other = other);
            Receive<int>(ball => _other.Tell(ball));
        }
    }

    private sealed class Waiter : GreenReceiveActor
    {
        public Waiter()
        {
            ReceiveGreen<Meeting>(meeting =>
            {
                meeting.Attend();
                Sender.Tell(Greenlet.Current);
            });
            Receive<string>(_ => Sender.Tell(Hub.Current.TaskCount));
        }
    }
}
