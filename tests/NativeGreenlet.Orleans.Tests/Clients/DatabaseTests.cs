using NativeGreenlet.Cooperative.Tests.Clients;
using NativeGreenlet.Orleans.Tests.Infrastructure;
using NativeGreenlet.OrleansBank;
using Npgsql;

namespace NativeGreenlet.Orleans.Tests.Clients;

/// <summary>The bank with its members and accounts in a PostgreSQL.</summary>
public class DatabaseTests
{
    private const int Accounts = 100;
    private const int Transfers = 600;
    private const string Server = "postgres";
    private const string Package = "postgresql";

    [ServerFact(Server, Package)]
    public async Task State_is_right_although_a_silo_was_killed()
    {
        using LocalServer server = await PostgresServer.StartAsync();
        string database = PostgresServer.ConnectionString(server);
        await BankDatabase.PrepareAsync(database);
        IReadOnlyList<SiloProcess> silos = await SiloProcess.StartAsync(3, database);
        Guid[] transfers = [.. Enumerable.Range(0, Transfers).Select(static _ => Guid.NewGuid())];
        int made = 0;
        try
        {
            await using BankClient bank = await BankClient.ConnectAsync(silos, database);
            Assert.Equal(1000L * Accounts, await bank.GetTotalAsync(Accounts)); // all are there, on all silos
            Task calls = Parallel.ForEachAsync(Enumerable.Range(0, Transfers), new ParallelOptions { MaxDegreeOfParallelism = 50 }, async (number, _) =>
            {
                await bank.TransferAsync(number % Accounts, ((number * 7) + 1) % Accounts, number % 10, transfers[number]);
                Interlocked.Increment(ref made);
            });
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref made) > Transfers / 10 || calls.IsCompleted, TestSilo.Long));
            silos[2].Kill();
            await calls.WaitAsync(TestSilo.Long * 2); // the engine's own limit for a call is 30 seconds
            Assert.Equal(Transfers, made);
            Assert.Equal(1000L * Accounts, await bank.GetTotalAsync(Accounts));
        }
        finally
        {
            foreach (SiloProcess silo in silos.Reverse())
            {
                silo.Dispose();
            }
        }

        // What counts is what the database has: silos that know nothing of the ones before.
        IReadOnlyList<SiloProcess> later = await SiloProcess.StartAsync(1, database);
        try
        {
            await using BankClient bank = await BankClient.ConnectAsync(later, database);
            long[] expected = [.. Enumerable.Repeat(1000L, Accounts)];
            for (int number = 0; number < Transfers; number++)
            {
                expected[number % Accounts] -= number % 10;
                expected[((number * 7) + 1) % Accounts] += number % 10;
            }

            Assert.Equal(expected, await bank.GetBalancesAsync(Accounts)); // each transfer was made, and once
        }
        finally
        {
            later[0].Dispose();
        }
    }

    [ServerFact(Server, Package)]
    public async Task Tables_that_are_there_stay_as_they_are()
    {
        using LocalServer server = await PostgresServer.StartAsync();
        string database = PostgresServer.ConnectionString(server);
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(database);
        await using (NpgsqlCommand making = source.CreateCommand("create table OrleansQuery (QueryKey text, QueryText text)"))
        {
            await making.ExecuteNonQueryAsync();
        }

        await BankDatabase.PrepareAsync(database);

        await using NpgsqlCommand counting = source.CreateCommand("select count(*) from OrleansQuery");
        Assert.Equal(0L, await counting.ExecuteScalarAsync());
    }
}
