using System.Diagnostics;
using System.Globalization;
using NativeGreenlet.OrleansBank;

//   OrleansBank                   three silos, each a process, and transfers; accounts in the memory of the silos
//   OrleansBank DATABASE          the same with members and accounts in a PostgreSQL, where it makes tables for them: "Host=...;Username=...;Database=..."
//   OrleansBank silo ...          one of them
if (args is ["silo", string port, string gateway, string primary, ..])
{
    await BankSilo.RunAsync(Number(port), Number(gateway), Number(primary), args.Length > 4 ? args[4] : null);
    return;
}

const int Accounts = 100;
const int Transfers = 2000;
string? database = args.Length > 0 ? args[0] : null;
if (database is not null)
{
    await BankDatabase.PrepareAsync(database);
}

IReadOnlyList<SiloProcess> silos = await SiloProcess.StartAsync(3, database);
try
{
    await using BankClient bank = await BankClient.ConnectAsync(silos, database);
    long before = await bank.GetTotalAsync(Accounts);
    Console.WriteLine($"{silos.Count} silos, {Accounts} accounts with {before} in all");
    Random random = new(1);
    Stopwatch watch = Stopwatch.StartNew();
    int failures = 0;
    await Parallel.ForEachAsync(
        Enumerable.Range(0, Transfers).Select(_ => (From: random.Next(Accounts), Step: random.Next(1, Accounts), Amount: random.Next(1, 100))).ToArray(),
        new ParallelOptions { MaxDegreeOfParallelism = 100 },
        async (each, _) => Interlocked.Add(ref failures, await bank.TransferAsync(each.From, (each.From + each.Step) % Accounts, each.Amount)));
    await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{Transfers / watch.Elapsed.TotalSeconds:N0} transfers a second"));
    Console.WriteLine($"{Transfers} transfers in blocking style, 100 at a time; {failures} had to be repeated");
    Console.WriteLine($"{await bank.GetTotalAsync(Accounts)} in all");
}
finally
{
    foreach (SiloProcess silo in silos.Reverse())
    {
        silo.Dispose();
    }
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
