using System.Collections.Concurrent;
using Akka.Actor;
using NativeGreenlet.Akka.Execution;
using NativeGreenlet.Akka.Tests.Infrastructure;
using static NativeGreenlet.Akka.Tests.Infrastructure.TestSystem;

namespace NativeGreenlet.Akka.Tests;

/// <summary>Handlers run inside the mailbox, and leave it where they wait.</summary>
public class InsideTests
{
    [Fact]
    public void A_handler_that_does_not_wait_has_run_when_Akka_goes_on()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Traced>();

        Assert.Equal("before, handler, after", Ask<string>(actor, "go"));
    }

    [Fact]
    public void A_handler_that_waits_has_the_mailbox_back_when_Akka_goes_on()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Traced>();

        Assert.Equal("before, handler, after", Ask<string>(actor, "wait"));
        Assert.Equal("before, handler, after", Ask<string>(actor, "go"));
    }

    [Fact]
    public void A_system_message_is_processed_while_a_handler_waits()
    {
        using TestSystem test = new();
        GreenEvent gate = new();
        TaskCompletionSource watched = new();
        IActorRef actor = test.Create<Gated>(gate);
        Task<string> answer = actor.Ask<string>("wait", Patience);
        test.System.ActorOf(Props.Create(() => new Watcher(actor, watched)));
        Assert.True(watched.Task.Wait(Patience));

        test.System.Stop(actor); // kills what waits; the watcher is told, so it was added, and the actor ends

        Assert.True(SpinWait.SpinUntil(() => watched.Task.Status == TaskStatus.RanToCompletion, Patience));
        Assert.Equal("terminated", Watcher.Told.Task.WaitAsync(Patience).GetAwaiter().GetResult());
        Assert.False(answer.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_timeout_that_is_not_disposed_of_ends_with_its_message()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Careless>();
        IActorRef other = test.Create<Careless>();
        for (int count = 0; count < 5; count++)
        {
            actor.Tell("limit");
            Task<string> next = actor.Ask<string>("wait", Patience); // is there before the first has been handled, mostly
            Task<string> others = other.Ask<string>("wait", Patience);

            Assert.Equal("waited", next.GetAwaiter().GetResult());
            Assert.Equal("waited", others.GetAwaiter().GetResult());
        }
    }

    [Fact]
    public void A_kill_of_an_ended_handler_does_not_hit_the_next_message_of_its_actor()
    {
        using TestSystem test = new();
        GreenEvent gate = new();
        IActorRef actor = test.Create<Gated>(gate);
        for (int count = 0; count < 20; count++)
        {
            gate.Reset();
            Task<string> first = actor.Ask<string>("wait", Patience); // so that both others are there before they are handled
            Task<GreenTask> task = actor.Ask<GreenTask>("task", Patience);
            Task<string> last = actor.Ask<string>("wait twice", Patience);
            gate.Set();
            Assert.Equal("waited", first.GetAwaiter().GetResult());

            task.GetAwaiter().GetResult().Kill();

            Assert.Equal("waited", last.GetAwaiter().GetResult());
        }
    }

    [Fact]
    public void A_child_that_fails_while_its_parent_waits_is_restarted_afterwards()
    {
        using TestSystem test = new();
        IActorRef parent = test.Create<Parent>();

        Assert.Equal("handled", Ask<string>(parent, "fail child"));
        Assert.Equal("restarted", Ask<string>(parent, "look"));
    }

    // Its kill is part of a restart, which goes on in another task. The stop comes after that.
    [Fact]
    public void A_handler_that_was_killed_does_not_process_system_messages_beside_the_restart()
    {
        using TestSystem test = new();
        ConcurrentQueue<string> log = new();
        GreenEvent entered = new();
        GreenEvent cleaning = new();
        GreenEvent gate = new();
        IActorRef actor = test.Create<Cleaning>(log, entered, cleaning, gate);
        actor.Tell("wait");
        WaitFor(entered);
        ((IInternalActorRef)actor).Suspend();
        ((IInternalActorRef)actor).Restart(new FormatException());
        WaitFor(cleaning);
        Task<bool> end = actor.GracefulStop(Patience);
        ((IInternalActorRef)actor).Stop();

        gate.Set();

        Assert.True(end.GetAwaiter().GetResult());
        Assert.Equal(["cleaned", "PreRestart", "PreRestart has waited", "PostStop"], log);
    }

    // Handlers that wait and such that do not, synchronous ones that wait, failures and stops, in any order.
    [Fact]
    public void One_message_at_a_time_in_random_schedules()
    {
        const int Actors = 40;
        const int Messages = 400;
        using TestSystem test = new(hubs: 2);
        Random random = new(7);
        Tally tally = new();
        IActorRef parent = test.System.ActorOf(Props.Create(() => new Stock(Actors, tally)));
        IActorRef[] actors = Ask<IActorRef[]>(parent, "all");
        for (int count = 0; count < Messages; count++)
        {
            foreach (IActorRef actor in actors)
            {
                actor.Tell(random.Next(60) switch
                {
                    0 => new FormatException("on purpose"),
                    1 => new InvalidOperationException("after a wait, on purpose"),
                    < 10 => "yield",
                    < 20 => "sleep",
                    < 25 => "receive",
                    < 30 => "ask",
                    < 35 => "spawn",
                    _ => (object)count,
                });
            }
        }

        int[] answers = Task.WhenAll(actors.Select(static actor => actor.Ask<int>("count", Patience))).GetAwaiter().GetResult();

        Assert.Equal(0, tally.Overlaps);
        Assert.Equal(Actors * Messages, answers.Sum());
    }

    [Fact]
    public void Actors_that_are_stopped_in_any_moment_end()
    {
        using TestSystem test = new(hubs: 2);
        Random random = new(11);
        Tally tally = new();
        for (int round = 0; round < 300; round++)
        {
            Counts counts = new();
            IActorRef actor = test.System.ActorOf(Props.Create(() => new Busy(tally, counts)).OnHubs(test.System));
            for (int count = random.Next(6); count >= 0; count--)
            {
                actor.Tell(random.Next(4) switch
                {
                    0 => "yield",
                    1 => "sleep",
                    2 => "receive",
                    _ => (object)1,
                });
            }

            Assert.True(actor.GracefulStop(Patience, random.Next(2) == 0 ? PoisonPill.Instance : StopNow.Of(actor, test.System)).GetAwaiter().GetResult());
        }

        Assert.Equal(0, tally.Overlaps);
    }

    [Fact]
    public void Another_Akka_is_refused()
    {
        NotSupportedException refusal = Assert.Throws<NotSupportedException>(() => MailboxAccess.Of(typeof(string), typeof(string)));

        Assert.Contains("System.String.SetAsScheduled", refusal.Message);
        Assert.Contains("Use a version of Akka 1.5", refusal.Message);
    }

    private static void WaitFor(GreenEvent happened) => Assert.True(SpinWait.SpinUntil(() => happened.IsSet, Patience));

    private static class StopNow
    {
        public static object Of(IActorRef actor, ActorSystem system)
        {
            system.Stop(actor);
            return PoisonPill.Instance;
        }
    }

    private sealed class Tally
    {
        public int Overlaps;
    }

    private sealed class Counts
    {
        public int Handled;
        public int Inside;
    }

    private sealed class Traced : GreenReceiveActor
    {
        private readonly List<string> _trace = [];
        private IActorRef _asking = ActorRefs.Nobody;

        public Traced()
        {
            ReceiveGreen<string>(text => text == "wait", _ =>
            {
                Hub.Sleep(TimeSpan.FromMilliseconds(1));
                Hub.Yield();
                Note();
            });
            ReceiveGreen<string>(_ => Note());
        }

        protected override bool AroundReceive(Receive receive, object message)
        {
            _trace.Add("before");
            bool isHandled = base.AroundReceive(receive, message);
            _trace.Add("after");
            _asking.Tell(string.Join(", ", _trace));
            _trace.Clear();
            return isHandled;
        }

        private void Note()
        {
            _trace.Add("handler");
            _asking = Sender;
        }
    }

    private sealed class Gated : GreenReceiveActor
    {
        public Gated(GreenEvent gate)
        {
            ReceiveGreen<string>(text => text == "wait", _ =>
            {
                gate.Wait();
                Sender.Tell("waited");
            });
            ReceiveGreen<string>(text => text == "task", _ => Sender.Tell(Hub.CurrentTask));
            ReceiveGreen<string>(_ =>
            {
                for (int count = 0; count < 10; count++)
                {
                    Hub.Sleep(TimeSpan.FromMilliseconds(1));
                }

                Sender.Tell("waited");
            });
        }
    }

    private sealed class Cleaning : GreenReceiveActor
    {
        private readonly ConcurrentQueue<string> _log;

        public Cleaning(ConcurrentQueue<string> log, GreenEvent entered, GreenEvent cleaning, GreenEvent gate)
        {
            _log = log;
            ReceiveGreen<string>(_ =>
            {
                entered.Set();
                try
                {
                    Hub.Sleep(Timeout.InfiniteTimeSpan);
                }
                finally
                {
                    cleaning.Set();
                    gate.Wait();
                    log.Enqueue("cleaned");
                }
            });
        }

        protected override void PreRestart(Exception reason, object message)
        {
            _log.Enqueue("PreRestart");
            Hub.Sleep(TimeSpan.FromMilliseconds(20));
            _log.Enqueue("PreRestart has waited");
        }

        protected override void PostStop() => _log.Enqueue("PostStop");
    }

    private sealed class Watcher : ReceiveActor
    {
        public static readonly TaskCompletionSource<string> Told = new();

        public Watcher(IActorRef actor, TaskCompletionSource watched)
        {
            Context.Watch(actor);
            watched.TrySetResult();
            Receive<Terminated>(_ => Told.TrySetResult("terminated"));
        }
    }

    private sealed class Careless : GreenReceiveActor
    {
        public Careless()
        {
            ReceiveGreen<string>(text => text == "limit", text =>
            {
                Hub.Yield();
                _ = new GreenTimeout(TimeSpan.FromMilliseconds(5));
            });
            ReceiveGreen<string>(_ =>
            {
                Hub.Sleep(TimeSpan.FromMilliseconds(20));
                Sender.Tell("waited");
            });
        }
    }

    private sealed class Parent : GreenReceiveActor
    {
        private readonly TaskCompletionSource _restarted = new();

        public Parent()
        {
            ReceiveGreen<string>(text => text == "fail child", _ =>
            {
                TaskCompletionSource failing = new();
                Context.ActorOf(Props.Create(() => new Failing(failing, _restarted))).Tell("fail");
                Hub.Await(failing.Task);
                Hub.Sleep(TimeSpan.FromMilliseconds(10));
                Sender.Tell(_restarted.Task.IsCompleted ? "restarted too early" : "handled");
            });
            ReceiveGreen<string>(_ =>
            {
                Hub.Await(_restarted.Task);
                Sender.Tell("restarted");
            });
        }
    }

    private sealed class Failing : GreenReceiveActor
    {
        private readonly TaskCompletionSource _restarted;

        public Failing(TaskCompletionSource failing, TaskCompletionSource restarted)
        {
            _restarted = restarted;
            ReceiveGreen<string>(new Action<string>(_ =>
            {
                Hub.Yield();
                failing.TrySetResult();
                throw new FormatException("of the child");
            }));
        }

        protected override void PostRestart(Exception reason) => _restarted.TrySetResult();
    }

    private sealed class Stock : ReceiveActor
    {
        public Stock(int count, Tally tally)
        {
            IActorRef[] actors = [.. Enumerable.Range(0, count).Select(_ =>
            {
                Counts counts = new();
                return Context.ActorOf(Props.Create(() => new Busy(tally, counts)).WithDispatcher(GreenActors.DispatcherId)); // synchronous handlers wait there from the first message on
            })];
            Receive<string>(_ => Sender.Tell(actors));
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(static _ => Directive.Restart);
    }

    private sealed class Busy : GreenReceiveActor
    {
        private readonly Tally _tally;
        private readonly Counts _counts; // outlive a restart
        private readonly IActorRef _self;

        public Busy(Tally tally, Counts counts)
        {
            _tally = tally;
            _counts = counts;
            _self = Self;
            IActorRef? echo = null;
            ReceiveGreen<FormatException>(failure =>
            {
                Do(static () => { });
                throw failure;
            });
            ReceiveGreen<InvalidOperationException>(failure =>
            {
                Do(Hub.Yield);
                throw failure;
            });
            ReceiveGreen<string>(text => text == "yield", _ => Do(Hub.Yield));
            ReceiveGreen<string>(text => text == "sleep", _ => Do(static () => Hub.Sleep(TimeSpan.FromTicks(200))));
            Receive<string>(text => text == "receive", _ => Do(Hub.Yield));
            ReceiveGreen<string>(text => text == "ask", _ => Do(() =>
            {
                echo ??= Context.ActorOf(Props.Create(() => new Echo()));
                Assert.Equal("x", echo.AskGreen<string>("x", Patience));
            }));
            ReceiveGreen<string>(text => text == "spawn", _ => Do(() => Hub.Spawn(() =>
            {
                Hub.Yield();
                Assert.Equal(_self, Self);
            }).Join()));
            ReceiveGreen<string>(_ => Sender.Tell(_counts.Handled));
            ReceiveGreen<int>(_ => Do(static () => { }));
        }

        private void Do(Action wait)
        {
            if (_counts.Inside++ != 0)
            {
                Interlocked.Increment(ref _tally.Overlaps);
            }

            try
            {
                wait();
                if (!_self.Equals(Self) || !_self.Equals(Context.Self))
                {
                    Interlocked.Increment(ref _tally.Overlaps);
                }

                _counts.Handled++;
            }
            finally
            {
                _counts.Inside--;
            }
        }
    }

    private sealed class Echo : GreenReceiveActor
    {
        public Echo() => ReceiveGreenAny(message => Sender.Tell(message));
    }
}
