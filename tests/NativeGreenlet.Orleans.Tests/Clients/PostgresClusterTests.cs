using NativeGreenlet.Cooperative.Tests.Clients;
using NativeGreenlet.Orleans.Tests.Infrastructure;
using NativeGreenlet.OrleansBank;

namespace NativeGreenlet.Orleans.Tests.Clients;

/// <summary>Members and accounts in PostgreSQL, by Orleans' own providers.</summary>
public class PostgresClusterTests
{
    private const int Accounts = 1000;
    private const int Transfers = 2000;

    [ServerFact("postgres", "postgresql")]
    public async Task What_is_stored_is_right_after_a_silo_was_killed()
    {
        using LocalServer server = await PostgresServer.StartAsync();
        string database = $"{PostgresServer.ConnectionString(server)};Maximum Pool Size=20;Timeout=120";
        await BankDatabase.PrepareAsync(database);
        IReadOnlyList<SiloProcess> silos = await SiloProcess.StartAsync(3, database);
        int failures = 0;
        try
        {
            await using BankClient bank = await BankClient.ConnectAsync(silos, database);
            int done = 0;
            Task calls = Parallel.ForEachAsync(Enumerable.Range(0, Transfers), new ParallelOptions { MaxDegreeOfParallelism = 100 }, async (number, _) =>
            {
                Interlocked.Add(ref failures, await bank.TransferAsync(number % Accounts, ((number * 7) + 1) % Accounts, 1 + (number % 50)));
                Interlocked.Increment(ref done);
            });
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref done) > Transfers / 10, TestSilo.Long));
            silos[0].Kill();
            await calls.WaitAsync(TestSilo.Long * 4);
            Assert.Equal(1000L * Accounts, await bank.GetTotalAsync(Accounts).WaitAsync(TestSilo.Long));
        }
        finally
        {
            foreach (SiloProcess silo in silos)
            {
                silo.Dispose();
            }
        }

        // Others read it anew.
        IReadOnlyList<SiloProcess> next = await SiloProcess.StartAsync(1, database);
        try
        {
            await using BankClient bank = await BankClient.ConnectAsync(next, database);
            Assert.Equal(1000L * Accounts, await bank.GetTotalAsync(Accounts).WaitAsync(TestSilo.Long));
        }
        finally
        {
            next[0].Dispose();
        }
    }
}
