using Akka.Actor;
using NativeGreenlet.Akka;

namespace AkkaBank;

/// <summary>Transfers money between accounts, wherever they are.</summary>
internal sealed class Teller : GreenReceiveActor
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    public Teller(IActorRef accounts) => ReceiveGreen<Transfer>(transfer =>
    {
        bool isDone = accounts.AskGreen<Confirmed>(new Withdraw(transfer.From, transfer.Amount), s_limit).IsDone;
        if (isDone)
        {
            accounts.AskGreen<Confirmed>(new Deposit(transfer.To, transfer.Amount), s_limit);
        }

        Sender.Tell(new Confirmed(isDone)); // whoever asked for this transfer, still
    });
}
