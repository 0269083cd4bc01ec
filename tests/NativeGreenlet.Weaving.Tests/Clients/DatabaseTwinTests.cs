using System.Data;
using System.Data.Common;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Weaving.Tests.Clients;

/// <summary>Synchronous calls of clients of databases go to the asynchronous methods inside a hub.</summary>
public class DatabaseTwinTests
{
    private static readonly string[] s_calls =
    [
        "Open", "ChangeDatabase other", "BeginTransaction Unspecified", "Commit", "BeginTransaction Serializable", "Save here", "Rollback", "Prepare", "ExecuteNonQuery", "ExecuteScalar",
        "ExecuteReader Default", "ExecuteReader SingleRow",
    ];

    [Fact]
    public void Outside_of_hubs_the_synchronous_methods_are_called()
    {
        using ScriptedClientTwin.Connection connection = new();

        Assert.Equal("1 x 7 7", Use(connection));
        Assert.Equal(s_calls, connection.Calls);
    }

    [Fact]
    public void Inside_a_hub_the_asynchronous_ones_are_called_and_the_task_parks() => InHub.Run(() =>
    {
        using ScriptedClientTwin.Connection connection = new();
        GreenTask<string> task = Hub.Spawn(() => Use(connection));
        while (connection.Calls.Count == 0)
        {
            Hub.Yield();
        }

        Assert.False(task.IsCompleted);
        connection.Gate.SetResult();

        Assert.Equal("1 x 7 7", task.Result);
        Assert.Equal(s_calls.Select(call => $"{call}, asynchronously"), connection.Calls);
    });

    [Fact]
    public void So_they_are_by_the_interfaces() => InHub.Run(() =>
    {
        using ScriptedClientTwin.Connection connection = new();
        connection.Gate.SetResult();

        Assert.Equal("1 x 7 7", UseInterfaces(connection));
        Assert.Equal(s_calls.Where(call => call[0] != 'S').Select(call => $"{call}, asynchronously"), connection.Calls);
    });

    [Fact]
    public void A_kill_cancels_the_operation() => InHub.Run(() =>
    {
        using ScriptedClientTwin.Connection connection = new();
        GreenTask task = Hub.Spawn(() => connection.Open());
        while (connection.Calls.Count == 0)
        {
            Hub.Yield();
        }

        Assert.True(task.Kill(timeout: TimeSpan.FromMinutes(1)));
        Assert.True(task.IsKilled);
    });

    [Fact]
    public void Asynchronous_methods_that_are_woven_and_call_the_synchronous_ones_call_them_once() => InHub.Run(() =>
    {
        using ScriptedClientTwin.DerivedConnection connection = new();

        connection.Open();

        Assert.Equal((1, 1), (connection.Opened, connection.OpenedAsynchronously));
    });

    [Fact]
    public void A_woven_client_is_called_as_it_is() => InHub.Run(() =>
    {
        using SelfCallingConnection connection = new();

        connection.Open();

        Assert.Equal((1, 0), (connection.Opened, connection.OpenedAsynchronously));
    });

    [Fact]
    public void What_a_client_throws_is_thrown() => InHub.Run(() =>
    {
        using ScriptedClientTwin.Connection connection = new() { Gate = new TaskCompletionSource() };
        connection.Gate.SetException(new TimeoutException("too late"));

        Assert.Equal("too late", Assert.Throws<TimeoutException>(() => connection.Open()).Message);
    });

    private static string Use(DbConnection connection)
    {
        connection.Open();
        connection.ChangeDatabase("other");
        connection.BeginTransaction().Commit();
        DbTransaction transaction = connection.BeginTransaction(IsolationLevel.Serializable);
        transaction.Save("here");
        transaction.Rollback();
        using DbCommand command = connection.CreateCommand();
        command.Prepare();
        string result = $"{command.ExecuteNonQuery()} {command.ExecuteScalar()}";
        using DbDataReader all = command.ExecuteReader();
        using DbDataReader one = command.ExecuteReader(CommandBehavior.SingleRow);
        return $"{result} {Read(all)} {Read(one)}";
    }

    private static string UseInterfaces(IDbConnection connection)
    {
        connection.Open();
        connection.ChangeDatabase("other");
        connection.BeginTransaction().Commit();
        connection.BeginTransaction(IsolationLevel.Serializable).Rollback();
        using IDbCommand command = connection.CreateCommand();
        command.Prepare();
        string result = $"{command.ExecuteNonQuery()} {command.ExecuteScalar()}";
        using IDataReader all = command.ExecuteReader();
        using IDataReader one = command.ExecuteReader(CommandBehavior.SingleRow);
        return $"{result} {Read(all)} {Read(one)}";
    }

    private static string Read(IDataReader reader) => reader.Read() && reader.GetInt32(0) is var number && !reader.Read() && !reader.NextResult() ? $"{number}" : "wrong";
}
