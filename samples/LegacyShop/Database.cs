using System.Diagnostics;
using NativeGreenlet.Common;
using Npgsql;

namespace NativeGreenlet.LegacyShop;

/// <summary>A PostgreSQL of this machine, started for the sample, with the shop's tables.</summary>
internal sealed class Database : IDisposable
{
    /// <summary>How many products there are, from 1 on.</summary>
    public const int Products = 100;

    private const int MostConnections = 400; // several shops may have one database
    private const string Nobody = "65534";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("shop-");
    private readonly int _port = FreePorts.Find();
    private Process? _process;

    private Database()
    {
    }

    /// <summary>How to connect to it.</summary>
    public string ConnectionString => $"Host=127.0.0.1;Port={_port};Username=shop;Database=postgres;SSL Mode=Disable;GSS Encryption Mode=Disable;Maximum Pool Size=50;Timeout=300";

    /// <summary>Whether PostgreSQL is installed.</summary>
    public static bool IsInstalled => Find("postgres") is not null && Find("initdb") is not null;

    /// <summary>Starts a server with a directory of its own.</summary>
    public static Database Start()
    {
        Database database = new();
        try
        {
            string data = Path.Combine(database._directory.FullName, "data");
            using (Process making = database.Run("initdb", "-D", data, "-A", "trust", "-U", "shop", "-N", "--no-instructions", "-E", "UTF8"))
            {
                making.WaitForExit();
            }

            database._process = database.Run("postgres", "-D", data, "-p", $"{database._port}", "-h", "127.0.0.1", "-k", database._directory.FullName, "-F", "-N", $"{MostConnections}");
            database.MakeTables();
            return database;
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (_process is { } process)
        {
            Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit(); // it has children and shared memory
            if (!process.WaitForExit(TimeSpan.FromSeconds(20)))
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
            }

            process.Dispose();
        }

        _directory.Delete(recursive: true);
    }

    private static string? Find(string program)
    {
        string[] versions = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql") : [];
        return (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator)
            .Concat(versions.Select(version => $"{version}/bin"))
            .Select(directory => Path.Combine(directory, program))
            .FirstOrDefault(File.Exists);
    }

    // PostgreSQL does not run as root.
    private Process Run(string program, params IEnumerable<string> arguments)
    {
        IEnumerable<string> command = [Find(program) ?? program, .. arguments];
        if (Environment.IsPrivilegedProcess)
        {
            Process.Start("chown", ["-R", $"{Nobody}:{Nobody}", _directory.FullName]).WaitForExit();
            command = ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", .. command];
        }

        ProcessStartInfo start = new(command.First(), command.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _directory.FullName,
            Environment = { ["HOME"] = _directory.FullName, ["LC_ALL"] = "C" },
        };
        Process process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void MakeTables()
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using NpgsqlConnection connection = new($"{ConnectionString};Pooling=false");
                connection.Open();
                using NpgsqlCommand command = new(
                    $"""
                    create table product (id int primary key, name text);
                    create table stock (product int primary key, amount int);
                    create table sale (id int primary key, product int);
                    create index on sale (product);
                    insert into product select i, 'product ' || i from generate_series(1, {Products}) i;
                    insert into stock select i, i * 2 from generate_series(1, {Products}) i;
                    insert into sale select i, i % {Products} + 1 from generate_series(1, {Products * 5}) i;
                    analyze
                    """,
                    connection);
                command.ExecuteNonQuery();
                return;
            }
            catch (NpgsqlException) when (watch.Elapsed < s_patience && !_process!.HasExited)
            {
                Thread.Sleep(50); // it does not take connections yet
            }
        }
    }
}
