using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Event;
using NativeGreenlet.Akka.Tests.Infrastructure;
using static NativeGreenlet.Akka.Tests.Infrastructure.TestSystem;

namespace NativeGreenlet.Akka.Tests;

/// <summary>What becomes of handlers that fail, and of those that wait while their actor is stopped or restarted.</summary>
public class FailureTests
{
    [Fact]
    public void The_supervisor_gets_the_exception_with_its_trace()
    {
        using TestSystem test = new();
        TaskCompletionSource<Exception> told = new();
        IActorRef parent = test.Create<Supervisor>(told);
        FormatException thrown = new("after a wait");

        parent.Tell(thrown);

        Exception seen = told.Task.WaitAsync(Patience).GetAwaiter().GetResult();
        Assert.Same(thrown, seen);
        Assert.Contains(nameof(Deep), seen.StackTrace);
    }

    [Fact]
    public void A_canceled_operation_is_a_failure_as_any_other()
    {
        using TestSystem test = new();
        TaskCompletionSource<Exception> told = new();
        OperationCanceledException thrown = new("canceled");

        test.Create<Supervisor>(told).Tell(thrown);

        Assert.Same(thrown, told.Task.WaitAsync(Patience).GetAwaiter().GetResult());
    }

    [Fact]
    public void A_handler_that_only_throws_can_be_written()
    {
        using TestSystem test = new();
        TaskCompletionSource<Exception> told = new();
        NotSupportedException thrown = new("at once");

        test.Create<Supervisor>(told).Tell(thrown);

        Assert.Same(thrown, told.Task.WaitAsync(Patience).GetAwaiter().GetResult());
    }

    [Fact]
    public void A_restarted_actor_has_new_state_and_keeps_its_mailbox()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Fragile>(new ConcurrentQueue<string>(), new GreenEvent());
        actor.Tell("add");
        actor.Tell(new FormatException());
        Task<int>[] later = [.. Enumerable.Range(0, 10).Select(_ => actor.Ask<int>("add", Patience))];

        Assert.Equal(Enumerable.Range(1, 10), Task.WhenAll(later).GetAwaiter().GetResult());
    }

    [Fact]
    public void A_restart_by_the_parent_kills_what_waits_before_PreRestart()
    {
        using TestSystem test = new();
        ConcurrentQueue<string> log = new();
        GreenEvent entered = new();
        IActorRef parent = test.Create<Family>(log, entered);
        parent.Tell("wait");
        WaitFor(entered);

        parent.Tell(new FormatException("of the parent"));

        Assert.Equal(1, Ask<int>(parent, "ask child")); // new state, and the mailbox is not suspended
        Assert.Equal(["enter", "finally waits", "finally", "PreRestart"], log.Take(4));
    }

    [Fact]
    public void Stopping_kills_what_waits_before_PostStop()
    {
        using TestSystem test = new();
        ConcurrentQueue<string> log = new();
        GreenEvent entered = new();
        IActorRef actor = test.Create<Fragile>(log, entered);
        actor.Tell("wait");
        WaitFor(entered);

        test.System.Stop(actor);
        WaitForEnd(test.System, actor);

        Assert.Equal(["enter", "finally waits", "finally", "PostStop"], log);
    }

    [Fact]
    public void Stopping_kills_the_tasks_that_were_left_behind()
    {
        using TestSystem test = new();
        ConcurrentQueue<string> log = new();
        GreenEvent entered = new();
        IActorRef actor = test.Create<Fragile>(log, entered);
        actor.Tell("leave");
        actor.Tell("wait");
        WaitFor(entered);

        test.System.Stop(actor);
        WaitForEnd(test.System, actor);

        Assert.Equal(["enter", "finally left", "finally waits", "finally", "PostStop"], Sorted(log));
    }

    [Fact]
    public void A_poison_pill_comes_after_the_message_and_those_before_it()
    {
        using TestSystem test = new();
        ConcurrentQueue<string> log = new();
        IActorRef actor = test.Create<Fragile>(log, new GreenEvent());
        Task<int> first = actor.Ask<int>("add", Patience);
        Task<int> second = actor.Ask<int>("add", Patience);
        actor.Tell(PoisonPill.Instance);

        Assert.Equal(1, first.GetAwaiter().GetResult());
        Assert.Equal(2, second.GetAwaiter().GetResult());
        WaitForEnd(test.System, actor);
        Assert.Equal(["PostStop"], log);
    }

    [Fact]
    public void A_handler_that_does_not_end_is_left_behind_after_the_grace()
    {
        using TestSystem test = new(options: new GreenActorOptions { Hubs = 1, StopGrace = TimeSpan.FromMilliseconds(50) });
        ConcurrentQueue<string> log = new();
        GreenEvent entered = new();
        GreenEvent release = new();
        IActorRef actor = test.Create<Stubborn>(log, entered, release);
        actor.Tell("wait");
        WaitFor(entered);

        test.System.Stop(actor);
        WaitForEnd(test.System, actor);

        Assert.Equal(["PostStop"], log);
        release.Set();
        Assert.True(SpinWait.SpinUntil(() => log.Contains("ended"), Patience));
    }

    [Fact]
    public void A_handler_that_kills_its_own_task_is_a_failure()
    {
        using TestSystem test = new();
        TaskCompletionSource<Exception> told = new();
        IActorRef parent = test.Create<Supervisor>(told);

        parent.Tell("kill yourself");

        Assert.IsType<GreenletExit>(Assert.IsType<InvalidOperationException>(told.Task.WaitAsync(Patience).GetAwaiter().GetResult()).InnerException);
    }

    [Fact]
    public void A_kill_that_comes_too_late_is_no_later_handlers()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Fragile>(new ConcurrentQueue<string>(), new GreenEvent());

        Assert.Equal("survived", Ask<string>(actor, "late kill"));
        Assert.Equal(1, Ask<int>(actor, test.Create<Fragile>(new ConcurrentQueue<string>(), new GreenEvent()))); // that of the other, at once after it
    }

    [Fact]
    public void Killing_the_task_of_a_handler_that_has_ended_stops_no_mailbox()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Fragile>(new ConcurrentQueue<string>(), new GreenEvent());
        HashSet<GreenTask> killed = [];

        for (int count = 0; count < 100; count++)
        {
            GreenTask task = Ask<GreenTask>(actor, "task"); // a handler that does not wait cannot be hit
            task.Kill();
            killed.Add(task);
        }

        Assert.True(killed.Count > 1);
    }

    [Theory]
    [InlineData("task")]
    [InlineData("green task")]
    public void A_kill_of_a_handler_that_has_ended_is_no_later_handlers(string question)
    {
        using TestSystem test = new();
        ConcurrentQueue<string> log = new();
        IActorRef actor = test.Create<Fragile>(log, new GreenEvent());
        for (int count = 0; count < 20; count++)
        {
            GreenTask task = Ask<GreenTask>(actor, question);
            GreenEvent entered = new();
            IActorRef later = test.Create<Fragile>(log, entered);
            later.Tell("wait");
            WaitFor(entered);

            task.Kill();

            Assert.True(SpinWait.SpinUntil(() => task.IsCompleted, Patience));
            Assert.Equal(1, Ask<int>(test.Create<Fragile>(log, new GreenEvent()), "add")); // the hub has been there
            Assert.DoesNotContain("finally waits", log);
        }
    }

    [Fact]
    public void An_exception_of_a_task_that_nobody_waits_for_is_in_the_log()
    {
        using TestSystem test = new(config: "akka.loglevel = ERROR");
        TaskCompletionSource<Error> told = new();
        IActorRef listener = test.System.ActorOf(Props.Create(() => new Listener(told)));
        test.System.EventStream.Subscribe(listener, typeof(Error));
        IActorRef actor = test.Create<Fragile>(new ConcurrentQueue<string>(), new GreenEvent());

        actor.Tell("spawn failing");

        Assert.Equal("of a spawned task", told.Task.WaitAsync(Patience).GetAwaiter().GetResult().Cause.Message);
    }

    [Fact]
    public void The_hubs_end_with_the_system()
    {
        int before = Hubs("ending");
        ActorSystem system = ActorSystem.Create("ending");
        IActorRef actor = system.ActorOf(Props.Create(() => new Fragile(new ConcurrentQueue<string>(), new GreenEvent())).OnHubs(system));
        Assert.Equal(1, Ask<int>(actor, "add"));
        Assert.True(Hubs("ending") > before);

        Assert.True(system.Terminate().Wait(Patience));

        Assert.True(SpinWait.SpinUntil(() => Hubs("ending") == before, Patience));
    }

    private static int Hubs(string name) =>
        OperatingSystem.IsLinux()
            ? Directory.GetDirectories("/proc/self/task").Count(task => TryRead(task).StartsWith($"{name} hub", StringComparison.Ordinal))
            : 0;

    private static string TryRead(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm"));
        }
        catch (IOException)
        {
            return string.Empty; // it has just ended
        }
    }

    private static IEnumerable<string> Sorted(IEnumerable<string> log)
    {
        // Two tasks clean up by turns.
        string[] all = [.. log];
        return [all[0], .. all[1..^1].OrderBy(line => line != "finally left").ThenBy(line => line != "finally waits"), all[^1]];
    }

    private static void WaitFor(GreenEvent happened) => Assert.True(SpinWait.SpinUntil(() => happened.IsSet, Patience));

    private static void WaitForEnd(ActorSystem system, IActorRef actor)
    {
        TaskCompletionSource ended = new();
        system.ActorOf(Props.Create(() => new Mourner(actor, ended)));
        ended.Task.WaitAsync(Patience).GetAwaiter().GetResult();
    }

    private static void Deep(Exception exception)
    {
        Hub.Await(Task.Delay(1));
        throw exception;
    }

    private sealed class Mourner : ReceiveActor
    {
        public Mourner(IActorRef actor, TaskCompletionSource ended)
        {
            Context.Watch(actor);
            Receive<Terminated>(_ => ended.TrySetResult());
        }
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(TaskCompletionSource<Error> told) => Receive<Error>(error => told.TrySetResult(error));
    }

    private sealed class Supervisor : GreenReceiveActor
    {
        private readonly TaskCompletionSource<Exception> _told;

        public Supervisor(TaskCompletionSource<Exception> told)
        {
            _told = told;
            IActorRef child = Context.ActorOf(Props.Create(() => new Fragile(new ConcurrentQueue<string>(), new GreenEvent())).WithDispatcher(GreenActors.DispatcherId));
            ReceiveAny(message => child.Forward(message));
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(exception =>
        {
            _told.TrySetResult(exception);
            return Directive.Restart;
        });
    }

    private sealed class Family : GreenReceiveActor
    {
        public Family(ConcurrentQueue<string> log, GreenEvent entered)
        {
            // The child outlives the restart, and is restarted with its parent.
            IActorRef child = Context.Child("child").Equals(ActorRefs.Nobody)
                ? Context.ActorOf(Props.Create(() => new Fragile(log, entered)).WithDispatcher(GreenActors.DispatcherId), "child")
                : Context.Child("child");
            Receive<FormatException>(new Action<FormatException>(failure => throw failure));
            ReceiveGreen<string>(text => text == "ask child", _ => Sender.Tell(child.AskGreen<int>("add", Patience)));
            Receive<string>(text => child.Forward(text));
        }

        protected override void PreRestart(Exception reason, object message)
        {
            // Without the base method, which stops the children.
        }
    }

    private sealed class Fragile : GreenReceiveActor
    {
        private readonly ConcurrentQueue<string> _log;
        private int _count;

        public Fragile(ConcurrentQueue<string> log, GreenEvent entered)
        {
            _log = log;
            ReceiveGreen<NotSupportedException>(failure => throw failure); // the compiler takes it for no asynchronous one
            ReceiveGreen<Exception>(Deep);
            ReceiveGreen<string>(text => text == "add", _ =>
            {
                Hub.Await(Task.Delay(1));
                Sender.Tell(++_count);
            });
            ReceiveGreen<string>(text => text == "late kill", _ =>
            {
                GreenTask self = Hub.CurrentTask;
                GreenEvent woken = new();
                Hub.Spawn(() =>
                {
                    woken.Set();
                    self.Kill(timeout: TimeSpan.Zero);
                });
                woken.Wait();
                Sender.Tell("survived");
            });
            ReceiveGreen<IActorRef>(other =>
            {
                GreenTask self = Hub.CurrentTask;
                other.Forward("add");
                Task.Run(() => self.Kill(timeout: TimeSpan.Zero)).Wait(); // it has no other wait
            });
            Receive<string>(text => text == "task", _ => Sender.Tell(Hub.CurrentTask));
            ReceiveGreen<string>(text => text == "green task", _ => Sender.Tell(Hub.CurrentTask));
            ReceiveGreen<string>(text => text == "kill yourself", _ => Hub.CurrentTask.Kill());
            ReceiveGreen<string>(text => text == "spawn failing", _ => Hub.Spawn(() => throw new FormatException("of a spawned task")));
            ReceiveGreen<string>(text => text == "leave", _ => Hub.Spawn(() =>
            {
                try
                {
                    Hub.Sleep(Timeout.InfiniteTimeSpan);
                }
                finally
                {
                    log.Enqueue("finally left");
                }
            }));
            ReceiveGreen<string>(text => text == "wait", _ =>
            {
                log.Enqueue("enter");
                entered.Set();
                try
                {
                    Hub.Sleep(Timeout.InfiniteTimeSpan);
                }
                finally
                {
                    log.Enqueue("finally waits");
                    Hub.Await(Task.Delay(20));
                    log.Enqueue("finally");
                }
            });
        }

        protected override void PreRestart(Exception reason, object message)
        {
            _log.Enqueue("PreRestart");
            base.PreRestart(reason, message);
        }

        protected override void PostStop() => _log.Enqueue("PostStop");
    }

    private sealed class Stubborn : GreenReceiveActor
    {
        private readonly ConcurrentQueue<string> _log;

        public Stubborn(ConcurrentQueue<string> log, GreenEvent entered, GreenEvent release)
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
                    release.Wait();
                    log.Enqueue("ended");
                }
            });
        }

        protected override void PostStop() => _log.Enqueue("PostStop");
    }
}
