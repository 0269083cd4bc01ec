using NativeGreenlet.Cooperative.Tests.Infrastructure;
using Npgsql;

namespace NativeGreenlet.Cooperative.Tests.Clients;

/// <summary>A synchronous interface over an asynchronous driver, used from <c>async</c> code: what SQLAlchemy does with
/// greenlet. Npgsql makes its sockets itself, so its asynchronous methods are awaited, at any depth.</summary>
public class PostgresTests
{
    private const string Server = "postgres";
    private const string Package = "postgresql";

    [ServerFact(Server, Package)]
    public async Task A_synchronous_interface_over_an_asynchronous_driver_holds_no_thread()
    {
        const int Count = 20;
        using LocalServer server = await PostgresServer.StartAsync();
        await using NpgsqlDataSource source = NpgsqlDataSource.Create($"{PostgresServer.ConnectionString(server)};Maximum Pool Size=40");
        using Hub hub = Hub.Start();
        await using NpgsqlConnection locker = await source.OpenConnectionAsync();
        Task<string>[] requests = [];
        await hub.InvokeAsync(() =>
        {
            using Witness witness = new();
            Database database = new(locker);
            database.Query("create table item (id int primary key, text text); select pg_advisory_lock(1)");
            requests = [.. Enumerable.Range(0, Count).Select(i => RequestAsync(hub, source, i))];
            while ((long)database.Query("select count(*) from pg_stat_activity where wait_event = 'advisory'")! < Count)
            {
                Hub.Yield(); // the server tells that all of them wait at the same time
            }

            witness.Testify(Count, $"{nameof(Database)}.{nameof(Database.Wait)}(");
            Assert.DoesNotContain(requests, request => request.IsCompleted);
            database.Query("select pg_advisory_unlock(1)");
        }).WaitAsync(InHub.Patience);
        Assert.Equal(Enumerable.Range(0, Count).Select(i => $"row {i}"), await Task.WhenAll(requests).WaitAsync(InHub.Patience));

        // The driver's exception comes through, with the frames of both worlds.
        PostgresException exception = await Assert.ThrowsAsync<PostgresException>(() => RequestAsync(hub, source, 0).WaitAsync(InHub.Patience));
        Assert.Equal(PostgresErrorCodes.UniqueViolation, exception.SqlState);
        Assert.Contains($"{nameof(Npgsql)}.", exception.StackTrace, StringComparison.Ordinal);
        Assert.Contains($"{nameof(Database)}.{nameof(Database.Query)}", exception.StackTrace, StringComparison.Ordinal);
        Assert.Contains(nameof(RequestAsync), exception.StackTrace, StringComparison.Ordinal);
    }

    [ServerFact(Server, Package)]
    public async Task Cancellation_of_async_code_reaches_a_query_inside()
    {
        using LocalServer server = await PostgresServer.StartAsync();
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(PostgresServer.ConnectionString(server));
        using CancellationTokenSource cancellation = new();
        bool isCleanedUp = false;
        Task sleeping = Hub.RunAsync(
            () =>
            {
                using NpgsqlConnection connection = Hub.Await(token => source.OpenConnectionAsync(token).AsTask(), late => late.Dispose());
                try
                {
                    cancellation.CancelAfter(50);
                    new Database(connection).Query("select pg_sleep(60)");
                }
                finally
                {
                    isCleanedUp = true;
                }
            },
            cancellation.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sleeping.WaitAsync(InHub.Patience));
        Assert.True(isCleanedUp);
    }

    // Async code that migrates between threads of the pool, with synchronous code in its middle.
    private static async Task<string> RequestAsync(Hub hub, NpgsqlDataSource source, int id)
    {
        await Task.Delay(1).ConfigureAwait(false);
        string text = await hub.InvokeAsync(() => Store(source, id)).ConfigureAwait(false);
        await Task.Yield();
        return text;
    }

    private static string Store(NpgsqlDataSource source, int id)
    {
        using NpgsqlConnection connection = Hub.Await(token => source.OpenConnectionAsync(token).AsTask(), late => late.Dispose());
        Database database = new(connection);
        database.Query($"insert into item values ({id}, 'row {id}')");
        database.Wait();
        return (string)database.Query($"select text from item where id = {id}")!;
    }

    /// <summary>The library with the synchronous interface.</summary>
    private sealed class Database(NpgsqlConnection connection)
    {
        public object? Query(string text)
        {
            using NpgsqlCommand command = new(text, connection);
            return Hub.Await(command.ExecuteScalarAsync);
        }

        public void Wait() => Query("select pg_advisory_lock_shared(1)");
    }
}
