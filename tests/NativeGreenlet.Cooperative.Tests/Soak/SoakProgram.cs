using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using FreeRedis;
using NativeGreenlet.Cooperative.Tests.Clients;
using NativeGreenlet.Cooperative.Tests.Faults;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Tests.IO;
using Npgsql;

namespace NativeGreenlet.Cooperative.Tests.Soak;

/// <summary>
/// Two hubs use real sockets, PostgreSQL, Redis and programs for some minutes; their tasks are killed and timed out at random,
/// and calls of the system fail. In the end all is right again, and descriptors, threads and memory are what they were.
/// </summary>
public class SoakProgram
{
    /// <summary>How many minutes it takes.</summary>
    public const string Variable = "NATIVEGREENLET_SOAK_MINUTES";

    private const int Workers = 8; // in each hub, of each kind
    private const int Undisturbed = 40; // calls of each kind at the end

    // Those that pass, and that no driver takes for the end of the world.
    private static readonly (string Call, int Error)[] s_faults = [("accept4", 103), ("accept4", 24), ("accept4", 12), ("recv", 104), ("send", 104), ("epoll_ctl", 12), ("epoll_create1", 24), ("eventfd", 24)];

    private readonly ConcurrentDictionary<string, int> _outcomes = [];
    private readonly ConcurrentQueue<string> _wrong = [];
    private readonly Random _random = new(Environment.ProcessId);
    private volatile bool _isPaused;
    private volatile bool _isOver;
    private int _busy;

    [InChild]
    public void It_goes_on_and_all_is_flat() => RunAsync(TimeSpan.FromMinutes(double.Parse(Environment.GetEnvironmentVariable(Variable) ?? "10", CultureInfo.InvariantCulture))).GetAwaiter().GetResult();

    private async Task RunAsync(TimeSpan time)
    {
        bool hasFaults = Environment.GetEnvironmentVariable(SystemFaults.Variable) is not null;
        if (hasFaults)
        {
            SystemFaults.Install();
        }

        using LocalServer? postgres = LocalServer.Find("postgres") is null ? null : await PostgresServer.StartAsync();
        await using NpgsqlDataSource? source = postgres is null ? null : NpgsqlDataSource.Create($"{PostgresServer.ConnectionString(postgres)};Maximum Pool Size=10;Timeout=30");
        using LocalServer? redis = LocalServer.Find("redis-server") is null ? null : LocalServer.Start("redis-server", server =>
            ["--port", $"{server.Port}", "--bind", "127.0.0.1", "--save", string.Empty, "--appendonly", "no", "--dir", server.HomePath]);
        Dictionary<string, Action<int, Random>> kinds = [];
        using Hub first = Hub.Start("first");
        using Hub second = Hub.Start("second");
        first.UnhandledException += (_, e) => Count($"reported {e.Exception.GetType().Name}");
        second.UnhandledException += (_, e) => Count($"reported {e.Exception.GetType().Name}");
        GreenTcpServer? echo = null;
        await first.InvokeAsync(() => echo = null); // it has begun
        Task serving = first.InvokeAsync(() =>
        {
            echo = new GreenTcpServer(new IPEndPoint(IPAddress.Loopback, 0), stream => stream.CopyTo(stream), new GreenPool(40)) { HubCount = 2 };
            echo.Start();
            echo.ServeForever();
        });
        while (Volatile.Read(ref echo) is not { EndPoint.Port: not 0 })
        {
            await Task.Delay(1);
        }

        kinds["echo"] = (i, random) => Echo(echo!.EndPoint.Port, i, random);
        kinds["program"] = (i, _) => Same($"{i}\n", GreenProcess.Run("echo", $"{i}").Output);
        if (source is not null)
        {
            kinds["PostgreSQL"] = (i, _) => Query(source, i);
        }

        if (redis is not null)
        {
            kinds["Redis"] = (i, random) => Call(redis, i, random);
        }

        Console.WriteLine($"{string.Join(", ", kinds.Keys)}; {(hasFaults ? "calls of the system fail" : "without faults of the system")}; {time}");
        Task[] hubs = [.. new[] { first, second }.Select(hub => hub.InvokeAsync(() => Work(kinds)))];
        Stopwatch watch = Stopwatch.StartNew();
        await DisturbAsync(watch, time * 0.3, hasFaults);
        Figures before = await QuietAsync(kinds);
        await DisturbAsync(watch, time, hasFaults);
        Figures after = await QuietAsync(kinds);
        _isOver = true;
        _isPaused = false;
        await Task.WhenAll(hubs).WaitAsync(InHub.Patience);

        await first.InvokeAsync(() => CheckUndisturbed(kinds));
        await first.InvokeAsync(() => echo!.Stop());
        await serving.WaitAsync(InHub.Patience);
        Console.WriteLine(string.Join(", ", _outcomes.OrderBy(each => each.Key).Select(each => $"{each.Key}: {each.Value}")));
        Console.WriteLine($"after a third: {before}");
        Console.WriteLine($"in the end:    {after}");
        Assert.Empty(_wrong);
        Assert.All(kinds.Keys, kind => Assert.True(_outcomes.GetValueOrDefault($"{kind} done") > 0, $"{kind} was never done"));
        Assert.InRange(after.Descriptors, 0, before.Descriptors + 15);
        Assert.InRange(after.Threads, 0, before.Threads + 10);
        Assert.InRange(after.Memory, long.MinValue, before.Memory + (8 << 20)); // a conservative collector may count less than nothing
    }

    // In a hub: until it is over, tasks of each kind, each of which may be killed or run out of time.
    private void Work(Dictionary<string, Action<int, Random>> kinds)
    {
        GreenPool pool = new(Workers * kinds.Count);
        foreach ((string kind, Action<int, Random> action) in kinds)
        {
            for (int i = 0; i < (kind == "program" ? 1 : Workers); i++)
            {
                Random random = new(_random.Next());
                pool.Spawn(() =>
                {
                    while (!_isOver)
                    {
                        if (_isPaused)
                        {
                            Hub.Sleep(InHub.Tick * 5);
                            continue;
                        }

                        Interlocked.Increment(ref _busy);
                        try
                        {
                            Once(kind, action, random);
                        }
                        finally
                        {
                            Interlocked.Decrement(ref _busy);
                        }
                    }
                });
            }
        }

        pool.Join();
    }

    private void Once(string kind, Action<int, Random> action, Random random)
    {
        int number = random.Next();
        TimeSpan patience = TimeSpan.FromMilliseconds(random.Next(30));
        GreenTask task = Hub.Spawn(() =>
        {
            try
            {
                if (random.Next(3) == 0)
                {
                    Count(GreenTimeout.TryRun(patience, () => action(number, random)) ? $"{kind} done" : $"{kind} timed out");
                }
                else
                {
                    action(number, random);
                    Count($"{kind} done");
                }
            }
            catch (Exception exception) when (exception is not (GreenletExit or Xunit.Sdk.XunitException))
            {
                Count($"{kind} failed"); // a call of the system did
            }
        });
        if (random.Next(3) == 0)
        {
            Hub.Sleep(patience);
            task.Kill();
            if (task.IsKilled)
            {
                Count($"{kind} killed");
            }
        }

        task.Join();
        if (task.Exception is { } error)
        {
            _wrong.Enqueue(error.Message);
        }
    }

    private async Task DisturbAsync(Stopwatch watch, TimeSpan until, bool hasFaults)
    {
        while (watch.Elapsed < until)
        {
            (string call, int error) = s_faults[_random.Next(s_faults.Length)];
            if (hasFaults)
            {
                SystemFaults.Arm(call, error, _random.Next(20, 200));
            }

            await Task.Delay(_random.Next(50, 300));
            if (hasFaults && SystemFaults.Arm(call, 0, 0) is > 0 and var hits)
            {
                _outcomes.AddOrUpdate($"{call} failed", hits, (_, count) => count + hits);
            }

            await Task.Delay(_random.Next(100));
        }
    }

    private async Task<Figures> QuietAsync(Dictionary<string, Action<int, Random>> kinds)
    {
        _isPaused = true;
        while (Volatile.Read(ref _busy) != 0)
        {
            await Task.Delay(5);
        }

        await Task.Delay(kinds.Count * 100); // connections that were given up are closed by their servers, too
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        using Process self = Process.GetCurrentProcess();
        Figures figures = new(OperatingSystem.IsLinux() ? ProcessTests.Descriptors() : 0, self.Threads.Count, GC.GetTotalMemory(forceFullCollection: true), self.WorkingSet64);
        _isPaused = false;
        return figures;
    }

    private void CheckUndisturbed(Dictionary<string, Action<int, Random>> kinds)
    {
        foreach ((string kind, Action<int, Random> action) in kinds)
        {
            GreenPool pool = new(10);
            pool.ForEach(Enumerable.Range(0, Undisturbed), i =>
            {
                try
                {
                    action(i, new Random(i));
                }
                catch (Exception exception) when (exception is not GreenletExit)
                {
                    _wrong.Enqueue($"{kind}, undisturbed: {exception}");
                }
            });
        }
    }

    private void Count(string outcome) => _outcomes.AddOrUpdate(outcome, 1, (_, count) => count + 1);

    private static void Same<T>(T expected, T actual) => Assert.Equal(expected, actual);

    private static void Echo(int port, int number, Random random)
    {
        using GreenSocket socket = GreenSocket.Connect("127.0.0.1", port, InHub.Long);
        socket.ReceiveTimeout = InHub.Long;
        using GreenStream stream = socket.GetStream();
        byte[] bytes = new byte[random.Next(1, 20_000)];
        Array.Fill(bytes, (byte)number);
        for (int i = 0; i < 3; i++)
        {
            stream.Write(bytes);
            byte[] answer = new byte[bytes.Length];
            stream.ReadExactly(answer);
            Same(bytes, answer);
        }
    }

    private static void Query(NpgsqlDataSource source, int number)
    {
        using NpgsqlConnection connection = source.CreateConnection();
        Hub.Await(connection.OpenAsync);
        using NpgsqlCommand command = new($"select '{number}' || pg_sleep(0.005)", connection);
        Same(number.ToString(CultureInfo.InvariantCulture), (string)Hub.Await(command.ExecuteScalarAsync)!);
    }

    private static void Call(LocalServer server, int number, Random random)
    {
        using RedisClient client = new StreamRedisClient(server.Connect().GetStream());
        string key = $"list {number} {random.Next()}";
        client.RPush(key, $"{number}");
        Same($"{number}", client.BLPop(key, 10));
        if (random.Next(4) == 0)
        {
            client.BLPop(key, 1); // nothing comes
        }
    }

    private sealed record Figures(int Descriptors, int Threads, long Memory, long WorkingSet)
    {
        public override string ToString() => $"{Descriptors} descriptors, {Threads} threads, {Memory >> 10:N0} KiB managed, {WorkingSet >> 20:N0} MiB resident";
    }
}
