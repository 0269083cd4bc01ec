using System.Diagnostics;
using NativeGreenlet.Cooperative.Tests.Clients;
using Npgsql;

namespace NativeGreenlet.Weaving.Tests.Clients;

/// <summary>The synchronous interface of Npgsql, woven, against a real server.</summary>
public class NpgsqlTests
{
    private const string Server = "postgres";
    private const string Package = "postgresql";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan s_query = TimeSpan.FromSeconds(600); // longer than the patience: it ends by a kill or not at all

    [Fact]
    public void Npgsql_is_woven() => Assert.True(typeof(NpgsqlConnection).Assembly.IsDefined(typeof(GreenletWovenAttribute), inherit: false));

    [ServerFact(Server, Package)]
    public async Task Synchronous_queries_of_many_tasks_wait_at_the_same_time_on_one_thread()
    {
        const int Count = 50;
        using LocalServer server = await PostgresServer.StartAsync();
        await using NpgsqlDataSource source = Source(server, Count + 2);
        await InHubAsync(() =>
        {
            int thread = Environment.CurrentManagedThreadId;
            using NpgsqlConnection locker = source.OpenConnection();
            Query(locker, "select pg_advisory_lock(1)");
            GreenTask<int>[] tasks = [.. Enumerable.Range(0, Count).Select(i => Hub.Spawn(() =>
            {
                using NpgsqlConnection connection = source.OpenConnection();
                Query(connection, "select pg_advisory_lock_shared(1)");
                Assert.Equal(thread, Environment.CurrentManagedThreadId);
                return (int)Query(connection, $"select {i}")!;
            }))];
            while ((long)Query(locker, "select count(*) from pg_stat_activity where wait_event = 'advisory'")! < Count)
            {
                Hub.Yield(); // the server tells that all of them wait at the same time
            }

            Assert.DoesNotContain(tasks, task => task.IsCompleted);
            Query(locker, "select pg_advisory_unlock(1)");
            Assert.Equal(Enumerable.Range(0, Count), tasks.Select(task => task.Result));
        });
    }

    [ServerFact(Server, Package)]
    public async Task The_pool_is_sound_after_queries_that_were_killed_or_timed_out()
    {
        const int Count = 10;
        using LocalServer server = await PostgresServer.StartAsync();
        await using NpgsqlDataSource source = Source(server, Count + 1);
        await InHubAsync(() =>
        {
            using NpgsqlConnection witness = source.OpenConnection();
            for (int round = 0; round < 3; round++)
            {
                GreenTask[] victims = [.. Enumerable.Range(0, Count).Select(i => Hub.Spawn(() =>
                {
                    using NpgsqlConnection connection = source.OpenConnection();
                    using NpgsqlCommand command = new("select pg_sleep(60)", connection) { CommandTimeout = i % 2 == 0 ? 2 : 0 };
                    command.ExecuteScalar();
                }))];
                while ((long)Query(witness, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'")! < Count && !victims[0].IsCompleted)
                {
                    Hub.Yield();
                }

                for (int i = 1; i < Count; i += 2)
                {
                    victims[i].Kill();
                }

                Assert.All(victims, victim => Assert.True(victim.Join(s_patience), $"{victim} goes on."));
                Assert.All(victims, victim => Assert.False(victim is { IsSuccessful: true, IsKilled: false }, $"{victim} has come to its end."));

                Assert.All(victims.Where((_, i) => i % 2 == 0), victim => Assert.IsType<TimeoutException>(victim.Exception?.InnerException));
            }

            GreenTask<int>[] tasks = [.. Enumerable.Range(0, 120).Select(i => Hub.Spawn(() =>
            {
                using NpgsqlConnection connection = source.OpenConnection();
                return (int)Query(connection, $"select {i}")!;
            }))];
            Assert.Equal(Enumerable.Range(0, 120), tasks.Select(task => task.Result));
        });
    }

    [ServerFact(Server, Package)]
    public async Task A_kill_at_any_moment_of_opening_and_querying_ends_the_task()
    {
        using LocalServer server = await PostgresServer.StartAsync();
        // Otherwise Npgsql tries again without encryption whatever ends the first attempt, and so goes on after a kill.
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(
            $"{PostgresServer.ConnectionString(server)};Maximum Pool Size=8;SSL Mode=Disable;GSS Encryption Mode=Disable");
        await InHubAsync(() =>
        {
            for (int round = 0; round < 60; round++)
            {
                if (round % 6 == 0)
                {
                    source.Clear(); // so that connections are opened, too
                }

                bool hasCome = false;
                GreenTask victim = Hub.Spawn(() =>
                {
                    using NpgsqlConnection connection = source.OpenConnection();
                    Query(connection, "select 1");
                    using NpgsqlCommand command = new($"select pg_sleep({s_query.TotalSeconds})", connection) { CommandTimeout = 0 };
                    command.ExecuteScalar();
                    hasCome = true;
                });
                for (int i = 0; i < round * 3; i++)
                {
                    Hub.Yield();
                }

                bool isDead = victim.Kill(timeout: s_patience);
                Assert.True(isDead && !hasCome, $"round {round}: {victim} goes on after {victim.Exception}");
            }

            using NpgsqlConnection last = source.OpenConnection();
            Assert.Equal(1, Query(last, "select 1"));
        });
    }

    private static NpgsqlDataSource Source(LocalServer server, int connections) =>
        NpgsqlDataSource.Create($"{PostgresServer.ConnectionString(server)};Maximum Pool Size={connections}");

    private static object? Query(NpgsqlConnection connection, string text)
    {
        using NpgsqlCommand command = new(text, connection);
        return command.ExecuteScalar();
    }

    private static Task InHubAsync(Action body) => Hub.RunAsync(body).WaitAsync(s_patience + s_patience);
}
