using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using NativeGreenlet.Akka;
using NativeGreenlet.Cooperative;
using AkkaBank;

const int Transfers = 5_000;
if (args is ["node", var seed])
{
    Bank.Start(seed);
    Console.In.ReadToEnd(); // until the first node ends, however it does. All end together, so nobody has to take over
    return;
}

Bank bank = Bank.Start(null);
Cluster cluster = Cluster.Get(bank.System);
Process[] others = [.. Enumerable.Range(2, Bank.Nodes - 1).Select(_ => StartNode(cluster.SelfAddress.ToString()))];
try
{
    while (await bank.CountNodesAsync() < Bank.Nodes)
    {
        await Task.Delay(100);
    }

    Console.WriteLine($"{Bank.Nodes} nodes are up");
    await Hub.RunAsync(Work);
}
finally
{
    Array.ForEach(others, other => other.StandardInput.Close());
    Array.ForEach(others, other => other.WaitForExit());
}

void Work()
{
    GreenPool pool = new(200);
    State[] before = States(pool);
    Console.WriteLine($"{Bank.Accounts} accounts on {before.Select(state => state.Node).Distinct().Count()} nodes: {before.Sum(state => state.Balance)} in all");
    IActorRef[] tellers = [.. Enumerable.Range(0, 200).Select(_ => bank.System.ActorOf(Props.Create(() => new Teller(bank.AllAccounts)).OnHubs(bank.System)))];
    Stopwatch watch = Stopwatch.StartNew();
    int done = pool.Map(Enumerable.Range(0, Transfers), number => Run(tellers[number % tellers.Length]) ? 1 : 0).Sum();
    Console.WriteLine($"{Transfers} transfers between them");
    Console.Error.WriteLine($"in {watch.Elapsed.TotalSeconds:F1} s; {Transfers - done} accounts had too little");
    Console.WriteLine($"{States(pool).Sum(state => state.Balance)} in all");
}

static bool Run(IActorRef teller)
{
    Random random = Random.Shared;
    return teller.AskGreen<Confirmed>(new Transfer(random.Next(Bank.Accounts), random.Next(Bank.Accounts), random.Next(1, 100))).IsDone;
}

State[] States(GreenPool pool) => [.. pool.Map(Enumerable.Range(0, Bank.Accounts), number => bank.AllAccounts.AskGreen<State>(new GetState(number)))];

static Process StartNode(string first)
{
    string program = Environment.ProcessPath!;
    string[] prefix = Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(Bank).Assembly.Location] : [];
    return Process.Start(new ProcessStartInfo(program, [.. prefix, "node", first]) { RedirectStandardInput = true })!;
}
