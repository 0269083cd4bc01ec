using MySqlConnector;
using NativeGreenlet.Cooperative.Tests.Clients;

namespace NativeGreenlet.Weaving.Tests.Clients;

/// <summary>The synchronous interface of MySqlConnector, woven, against a real MariaDB.</summary>
public class MySqlConnectorTests
{
    private const int Count = 200;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    [Fact]
    public void MySqlConnector_is_woven() => Assert.True(typeof(MySqlConnection).Assembly.IsDefined(typeof(GreenletWovenAttribute), inherit: false));

    [ServerFact(MariaDbServer.Program, MariaDbServer.Package)]
    public async Task Synchronous_queries_of_many_tasks_wait_at_the_same_time_on_one_thread()
    {
        using LocalServer server = MariaDbServer.Start();
        await using MySqlDataSource source = Source(server);
        await InHubAsync(() =>
        {
            int thread = Environment.CurrentManagedThreadId;
            using MySqlConnection witness = source.OpenConnection();
            Query(witness, "select get_lock('gate', 0)");
            GreenTask<int>[] tasks = [.. Enumerable.Range(0, Count).Select(i => Hub.Spawn(() =>
            {
                using MySqlConnection connection = source.OpenConnection();
                Query(connection, "select get_lock('gate', 600)");
                Assert.True(thread == Environment.CurrentManagedThreadId || GreenletRuntime.Backend == GreenletBackend.Threads);
                Query(connection, "select release_lock('gate')");
                return (int)Query(connection, $"select {i}");
            }))];
            while (CountOf(witness, "User lock") < Count)
            {
                Hub.Yield(); // the server tells that all of them wait at the same time
            }

            Assert.DoesNotContain(tasks, task => task.IsCompleted);
            Query(witness, "select release_lock('gate')");
            Assert.Equal(Enumerable.Range(0, Count), tasks.Select(task => task.Result));
        });
    }

    [ServerFact(MariaDbServer.Program, MariaDbServer.Package)]
    public async Task The_pool_is_sound_after_queries_that_were_killed_or_timed_out()
    {
        const int Every = 5; // one of so many is timed out by the library, the others are killed
        using LocalServer server = MariaDbServer.Start();
        await using MySqlDataSource source = Source(server);
        await InHubAsync(() =>
        {
            using MySqlConnection witness = source.OpenConnection();
            for (int round = 0; round < 3; round++)
            {
                int started = 0;
                GreenTask[] victims = [.. Enumerable.Range(0, Count).Select(i => Hub.Spawn(() =>
                {
                    using MySqlConnection connection = source.OpenConnection();
                    using MySqlCommand command = new("select sleep(20)", connection) { CommandTimeout = i % Every == 0 ? 2 : 0 };
                    started++;
                    command.ExecuteScalar();
                    throw new InvalidOperationException("The query has come to its end.");
                }))];
                while (started < Count)
                {
                    Hub.Yield();
                }

                for (int i = 0; i < Count; i++)
                {
                    if (i % Every != 0)
                    {
                        victims[i].Kill(timeout: TimeSpan.Zero);
                    }
                }

                Assert.All(victims, victim => Assert.True(victim.Join(s_patience), $"{victim} goes on."));
                Assert.All(victims, victim => Assert.IsNotType<InvalidOperationException>(victim.Exception));
                Assert.All(victims.Where((_, i) => i % Every == 0), victim => Assert.IsType<MySqlException>(victim.Exception));
            }

            GreenTask<int>[] tasks = [.. Enumerable.Range(0, 120).Select(i => Hub.Spawn(() =>
            {
                using MySqlConnection connection = source.OpenConnection();
                return (int)Query(connection, $"select {i}");
            }))];
            Assert.Equal(Enumerable.Range(0, 120), tasks.Select(task => task.Result));
        });
    }

    private static MySqlDataSource Source(LocalServer server) =>
        new($"{MariaDbServer.ConnectionString(server)};Maximum Pool Size={Count + 1};Connection Timeout=600;Default Command Timeout=0");

    private static long CountOf(MySqlConnection connection, string state) =>
        Convert.ToInt64(Query(connection, $"select count(*) from information_schema.processlist where state = '{state}'"), System.Globalization.CultureInfo.InvariantCulture);

    private static object Query(MySqlConnection connection, string text)
    {
        using MySqlCommand command = new(text, connection);
        return command.ExecuteScalar()!;
    }

    private static Task InHubAsync(Action body) => Hub.RunAsync(() =>
    {
        Hub.Current.UnhandledException += static (_, _) => { }; // those of hundreds of victims
        body();
    }).WaitAsync(s_patience);
}
