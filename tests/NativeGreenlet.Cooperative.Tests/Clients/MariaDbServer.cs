namespace NativeGreenlet.Cooperative.Tests.Clients;

/// <summary>Starts MariaDB.</summary>
internal static class MariaDbServer
{
    public const string Program = "mariadbd";
    public const string Package = "mariadb-server";

    public static LocalServer Start() => LocalServer.Start(Program, Configure);

    public static string ConnectionString(LocalServer server) => $"Server=127.0.0.1;Port={server.Port};User=test;Password=test;Database=test;SslMode=None";

    private static IEnumerable<string> Configure(LocalServer server)
    {
        string data = Path.Combine(server.HomePath, "data");
        string start = Path.Combine(server.HomePath, "start.sql");
        File.WriteAllText(start, "create database if not exists test;\ncreate or replace user test@'127.0.0.1' identified by 'test';\ngrant all on test.* to test@'127.0.0.1';\n");
        server.Run("mariadb-install-db", "--no-defaults", $"--datadir={data}", "--auth-root-authentication-method=normal", "--skip-test-db");
        return
        [
            "--no-defaults", $"--datadir={data}", $"--port={server.Port}", "--bind-address=127.0.0.1", $"--socket={server.HomePath}/socket", "--skip-name-resolve",
            $"--pid-file={server.HomePath}/pid", $"--init-file={start}", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M", "--max-connections=1000",
        ];
    }
}
