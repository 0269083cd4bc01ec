using System.Diagnostics;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using Npgsql;

namespace NativeGreenlet.Cooperative.Tests.Clients;

/// <summary>Starts PostgreSQL.</summary>
internal static class PostgresServer
{
    private const string Server = "postgres";

    // It accepts connections before it is ready for them, and turns them away meanwhile.
    public static async Task<LocalServer> StartAsync()
    {
        LocalServer server = LocalServer.Start(Server, Configure);
        Stopwatch watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await using NpgsqlConnection connection = new($"{ConnectionString(server)};Pooling=false");
                await connection.OpenAsync();
                return server;
            }
            catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.CannotConnectNow && watch.Elapsed < InHub.Patience)
            {
                await Task.Delay(20);
            }
            catch
            {
                server.Dispose();
                throw;
            }
        }
    }

    public static string ConnectionString(LocalServer server) => $"Host=127.0.0.1;Port={server.Port};Username=test;Database=postgres";

    private static IEnumerable<string> Configure(LocalServer server)
    {
        string data = Path.Combine(server.HomePath, "data");
        server.Run("initdb", "-D", data, "-A", "trust", "-U", "test", "-N", "--no-instructions", "-E", "UTF8");
        return ["-D", data, "-p", $"{server.Port}", "-h", "127.0.0.1", "-k", server.HomePath, "-F"];
    }
}
