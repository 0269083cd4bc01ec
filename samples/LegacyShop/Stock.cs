using Npgsql;

namespace NativeGreenlet.LegacyShop;

/// <summary>What is left, by Npgsql, synchronously.</summary>
public class Stock(NpgsqlDataSource database)
{
    public int LeftOf(int product)
    {
        using NpgsqlCommand command = database.CreateCommand("select amount from stock where product = $1");
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = product });
        return (int)command.ExecuteScalar()!;
    }
}
