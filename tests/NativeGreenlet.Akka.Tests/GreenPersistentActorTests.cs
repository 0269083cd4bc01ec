using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Akka.Persistence.Journal;
using NativeGreenlet.Akka.Tests.Infrastructure;
using static NativeGreenlet.Akka.Tests.Infrastructure.TestSystem;

namespace NativeGreenlet.Akka.Tests;

/// <summary>Actors whose events are in a journal, in blocking style.</summary>
public class GreenPersistentActorTests
{
    private const string SlowJournal = "akka.persistence.journal.plugin = slow\nslow.class = \"NativeGreenlet.Akka.Tests.GreenPersistentActorTests+Slow, NativeGreenlet.Akka.Tests\"\nslow.plugin-dispatcher = akka.actor.default-dispatcher";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_event_is_written_before_the_handler_goes_on(bool isOnHubs)
    {
        using TestSystem test = new();
        Props props = Props.Create(() => new Ledger("ledger"));
        IActorRef actor = test.System.ActorOf(isOnHubs ? props.OnHubs(test.System) : props);

        int[] totals = Task.WhenAll(Enumerable.Range(1, 20).Select(_ => actor.Ask<int>(1, Patience))).GetAwaiter().GetResult();

        Assert.Equal(Enumerable.Range(1, 20), totals);
        Assert.Equal(Enumerable.Repeat<object>(1, 20), Ask<object[]>(test.Create<Reader>("ledger"), "events"));
    }

    [Fact]
    public void A_restarted_actor_and_one_after_it_have_the_state_of_the_journal()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Ledger>("ledger");
        Assert.Equal(5, Ask<int>(actor, 5));

        actor.Tell(new FormatException());

        Assert.Equal(12, Ask<int>(actor, 7));
        Assert.True(actor.GracefulStop(Patience).Wait(Patience));
        IActorRef later = test.Create<Ledger>("ledger");
        Assert.Equal((12, 2L), Ask<(int, long)>(later, "state"));
        Assert.Equal(13, Ask<int>(later, 1));
    }

    [Fact]
    public void Messages_wait_until_all_is_read_and_others_go_on_meanwhile()
    {
        using TestSystem test = new(config: SlowJournal);
        Slow.Reset();
        IActorRef actor = test.Create<Ledger>("read");
        Task<int> first = actor.Ask<int>(1, Patience);
        Task<int> second = actor.Ask<int>(2, Patience);

        Assert.Equal("here", Ask<string>(test.Create<Bystander>(), "you?"));
        Assert.False(first.IsCompleted);
        Slow.Open.Set();

        Assert.Equal((1, 3), (first.GetAwaiter().GetResult(), second.GetAwaiter().GetResult()));
    }

    [Fact]
    public void Several_events_are_written_as_one()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Ledger>("several");

        Assert.Equal(6, Ask<int>(actor, new[] { 1, 2, 3 }));
        Assert.Equal((6, 3L), Ask<(int, long)>(actor, "state"));
        Assert.Equal((6, 3L), Ask<(int, long)>(test.Create<Ledger>("several"), "state"));
    }

    [Fact]
    public void A_refused_event_is_an_exception_and_the_actor_goes_on()
    {
        using TestSystem test = new(config: SlowJournal);
        Slow.Reset();
        Slow.Open.Set();
        IActorRef actor = test.Create<Ledger>("refused");

        Assert.Equal("refused: True", Ask<string>(actor, Slow.Refused));
        Assert.Equal(1, Ask<int>(actor, 1));
    }

    [Fact]
    public void After_a_failed_write_an_instance_writes_nothing_more_and_the_next_one_does()
    {
        using TestSystem test = new(config: SlowJournal);
        Slow.Reset();
        Slow.Open.Set();
        IActorRef actor = test.Create<Ledger>("failed");

        Assert.Equal("refused: False", Ask<string>(actor, Slow.Failing));
        Assert.Equal("InvalidOperationException", Ask<string>(actor, "again"));
        actor.Tell(new FormatException()); // a restart
        Assert.Equal(1, Ask<int>(actor, 1));
    }

    [Fact]
    public void An_instance_that_is_killed_in_a_write_ends_after_it()
    {
        using TestSystem test = new(config: SlowJournal);
        Slow.Reset();
        Slow.Open.Set();
        IActorRef actor = test.Create<Ledger>("killed");
        Assert.Equal(1, Ask<int>(actor, 1));
        Slow.Open.Reset();
        actor.Tell(2);
        Assert.True(Slow.Begun.Wait(Patience));

        Task<bool> stopped = actor.GracefulStop(Patience);
        Assert.False(stopped.Wait(50));
        Slow.Open.Set();
        Assert.True(stopped.Wait(Patience));

        Assert.Equal((3, 2L), Ask<(int, long)>(test.Create<Ledger>("killed"), "state"));
    }

    [Fact]
    public void A_journal_that_does_not_answer_is_a_failure_of_the_actor()
    {
        using TestSystem test = new(config: SlowJournal);
        Slow.Reset();
        TaskCompletionSource<Exception> told = new();
        test.Create<Parent>(told);

        GreenPersistException failure = Assert.IsType<GreenPersistException>(told.Task.WaitAsync(Patience).GetAwaiter().GetResult());

        Assert.Contains("has not answered", failure.Message);
        Slow.Open.Set();
    }

    [Fact]
    public void Who_persists_while_the_journal_is_read_is_refused()
    {
        using TestSystem test = new();
        Assert.Equal(1, Ask<int>(test.Create<Ledger>("early"), 1));

        Assert.Equal("The events of the journal are not read yet. Persist in handlers, or in OnRecovered.", Ask<string>(test.Create<Hasty>(), "what?"));
    }

    /// <summary>A journal that waits, refuses and fails where the test wants it.</summary>
    public sealed class Slow : MemoryJournal
    {
        internal const string Refused = "refused";
        internal const string Failing = "failing";

        internal static ManualResetEventSlim Open { get; } = new();

        internal static ManualResetEventSlim Begun { get; } = new();

        public static void Reset()
        {
            Open.Reset();
            Begun.Reset();
        }

        // Before it gives the events.
        public override async Task<long> ReadHighestSequenceNrAsync(string persistenceId, long fromSequenceNr, CancellationToken cancellationToken)
        {
            await Task.Run(() => Open.Wait(Patience), cancellationToken);
            return await base.ReadHighestSequenceNrAsync(persistenceId, fromSequenceNr, cancellationToken);
        }

        protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
        {
            AtomicWrite[] all = [.. messages];
            object payload = ((IImmutableList<IPersistentRepresentation>)all[0].Payload)[0].Payload;
            if (payload as string == Failing)
            {
                throw new IOException("no disk");
            }

            if (payload as string == Refused)
            {
                return [new NotSupportedException("no serializer")];
            }

            if (!Open.IsSet)
            {
                Begun.Set();
                await Task.Run(() => Open.Wait(Patience), cancellationToken);
            }

            return await base.WriteMessagesAsync(all, cancellationToken);
        }
    }

    private sealed class Ledger : GreenPersistentActor
    {
        private readonly string _id;
        private int _total;

        public Ledger(string id)
        {
            _id = id;
            Recover<int>(amount => _total += amount);
            ReceiveGreen<FormatException>(failure => throw failure);
            ReceiveGreen<int>(amount =>
            {
                int before = _total;
                Persist(amount);
                _total = before + amount;
                Sender.Tell(_total);
            });
            ReceiveGreen<int[]>(amounts =>
            {
                PersistAll(amounts.Cast<object>());
                _total += amounts.Sum();
                Sender.Tell(_total);
            });
            Receive<string>(text => text == "state", _ => Sender.Tell((_total, LastSequenceNr)));
            ReceiveGreen<string>(text =>
            {
                try
                {
                    Persist(text);
                    Sender.Tell("written");
                }
                catch (GreenPersistException failure)
                {
                    Sender.Tell($"refused: {failure.IsRejected}");
                }
                catch (InvalidOperationException failure)
                {
                    Sender.Tell(failure.GetType().Name);
                }
            });
        }

        public override string PersistenceId => _id;
    }

    private sealed class Reader : GreenPersistentActor
    {
        private readonly List<object> _events = [];

        public Reader(string id)
        {
            PersistenceId = id;
            Recover<object>(_events.Add);
            Receive<string>(_ => Sender.Tell(_events.ToArray()));
        }

        public override string PersistenceId { get; }
    }

    private sealed class Hasty : GreenPersistentActor
    {
        private string? _seen;

        public Hasty()
        {
            Recover<int>(_ =>
            {
                try
                {
                    Persist(1);
                }
                catch (InvalidOperationException exception)
                {
                    _seen = exception.Message;
                }
            });
            Receive<string>(_ => Sender.Tell(_seen));
        }

        public override string PersistenceId => "early";
    }

    private sealed class Impatient : GreenPersistentActor
    {
        public override string PersistenceId => "impatient";

        protected override TimeSpan RecoveryTimeout => TimeSpan.FromMilliseconds(50);
    }

    private sealed class Bystander : ReceiveActor
    {
        public Bystander() => ReceiveAny(_ => Sender.Tell("here"));
    }

    private sealed class Parent : ReceiveActor
    {
        private readonly TaskCompletionSource<Exception> _told;

        public Parent(TaskCompletionSource<Exception> told)
        {
            _told = told;
            Context.ActorOf(Props.Create(() => new Impatient()).WithDispatcher(GreenActors.DispatcherId));
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(exception =>
        {
            _told.TrySetResult(exception);
            return Directive.Stop;
        });
    }
}
