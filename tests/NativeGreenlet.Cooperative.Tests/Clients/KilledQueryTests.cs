using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using MySqlConnector;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Tests.IO;
using Npgsql;

namespace NativeGreenlet.Cooperative.Tests.Clients;

/// <summary>Kills and timeouts in the middle of a query leave the driver's pool of connections as it was.</summary>
public class KilledQueryTests
{
    private const int Rounds = 3;
    private const int Victims = 30; // of each kind in each round
    private const string Short = "0.05"; // seconds that a query takes
    private const string Long = "60";

    [ServerFact("postgres", "postgresql")]
    public async Task Queries_of_PostgreSQL_are_killed_and_timed_out_and_later_ones_are_right()
    {
        using LocalServer server = await PostgresServer.StartAsync();
        await using NpgsqlDataSource source = NpgsqlDataSource.Create($"{PostgresServer.ConnectionString(server)};Maximum Pool Size=20;Timeout=30;Command Timeout=30");
        Check(source.CreateConnection, (i, seconds) => $"select '{i}' || pg_sleep({seconds})");
    }

    [ServerFact(MariaDbServer.Program, MariaDbServer.Package)]
    public async Task Queries_of_MariaDB_are_killed_and_timed_out_and_later_ones_are_right()
    {
        using LocalServer server = MariaDbServer.Start();
        await using MySqlDataSource source = new($"{MariaDbServer.ConnectionString(server)};Maximum Pool Size=20;Connection Timeout=30;Default Command Timeout=30");
        Check(source.CreateConnection, (i, seconds) => $"select concat({i}, left(sleep({seconds}), 0))");
    }

    private static void Check(Func<DbConnection> make, Func<int, string, string> text) => InHub.Run(() =>
    {
        Hub.WaitAll(Enumerable.Range(0, 20).Select(i => Hub.Spawn(() => Query(i))));
        int descriptors = ProcessTests.Descriptors();
        int killed = 0;
        int timedOut = 0;
        List<string> strange = [];
        for (int round = 0; round < Rounds; round++)
        {
            int patience = 5 + (15 * round);
            GreenTask[] victims = [.. Enumerable.Range(0, Victims).Select(i => Hub.Spawn(() => Try(() => Query(i, DurationOf(i)))))];
            GreenTask[] late = [.. Enumerable.Range(0, Victims).Select(i => Hub.Spawn(() => Try(() =>
            {
                if (!GreenTimeout.TryRun(TimeSpan.FromMilliseconds(patience), () => Query(i, DurationOf(i))))
                {
                    timedOut++;
                }
            })))];
            Hub.Sleep(TimeSpan.FromMilliseconds(patience));
            Array.ForEach(victims, victim => victim.Kill(timeout: TimeSpan.Zero));
            Hub.WaitAll([.. victims, .. late]);
            killed += victims.Count(victim => victim.IsKilled);
        }

        Assert.Empty(strange);
        Assert.InRange(killed, 60, Rounds * Victims); // all that take long; a slow machine may be done with the others
        Assert.InRange(timedOut, 60, Rounds * Victims);

        // Undisturbed, all are right.
        List<string> wrong = [];
        Hub.WaitAll(Enumerable.Range(1000, 120).Select(i => Hub.Spawn(() =>
        {
            try
            {
                string answer = Query(i);
                if (answer != i.ToString(CultureInfo.InvariantCulture))
                {
                    wrong.Add($"{answer} instead of {i}");
                }
            }
            catch (Exception exception)
            {
                wrong.Add(exception.Message);
            }
        })));
        Assert.Empty(wrong);
        ProcessTests.Until(() => ProcessTests.Descriptors() <= descriptors + 10);

        // Two of three are never done before they are killed.
        static string DurationOf(int i) => i % 3 == 0 ? Short : Long;

        string Query(int i, string seconds = Short)
        {
            using DbConnection connection = make();
            Hub.Await(connection.OpenAsync);
            using DbCommand command = connection.CreateCommand();
            command.CommandText = text(i, seconds);
            return Convert.ToString(Hub.Await(command.ExecuteScalarAsync), CultureInfo.InvariantCulture)!;
        }

        void Try(Action query)
        {
            try
            {
                query();
            }
            catch (Exception exception) when (exception is not GreenletExit)
            {
                strange.Add(exception.ToString());
            }
        }
    });
}
