using Npgsql;

namespace NativeGreenlet.OrleansBank;

/// <summary>The tables of Orleans in a PostgreSQL.</summary>
public static class BankDatabase
{
    /// <summary>Makes them, if they are not there.</summary>
    /// <param name="database">How to connect to it.</param>
    public static async Task PrepareAsync(string database)
    {
        await using NpgsqlConnection connection = new(database);
        await connection.OpenAsync();
        await using NpgsqlCommand asking = new("select to_regclass('orleansquery') is not null", connection);
        if (await asking.ExecuteScalarAsync() is true)
        {
            return;
        }

        foreach (string part in (string[])["Main", "Clustering", "Persistence"])
        {
            string script = Path.Combine(AppContext.BaseDirectory, "postgres", $"PostgreSQL-{part}.sql");
            await using NpgsqlCommand making = new(await File.ReadAllTextAsync(script), connection);
            await making.ExecuteNonQueryAsync();
        }
    }
}
