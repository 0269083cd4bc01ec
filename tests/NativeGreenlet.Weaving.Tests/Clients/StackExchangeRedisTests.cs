using NativeGreenlet.Cooperative.Tests.Clients;
using StackExchange.Redis;

namespace NativeGreenlet.Weaving.Tests.Clients;

/// <summary>The synchronous interface of StackExchange.Redis, woven, against a real server. All tasks share one connection.</summary>
public class StackExchangeRedisTests
{
    private const string Server = "redis-server";
    private const int Count = 200;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    [Fact]
    public void StackExchange_Redis_is_woven() => Assert.True(typeof(ConnectionMultiplexer).Assembly.IsDefined(typeof(GreenletWovenAttribute), inherit: false));

    [ServerFact(Server, Server)]
    public async Task Synchronous_commands_of_many_tasks_wait_at_the_same_time_on_one_thread()
    {
        using LocalServer server = Start();
        await InHubAsync(() =>
        {
            int thread = Environment.CurrentManagedThreadId;
            using ConnectionMultiplexer shared = Connect(server, timeout: 600_000);
            using ConnectionMultiplexer other = Connect(server, timeout: 600_000);
            IDatabase database = shared.GetDatabase();
            other.GetDatabase().Execute("CLIENT", "PAUSE", "600000", "WRITE");
            GreenTask<long>[] tasks = [.. Enumerable.Range(0, Count).Select(_ => Hub.Spawn(() =>
            {
                long number = database.StringIncrement("number");
                Assert.True(thread == Environment.CurrentManagedThreadId || GreenletRuntime.Backend == GreenletBackend.Threads);
                return number;
            }))];
            while (shared.GetCounters().TotalOutstanding < Count)
            {
                Hub.Yield(); // all of them wait for an answer at the same time
            }

            Assert.DoesNotContain(tasks, task => task.IsCompleted);
            other.GetDatabase().Execute("CLIENT", "UNPAUSE");
            Assert.Equal(Enumerable.Range(1, Count).Select(i => (long)i), tasks.Select(task => task.Result).Order());
        });
    }

    [ServerFact(Server, Server)]
    public async Task The_connection_is_sound_after_commands_that_were_killed_or_timed_out()
    {
        using LocalServer server = Start();
        await InHubAsync(() =>
        {
            using ConnectionMultiplexer patient = Connect(server, timeout: 600_000);
            using ConnectionMultiplexer impatient = Connect(server, timeout: 500);
            using ConnectionMultiplexer other = Connect(server, timeout: 600_000);
            for (int round = 0; round < 3; round++)
            {
                other.GetDatabase().Execute("CLIENT", "PAUSE", "600000", "WRITE");
                GreenTask[] killed = [.. Enumerable.Range(0, Count / 2).Select(i => Hub.Spawn(() => patient.GetDatabase().StringSet($"killed {i}", i)))];
                GreenTask[] late = [.. Enumerable.Range(0, Count / 2).Select(i => Hub.Spawn(() => impatient.GetDatabase().StringSet($"late {i}", i)))];
                while (patient.GetCounters().TotalOutstanding < Count / 2)
                {
                    Hub.Yield();
                }

                Array.ForEach(killed, victim => victim.Kill(timeout: TimeSpan.Zero));
                Assert.All(killed, victim => Assert.True(victim.Join(s_patience) && victim.IsKilled, $"{victim}: {victim.Exception}"));
                Assert.All(late, victim => Assert.True(victim.Join(s_patience) && victim.Exception is RedisTimeoutException, $"{victim}: {victim.Exception}"));
                other.GetDatabase().Execute("CLIENT", "UNPAUSE");
            }

            IDatabase database = patient.GetDatabase();
            GreenTask<int>[] tasks = [.. Enumerable.Range(0, 120).Select(i => Hub.Spawn(() =>
            {
                database.StringSet($"key {i}", i);
                return (int)database.StringGet($"key {i}");
            }))];
            Assert.Equal(Enumerable.Range(0, 120), tasks.Select(task => task.Result));
        });
    }

    private static LocalServer Start() => LocalServer.Start(Server, server =>
        ["--port", $"{server.Port}", "--bind", "127.0.0.1", "--save", string.Empty, "--appendonly", "no", "--dir", server.HomePath]);

    private static ConnectionMultiplexer Connect(LocalServer server, int timeout) => ConnectionMultiplexer.Connect(new ConfigurationOptions
    {
        EndPoints = { { "127.0.0.1", server.Port } },
        SyncTimeout = timeout,
        AsyncTimeout = 600_000,
        ConnectTimeout = 60_000,
        AllowAdmin = true,
    });

    private static Task InHubAsync(Action body) => Hub.RunAsync(() =>
    {
        Hub.Current.UnhandledException += static (_, _) => { }; // those of hundreds of victims
        body();
    }).WaitAsync(s_patience);
}
