using System.Collections.Concurrent;
using Akka.Actor;
using NativeGreenlet.Akka.Tests.Infrastructure;
using static NativeGreenlet.Akka.Tests.Infrastructure.TestSystem;

namespace NativeGreenlet.Akka.Tests;

/// <summary>What handlers have and see: one message at a time, the context of their actor, the stash, timers.</summary>
public class HandlerTests
{
    [Fact]
    public void An_actor_handles_one_message_at_a_time()
    {
        using TestSystem test = new(hubs: 2);
        IActorRef counter = test.Create<Counter>();

        int[] results = Task.WhenAll(Enumerable.Range(0, 200).Select(_ => counter.Ask<int>("add", Patience))).GetAwaiter().GetResult();

        Assert.Equal(Enumerable.Range(1, 200), results);
    }

    [Fact]
    public void Actors_wait_at_the_same_time_on_one_thread()
    {
        using TestSystem test = new();
        CountdownEvent waiting = new(500);
        GreenEvent all = new();
        IActorRef[] actors = [.. Enumerable.Range(0, 500).Select(_ => test.Create<Caller>())];
        ConcurrentDictionary<int, bool> threads = new();
        Task<object>[] answers = [.. actors.Select(actor => actor.Ask<object>(
            new Func<object>(() =>
            {
                threads.TryAdd(Thread(), true);
                waiting.Signal();
                all.Wait();
                threads.TryAdd(Thread(), true);
                return "done";
            }),
            Patience))];

        Assert.True(waiting.Wait(Patience));
        all.Set();
        Task.WhenAll(answers).GetAwaiter().GetResult();
        Assert.Single(threads);

        static int Thread() => GreenletRuntime.Backend == GreenletBackend.Threads ? 0 : Environment.CurrentManagedThreadId; // each task is one there
    }

    [Fact]
    public void Context_Self_and_Sender_are_those_of_the_message_after_a_wait()
    {
        using TestSystem test = new();
        IActorRef[] actors = [.. Enumerable.Range(0, 50).Select(_ => test.Create<Witness>())];

        string[][] seen = Task.WhenAll(actors.SelectMany(actor => Enumerable.Range(0, 5).Select(_ => actor.Ask<string[]>("who", Patience)))).GetAwaiter().GetResult();

        for (int i = 0; i < seen.Length; i++)
        {
            string self = actors[i / 5].Path.ToString();
            Assert.Equal([self, self, seen[i][2], self, self, seen[i][2]], seen[i]);
        }

        Assert.Equal(seen.Length, seen.Select(each => each[2]).Distinct().Count());
    }

    [Fact]
    public void A_task_that_is_left_behind_keeps_the_context_of_its_message()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Forgetful>();
        Task<string> left = actor.Ask<string>("leave", Patience);

        string senderOfSecond = Ask<string>(actor, "open");

        string[] seen = left.GetAwaiter().GetResult().Split(' ');
        Assert.Equal("leave", seen[0]);
        Assert.NotEqual(senderOfSecond, seen[1]);
    }

    [Fact]
    public void A_child_that_fails_is_restarted_when_the_handler_has_ended()
    {
        using TestSystem test = new();
        IActorRef parent = test.Create<ParentOfFailing>();

        // As with ReceiveAsync: Akka keeps a failure for later while the mailbox is suspended.
        Assert.Equal("not yet", Ask<string>(parent, "go"));
        Assert.Equal("restarted", Ask<string>(parent, "look"));
    }

    [Fact]
    public void A_message_can_be_stashed_after_a_wait()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Stasher>();
        Task<string> early = actor.Ask<string>("work", Patience);
        Task<string> second = actor.Ask<string>("work2", Patience);

        actor.Tell("open");

        Assert.Equal("did work", early.GetAwaiter().GetResult());
        Assert.Equal("did work2", second.GetAwaiter().GetResult());
    }

    [Fact]
    public void Become_takes_handlers_that_wait()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Changing>();

        Assert.Equal("first a", Ask<string>(actor, "a"));
        Assert.Equal("second b", Ask<string>(actor, "b"));
        Assert.Equal("first c", Ask<string>(actor, "c"));
    }

    [Fact]
    public void Predicates_types_and_any_choose_the_handler()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Chooser>();

        Assert.Equal("negative", Ask<string>(actor, -1));
        Assert.Equal("large", Ask<string>(actor, 1000));
        Assert.Equal("number", Ask<string>(actor, 1));
        Assert.Equal("type", Ask<string>(actor, 1.5));
        Assert.Equal("any", Ask<string>(actor, "x"));
    }

    [Fact]
    public void Timers_reach_handlers_that_wait()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Ticker>();

        Assert.True(Ask<int>(actor, "three") >= 3);
    }

    [Fact]
    public void A_receive_timeout_comes_after_a_handler_and_not_during_it()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Idler>();

        Assert.Equal("handled, timeout", Ask<string>(actor, "go"));
    }

    [Fact]
    public void PipeTo_and_death_watch_work()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Watcher>();

        Assert.Equal("piped, terminated", Ask<string>(actor, "go"));
    }

    [Fact]
    public void Spawned_tasks_have_the_context()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<FanOut>();

        Assert.Equal(45, Ask<int>(actor, 10));
    }

    [Fact]
    public void An_asynchronous_handler_on_a_hub_keeps_its_context()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Asynchronous>();

        Assert.Equal(actor.Path.ToString(), Ask<string>(actor, "who"));
    }

    [Fact]
    public void PreStart_may_wait_and_other_actors_go_on_meanwhile()
    {
        using TestSystem test = new();
        GreenEvent gate = new();
        IActorRef slow = test.Create<SlowStart>(gate);
        Task<string> answer = slow.Ask<string>("x", Patience);

        Assert.Equal(1, Ask<int>(test.Create<Counter>(), "add"));
        Assert.False(answer.IsCompleted);
        gate.Set();
        Assert.Equal(slow.Path.ToString(), answer.GetAwaiter().GetResult());
    }

    [Fact]
    public void A_synchronous_handler_that_waits_stops_no_other_actor()
    {
        using TestSystem test = new();
        GreenEvent gate = new();
        IActorRef slow = test.Create<SynchronousWaiter>(gate);
        Task<string> answer = slow.Ask<string>("x", Patience);
        Task<string> second = slow.Ask<string>("y", Patience);

        Assert.Equal(1, Ask<int>(test.Create<Counter>(), "add"));
        gate.Set();
        Assert.Equal($"{slow.Path} x", answer.GetAwaiter().GetResult());
        Assert.Equal($"{slow.Path} y", second.GetAwaiter().GetResult());
    }

    [Fact]
    public void An_ambient_value_does_not_leave_the_mailbox()
    {
        using TestSystem test = new();
        IActorRef setter = test.Create<AmbientSetter>();
        IActorRef other = test.Create<AmbientReader>();

        Ask<string>(setter, "x");
        Assert.Equal("none", Ask<string>(other, "x"));
    }

    private sealed class Counter : GreenReceiveActor
    {
        private int _count;

        public Counter() => ReceiveGreen<string>(_ =>
        {
            int before = _count;
            Hub.Yield();
            Hub.Await(Task.Delay(1));
            _count = before + 1;
            Sender.Tell(_count);
        });
    }

    private sealed class Caller : GreenReceiveActor
    {
        public Caller() => ReceiveGreen<Func<object>>(call => Sender.Tell(call()));
    }

    private sealed class Witness : GreenReceiveActor
    {
        public Witness() => ReceiveGreen<string>(_ =>
        {
            string[] before = [Self.Path.ToString(), Context.Self.Path.ToString(), Sender.Path.ToString()];
            Hub.Await(Task.Delay(2));
            Hub.Yield();
            Sender.Tell((string[])[.. before, Self.Path.ToString(), Context.ActorOf(Props.Empty).Path.Parent.ToString(), Sender.Path.ToString()]);
        });
    }

    private sealed class Forgetful : GreenReceiveActor
    {
        private readonly GreenEvent _gate = new();

        public Forgetful()
        {
            ReceiveGreen<string>(text => text == "leave", _ => Hub.Spawn(() =>
            {
                _gate.Wait();
                Sender.Tell($"{((ActorCell)Context).CurrentMessage} {Sender.Path}");
            }));
            ReceiveGreen<string>(_ =>
            {
                _gate.Set();
                Hub.Await(Task.Delay(1));
                Hub.Yield();
                Sender.Tell(Sender.Path.ToString());
            });
        }
    }

    private sealed class ParentOfFailing : GreenReceiveActor
    {
        private readonly TaskCompletionSource _restarted = new();

        public ParentOfFailing()
        {
            ReceiveGreen<string>(text => text == "go", _ =>
            {
                TaskCompletionSource failing = new();
                Context.ActorOf(Props.Create(() => new Failing(failing, _restarted)).WithDispatcher(GreenActors.DispatcherId)).Tell("fail");
                Hub.Await(failing.Task);
                Hub.Await(Task.Delay(20));
                Sender.Tell(_restarted.Task.IsCompleted ? "restarted" : "not yet");
            });
            ReceiveGreen<string>(_ =>
            {
                Hub.Await(_restarted.Task);
                Sender.Tell("restarted");
            });
        }
    }

    private sealed class Failing : ReceiveActor
    {
        private readonly TaskCompletionSource _restarted;

        public Failing(TaskCompletionSource failing, TaskCompletionSource restarted)
        {
            _restarted = restarted;
            Receive<string>(new Action<string>(_ =>
            {
                failing.TrySetResult();
                throw new FormatException("of the child");
            }));
        }

        protected override void PostRestart(Exception reason) => _restarted.TrySetResult();
    }

    private sealed class Stasher : GreenReceiveActor, IWithStash
    {
        public Stasher()
        {
            ReceiveGreen<string>(text => text == "open", _ =>
            {
                Hub.Await(Task.Delay(1));
                Become(Open);
                Stash.UnstashAll();
            });
            ReceiveGreenAny(_ =>
            {
                Hub.Await(Task.Delay(1));
                Stash.Stash();
            });
        }

        public IStash Stash { get; set; } = null!;

        private void Open() => ReceiveGreen<string>(text =>
        {
            Hub.Await(Task.Delay(1));
            Sender.Tell("did " + text);
        });
    }

    private sealed class Changing : GreenReceiveActor
    {
        public Changing() => First();

        private void First() => ReceiveGreen<string>(text => Answer("first " + text, Second));

        private void Second() => ReceiveGreen<string>(text => Answer("second " + text, First));

        private void Answer(string text, Action next)
        {
            Hub.Await(Task.Delay(1));
            Become(next);
            Sender.Tell(text);
        }
    }

    private sealed class Chooser : GreenReceiveActor
    {
        public Chooser()
        {
            ReceiveGreen<int>(number => number < 0, _ => Sender.Tell("negative"));
            ReceiveGreen<int>(_ => Sender.Tell("large"), number => number > 100);
            ReceiveGreen<int>(_ => Sender.Tell("number"));
            ReceiveGreen(typeof(double), _ => Sender.Tell("type"));
            ReceiveGreenAny(_ => Sender.Tell("any"));
        }
    }

    private sealed class Ticker : GreenReceiveActor, IWithTimers
    {
        private readonly List<IActorRef> _asking = [];
        private int _ticks;

        public Ticker()
        {
            ReceiveGreen<string>(text => text == "tick", _ =>
            {
                Hub.Await(Task.Delay(1));
                _ticks++;
                if (_ticks >= 3)
                {
                    _asking.ForEach(each => each.Tell(_ticks));
                    _asking.Clear();
                }
            });
            ReceiveGreen<string>(_ => _asking.Add(Sender));
        }

        public ITimerScheduler Timers { get; set; } = null!;

        protected override void PreStart() => Timers.StartPeriodicTimer("tick", "tick", TimeSpan.FromMilliseconds(5));
    }

    private sealed class Idler : GreenReceiveActor
    {
        private IActorRef? _asking;
        private string _seen = string.Empty;

        public Idler()
        {
            ReceiveGreen<string>(_ =>
            {
                _asking = Sender;
                Context.SetReceiveTimeout(TimeSpan.FromMilliseconds(20));
                Hub.Await(Task.Delay(100));
                _seen += "handled";
            });
            ReceiveGreen<ReceiveTimeout>(_ =>
            {
                Context.SetReceiveTimeout(null);
                _asking.Tell(_seen + ", timeout");
            });
        }
    }

    private sealed class Watcher : GreenReceiveActor
    {
        private IActorRef? _asking;
        private string _seen = string.Empty;

        public Watcher()
        {
            ReceiveGreen<string>(text => text == "go", _ =>
            {
                _asking = Sender;
                Hub.Await(Task.Delay(1));
                Task.FromResult("piped").PipeTo(Self);
            });
            ReceiveGreen<string>(text =>
            {
                Hub.Await(Task.Delay(1));
                _seen = text;
                IActorRef child = Context.ActorOf(Props.Create(() => new Counter()).WithDispatcher(GreenActors.DispatcherId));
                Context.Watch(child);
                child.Tell(PoisonPill.Instance);
            });
            ReceiveGreen<Terminated>(_ =>
            {
                Hub.Await(Task.Delay(1));
                _asking.Tell(_seen + ", terminated");
            });
        }
    }

    private sealed class FanOut : GreenReceiveActor
    {
        public FanOut() => ReceiveGreen<int>(count =>
        {
            GreenPool pool = new(count);
            Sender.Tell(pool.Map(Enumerable.Range(0, count), Square).Sum());
        });

        private static int Square(int number)
        {
            IActorRef child = Context.ActorOf(Props.Create(() => new Echo()).WithDispatcher(GreenActors.DispatcherId));
            Hub.Await(Task.Delay(1));
            Assert.Equal(Context.Self, child.AskGreen<IActorRef>("parent", Patience));
            return child.AskGreen<int>(number, Patience);
        }
    }

    private sealed class Echo : GreenReceiveActor
    {
        public Echo()
        {
            ReceiveGreen<string>(_ => Sender.Tell(Context.Parent));
            ReceiveGreenAny(message => Sender.Tell(message));
        }
    }

    private sealed class Asynchronous : GreenReceiveActor
    {
        public Asynchronous() => ReceiveAsync<string>(async _ =>
        {
            IActorRef sender = Sender;
            await Task.Delay(1);
            await Task.Yield();
            Assert.Equal(sender, Sender);
            Sender.Tell(Self.Path.ToString());
        });
    }

    private sealed class SlowStart : GreenReceiveActor
    {
        private readonly GreenEvent _gate;
        private string _self = string.Empty;

        public SlowStart(GreenEvent gate)
        {
            _gate = gate;
            ReceiveGreen<string>(_ => Sender.Tell(_self));
        }

        protected override void PreStart()
        {
            _gate.Wait();
            _self = Self.Path.ToString();
        }
    }

    private sealed class SynchronousWaiter : GreenReceiveActor
    {
        public SynchronousWaiter(GreenEvent gate) => Receive<string>(text =>
        {
            gate.Wait();
            Sender.Tell($"{Self.Path} {text}");
        });
    }

    private sealed class AmbientSetter : GreenReceiveActor
    {
        public static readonly AsyncLocal<string?> Value = new();

        public AmbientSetter() => Receive<string>(_ =>
        {
            Value.Value = "set";
            Sender.Tell("done");
        });
    }

    private sealed class AmbientReader : GreenReceiveActor
    {
        public AmbientReader() => Receive<string>(_ => Sender.Tell(AmbientSetter.Value.Value ?? "none"));
    }
}
