using Akka.Actor;
using Akka.Cluster;
using NativeGreenlet.Akka;
using NativeGreenlet.Cooperative;

namespace AkkaBank;

/// <summary>One account. Each message is handled to its end before the next one begins, although the handlers wait.</summary>
internal sealed class Account : GreenReceiveActor
{
    private long _balance = Bank.Opening;

    public Account()
    {
        ReceiveGreen<Withdraw>(withdraw =>
        {
            bool isCovered = _balance >= withdraw.Amount;
            if (isCovered)
            {
                long before = _balance;
                Hub.Sleep(TimeSpan.FromMilliseconds(1)); // it writes its journal, say
                _balance = before - withdraw.Amount;
            }

            Sender.Tell(new Confirmed(isCovered));
        });
        ReceiveGreen<Deposit>(deposit =>
        {
            long before = _balance;
            Hub.Sleep(TimeSpan.FromMilliseconds(1));
            _balance = before + deposit.Amount;
            Sender.Tell(new Confirmed(true));
        });
        Receive<GetState>(_ => Sender.Tell(new State(_balance, Cluster.Get(Context.System).SelfAddress.ToString())));
    }
}
