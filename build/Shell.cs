using System.Diagnostics;

namespace NativeGreenlet.Build;

/// <summary>Runs programs.</summary>
internal static class Shell
{
    private const string Logs = "artifacts/log";
    private const int ShownLines = 30;

    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(10);

    /// <summary>The variables that a child gets besides those of this process; null removes one.</summary>
    public sealed class Variables : Dictionary<string, string?>;

    /// <summary>Whether there is a program of that name on PATH.</summary>
    public static bool Has(string program) => Find(program) is not null;

    /// <summary>Where a program lies.</summary>
    public static string? Find(string program)
    {
        string[] suffixes = OperatingSystem.IsWindows() ? [".exe", ".cmd", ".bat"] : [""];
        if (program.AsSpan().ContainsAny('/', '\\'))
        {
            return File.Exists(program) ? program : null;
        }

        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(directory => suffixes.Select(suffix => Path.Combine(directory, program + suffix)))
            .FirstOrDefault(IsExecutable);
    }

    /// <summary>Runs a program on this one's terminal.</summary>
    /// <returns>Its exit code.</returns>
    public static int Run(string program, IEnumerable<string> arguments, Variables? variables = null, string? directory = null)
    {
        using Process process = Start(program, arguments, variables, directory, _ => { });
        return End(process);
    }

    /// <summary>Runs a program on this one's terminal, and stops when it fails.</summary>
    public static void Require(string program, IEnumerable<string> arguments, Variables? variables = null)
    {
        int code = Run(program, arguments, variables);
        if (code != 0)
        {
            throw new StopException($"{Path.GetFileNameWithoutExtension(program)} ended with {code}");
        }
    }

    /// <summary>Runs a program with its output in artifacts/log/NAME.log; shows the end of that when it fails, unless the caller knows better.</summary>
    public static bool Logged(string name, string program, IEnumerable<string> arguments, string? directory = null, bool showsEnd = true)
    {
        string path = PathOfLog(name);
        int code = Terminal.Watch(name, () => RunInto(path, program, arguments, null, directory));
        if (code != 0 && showsEnd)
        {
            foreach (string line in File.ReadLines(path).TakeLast(ShownLines))
            {
                Console.Error.WriteLine(line);
            }
        }

        return code == 0;
    }

    /// <summary>Where the output of that name goes.</summary>
    public static string PathOfLog(string name) => $"{Logs}/{name}.log";

    /// <summary>Runs a program with its output in a file, and no input. Several may run at a time.</summary>
    /// <returns>Its exit code.</returns>
    public static int RunInto(string path, string program, IEnumerable<string> arguments, Variables? variables = null, string? directory = null)
    {
        _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using StreamWriter log = new(path);
        using Process process = Start(program, arguments, variables, directory, start =>
        {
            start.RedirectStandardInput = true;
            start.RedirectStandardOutput = true;
            start.RedirectStandardError = true;
        });
        process.StandardInput.Close();
        process.OutputDataReceived += Write;
        process.ErrorDataReceived += Write;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return End(process);

        void Write(object sender, DataReceivedEventArgs received)
        {
            if (received.Data is { } line)
            {
                lock (log)
                {
                    log.WriteLine(line);
                }
            }
        }
    }

    /// <summary>Runs a program whose output another part hears line by line; it has no input.</summary>
    /// <param name="hear">Gets each line, of either stream, on any thread.</param>
    /// <param name="mustEnd">Asked each second: whether to end the program and its children.</param>
    /// <returns>Its exit code.</returns>
    public static int Follow(string program, IEnumerable<string> arguments, Variables? variables, Action<string> hear, Func<bool> mustEnd)
    {
        using Process process = Start(program, arguments, variables, null, start =>
        {
            start.RedirectStandardInput = true;
            start.RedirectStandardOutput = true;
            start.RedirectStandardError = true;
        });
        process.StandardInput.Close();
        TaskCompletionSource output = new();
        TaskCompletionSource error = new();
        process.OutputDataReceived += (_, received) => Hear(received.Data, output);
        process.ErrorDataReceived += (_, received) => Hear(received.Data, error);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        while (!process.WaitForExit(s_look))
        {
            if (mustEnd())
            {
                process.Kill(entireProcessTree: true);
            }
        }

        // A child that outlives the program may hold its streams open.
        _ = Task.WaitAll([output.Task, error.Task], s_rest);
        Signals.Remove(process.Id);
        return Signals.IsEnding ? throw new StopException("ended by a signal") : process.ExitCode;

        void Hear(string? line, TaskCompletionSource end)
        {
            if (line is null)
            {
                _ = end.TrySetResult();
            }
            else
            {
                hear(line);
            }
        }
    }

    /// <summary>Runs a program for what it prints; its errors are dropped.</summary>
    public static (int Code, string Output) Capture(string program, params string[] arguments)
    {
        using Process process = Start(program, arguments, null, null, start =>
        {
            start.RedirectStandardOutput = true;
            start.RedirectStandardError = true;
        });
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        return (End(process), output.Trim());
    }

    private static Process Start(string program, IEnumerable<string> arguments, Variables? variables, string? directory, Action<ProcessStartInfo> adapt)
    {
        ProcessStartInfo start = new(Find(program) ?? throw new StopException($"{program} was not found"), arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = directory ?? "",
        };
        foreach ((string name, string? value) in variables ?? [])
        {
            start.Environment[name] = value;
        }

        adapt(start);
        Process process = Process.Start(start)!;
        Signals.Add(process.Id);
        return process;
    }

    private static int End(Process process)
    {
        process.WaitForExit();
        Signals.Remove(process.Id);
        return Signals.IsEnding ? throw new StopException("ended by a signal") : process.ExitCode;
    }

    private static bool IsExecutable(string path)
    {
        const UnixFileMode Any = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return File.Exists(path) && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & Any) != 0);
    }
}
