using Npgsql;

namespace NativeGreenlet.OrleansBank;

/// <summary>A PostgreSQL that keeps the members of the cluster and the accounts.</summary>
public static class BankDatabase
{
    /// <summary>Makes the tables that Orleans needs, if they are missing. Those that Orleans' own scripts have made stay as they are.</summary>
    /// <param name="database">How to connect to it.</param>
    public static async Task PrepareAsync(string database)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(database);
        await using NpgsqlConnection connection = await source.OpenConnectionAsync();
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync();
        await using NpgsqlBatch batch = new(connection, transaction)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("select pg_advisory_xact_lock(hashtext('bank'))"), // one at a time
                new NpgsqlBatchCommand("select to_regclass('orleansquery') is not null"),
            },
        };
        await using (NpgsqlDataReader reader = await batch.ExecuteReaderAsync())
        {
            await reader.NextResultAsync();
            await reader.ReadAsync();
            if (reader.GetBoolean(0))
            {
                return;
            }
        }

        await using NpgsqlCommand defining = new(BankTables.Definition, connection, transaction);
        await defining.ExecuteNonQueryAsync();
        await using NpgsqlCommand adding = new("insert into OrleansQuery select * from unnest(@keys, @texts)", connection, transaction);
        adding.Parameters.AddWithValue("keys", BankTables.Statements.Keys.ToArray());
        adding.Parameters.AddWithValue("texts", BankTables.Statements.Values.ToArray());
        await adding.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
    }
}
