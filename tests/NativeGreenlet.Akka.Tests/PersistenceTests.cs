using Akka.Actor;
using Akka.Persistence;
using NativeGreenlet.Akka.Tests.Infrastructure;
using static NativeGreenlet.Akka.Tests.Infrastructure.TestSystem;

namespace NativeGreenlet.Akka.Tests;

/// <summary>Persistent actors on hubs, which have no base class of the package.</summary>
public class PersistenceTests
{
    [Fact]
    public void A_command_may_wait_before_it_persists()
    {
        using TestSystem test = new();
        IActorRef actor = test.Create<Ledger>("ledger");

        int[] totals = Task.WhenAll(Enumerable.Range(1, 20).Select(_ => actor.Ask<int>(1, Patience))).GetAwaiter().GetResult();
        actor.Tell("fail");

        Assert.Equal(Enumerable.Range(1, 20), totals);
        Assert.Equal(21, Ask<int>(actor, 1)); // recovered from its journal
    }

    private sealed class Ledger : ReceivePersistentActor
    {
        private int _total;

        public Ledger(string id)
        {
            PersistenceId = id;
            Recover<int>(amount => _total += amount);
            Command<string>(new Action<string>(_ => throw new FormatException()));
            Command<int>(amount =>
            {
                int before = _total;
                Hub.Sleep(TimeSpan.FromMilliseconds(1));
                Persist(amount, persisted =>
                {
                    _total = before + persisted;
                    Sender.Tell(_total);
                });
            });
        }

        public override string PersistenceId { get; }
    }
}
