using System.Globalization;
using FreeRedis;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Clients;

/// <summary>FreeRedis, a synchronous Redis client, over <see cref="GreenStream"/>, against a real server.</summary>
public class RedisTests
{
    private const string Server = "redis-server";

    [ServerFact(Server, Server)]
    public void Fifty_clients_of_a_synchronous_library_wait_in_one_thread() => InHub.Run(() =>
    {
        const int Count = 50;
        using LocalServer server = Start();
        using RedisClient other = new StreamRedisClient(server.Connect().GetStream());
        using Witness witness = new();
        GreenTask<string>[] waiting = [.. Enumerable.Range(0, Count).Select(i => Hub.Spawn(() =>
        {
            using RedisClient client = new StreamRedisClient(server.Connect().GetStream());
            client.Set($"key {i}", new string('x', 1000 * i));
            string item = client.BLPop($"list {i}", 60); // the server answers when there is an item
            witness.SeeThread();
            return item + client.Get($"key {i}").Length.ToString(CultureInfo.InvariantCulture);
        }))];
        while (Figure(other, "blocked_clients") < Count)
        {
            Hub.Yield(); // the server itself tells that all of them wait at the same time
        }

        witness.Testify(Count, "FreeRedis.RedisClient.BLPop(");
        for (int i = Count - 1; i >= 0; i--)
        {
            Assert.False(waiting[i].IsCompleted);
            other.RPush($"list {i}", $"item {i} ");
            Assert.Equal($"item {i} {1000 * i}", waiting[i].Result);
        }
    });

    [ServerFact(Server, Server)]
    public void A_call_of_the_library_can_be_killed_and_timed_out() => InHub.Run(() =>
    {
        using LocalServer server = Start();
        using RedisClient other = new StreamRedisClient(server.Connect().GetStream());
        GreenTask victim = Hub.Spawn(() =>
        {
            using RedisClient client = new StreamRedisClient(server.Connect().GetStream());
            client.BLPop("none", 60);
        });
        Await(() => Figure(other, "blocked_clients") == 1);
        Assert.True(victim.Kill(timeout: InHub.Long));
        Await(() => Figure(other, "connected_clients") == 1); // its connection was closed by its cleanup

        using (RedisClient client = new StreamRedisClient(server.Connect().GetStream()))
        {
            Assert.False(GreenTimeout.TryRun(TimeSpan.FromMilliseconds(50), () => client.BLPop("none", 60)));
        }

        Await(() => Figure(other, "connected_clients") == 1);
        Assert.Equal("PONG", other.Ping());
        Assert.Contains("WRONGTYPE", Assert.Throws<RedisServerException>(() =>
        {
            other.Set("text", "1");
            other.RPush("text", "2");
        }).Message, StringComparison.Ordinal);
    });

    private static LocalServer Start() => LocalServer.Start(Server, server =>
        ["--port", $"{server.Port}", "--bind", "127.0.0.1", "--save", string.Empty, "--appendonly", "no", "--dir", server.HomePath]);

    private static void Await(Func<bool> condition)
    {
        while (!condition())
        {
            Hub.Sleep(InHub.Tick);
        }
    }

    private static int Figure(RedisClient client, string name) => int.Parse(
        client.Info("clients").Split('\n').Single(line => line.StartsWith($"{name}:", StringComparison.Ordinal)).Split(':')[1],
        CultureInfo.InvariantCulture);
}
