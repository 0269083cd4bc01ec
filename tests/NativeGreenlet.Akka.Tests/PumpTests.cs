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

        HashSet<Greenlet> first = WaitAll(actors);
        HashSet<Greenlet> second = WaitAll(actors);

        Assert.Equal(Count, first.Count);
        Assert.Equal(Count, second.Count);
        Assert.InRange(second.Except(first).Count(), 0, 2); // one waits for the turn beside them
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

    // All of them at the same time. Tells on which greenlets.
    private static HashSet<Greenlet> WaitAll(IActorRef[] actors)
    {
        Meeting meeting = new(new CountdownEvent(Count), new GreenEvent());
        Task<Greenlet>[] answers = [.. actors.Select(actor => actor.Ask<Greenlet>(meeting, Patience))];
        Assert.True(meeting.AreAllThere.Wait(Patience));
        meeting.GoOn.Set();
        return [.. Task.WhenAll(answers).GetAwaiter().GetResult()];
    }

    private sealed record Meeting(CountdownEvent AreAllThere, GreenEvent GoOn);

    private sealed class Waiter : GreenReceiveActor
    {
        public Waiter()
        {
            ReceiveGreen<Meeting>(meeting =>
            {
                meeting.AreAllThere.Signal();
                meeting.GoOn.Wait();
                Sender.Tell(Greenlet.Current);
            });
            Receive<string>(_ => Sender.Tell(Hub.Current.TaskCount));
        }
    }
}
