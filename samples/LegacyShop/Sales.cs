using Dapper;
using Npgsql;

namespace NativeGreenlet.LegacyShop;

/// <summary>What was sold, by Dapper, synchronously.</summary>
public class Sales(NpgsqlDataSource database)
{
    public long CountOf(int product)
    {
        using NpgsqlConnection connection = database.OpenConnection();
        return connection.QuerySingle<long>("select count(*) from sale where product = @product", new { product });
    }
}
