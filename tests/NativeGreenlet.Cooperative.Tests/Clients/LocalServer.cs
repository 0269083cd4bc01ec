using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NativeGreenlet.Cooperative.Tests.Clients;

/// <summary>A real server on a free port of this machine, without rights and with a directory of its own. Disposing of
/// it ends it and removes the directory.</summary>
internal sealed class LocalServer : IDisposable
{
    private const string Nobody = "65534";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("server-");
    private readonly StringBuilder _output = new();
    private Process? _process;

    private LocalServer()
    {
        using TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        Port = ((IPEndPoint)free.LocalEndpoint).Port;
    }

    public int Port { get; }

    public string HomePath => _directory.FullName;

    /// <summary>Under whose name it runs, and what is prepared for it; not root, who may not run some of them.</summary>
    public static string User => Environment.IsPrivilegedProcess ? "nobody" : Environment.UserName;

    /// <summary>Starts a server.</summary>
    /// <param name="program">Its name or path.</param>
    /// <param name="prepare">Makes its files, given the server; returns its arguments.</param>
    public static LocalServer Start(string program, Func<LocalServer, IEnumerable<string>> prepare)
    {
        LocalServer server = new();
        try
        {
            IEnumerable<string> arguments = prepare(server);
            server.HandOver();
            server._process = Process.Start(server.StartInfo(program, arguments))!;
            server.Listen(server._process);
            server.WaitUntilItAccepts();
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>Where a program is, in the places of Debian's packages too; null if it is not installed.</summary>
    public static string? Find(string program)
    {
        string[] postgres = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql") : [];
        return (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator)
            .Concat(["/usr/sbin", "/usr/local/sbin", .. postgres.Select(version => $"{version}/bin")])
            .Select(directory => Path.Combine(directory, program))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>Runs a program as the server's user to its end, to make its files.</summary>
    public void Run(string program, params IEnumerable<string> arguments)
    {
        HandOver();
        using Process process = Process.Start(StartInfo(program, arguments))!;
        Listen(process);
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} failed: {_output}");
        }
    }

    public GreenSocket Connect() => GreenSocket.Connect("127.0.0.1", Port);

    public void Dispose()
    {
        if (_process is { } process)
        {
            // Not at once by SIGKILL: it has children and shared memory.
            Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit();
            if (!process.WaitForExit(TimeSpan.FromSeconds(10)))
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
            }

            process.Dispose();
        }

        _directory.Delete(recursive: true);
    }

    private ProcessStartInfo StartInfo(string program, IEnumerable<string> arguments)
    {
        IEnumerable<string> command = [Find(program) ?? program, .. arguments];
        if (Environment.IsPrivilegedProcess)
        {
            command = ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", .. command];
        }

        return new ProcessStartInfo(command.First(), command.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = HomePath,
            Environment = { ["HOME"] = HomePath, ["LC_ALL"] = "C" },
        };
    }

    private void HandOver()
    {
        if (Environment.IsPrivilegedProcess)
        {
            Process.Start("chown", ["-R", $"{Nobody}:{Nobody}", HomePath]).WaitForExit();
        }
    }

    private void Listen(Process process)
    {
        DataReceivedEventHandler add = (_, line) =>
        {
            lock (_output)
            {
                _output.AppendLine(line.Data);
            }
        };
        process.OutputDataReceived += add;
        process.ErrorDataReceived += add;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    private void WaitUntilItAccepts()
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (true)
        {
            using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(IPAddress.Loopback, Port);
                return;
            }
            catch (SocketException)
            {
                if (_process!.HasExited || watch.Elapsed > s_patience)
                {
                    throw new InvalidOperationException($"{_process.StartInfo.FileName} does not listen: {_output}");
                }

                Thread.Sleep(20);
            }
        }
    }
}
