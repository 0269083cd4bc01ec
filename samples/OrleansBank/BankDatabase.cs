using Npgsql;

namespace NativeGreenlet.OrleansBank;

/// <summary>The tables of Orleans in a PostgreSQL.</summary>
public static class BankDatabase
{
    private const string Scripts = "https://learn.microsoft.com/dotnet/orleans/host/configuration-guide/adonet-configuration";

    /// <summary>Looks whether they are there. Orleans has scripts that make them, which its packages do not have.</summary>
    /// <param name="database">How to connect to it.</param>
    /// <exception cref="InvalidOperationException">They are not.</exception>
    public static async Task CheckAsync(string database)
    {
        await using NpgsqlConnection connection = new(database);
        await connection.OpenAsync();
        await using NpgsqlCommand asking = new("select to_regclass('orleansquery') is not null", connection);
        if (await asking.ExecuteScalarAsync() is not true)
        {
            throw new InvalidOperationException($"The database has no tables of Orleans. Run its scripts for PostgreSQL there first: Main, Clustering, Persistence ({Scripts}).");
        }
    }
}
