namespace AkkaBank;

/// <summary>A message for an account; the cluster finds its node by the number.</summary>
internal interface IForAccount
{
    int Account { get; }
}

internal sealed record Deposit(int Account, long Amount) : IForAccount;

internal sealed record Withdraw(int Account, long Amount) : IForAccount;

internal sealed record GetState(int Account) : IForAccount;

internal sealed record Confirmed(bool IsDone);

internal sealed record State(long Balance, string Node);

internal sealed record Transfer(int From, int To, long Amount);
