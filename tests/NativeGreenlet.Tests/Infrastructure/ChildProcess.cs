using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>A managed program that was run in a process of its own, to its end or until its time was up.</summary>
internal sealed class ChildProcess
{
    private const int ShownLines = 40;

    private readonly Lock _lock = new();
    private readonly List<Line> _lines = [];
    private readonly string _command;

    private ChildProcess(string command)
    {
        _command = command;
    }

    public int ExitCode { get; private set; }

    /// <summary>Whether it had to be killed.</summary>
    public bool IsTimedOut { get; private set; }

    public TimeSpan Elapsed { get; private set; }

    /// <summary>What it wrote to its standard output.</summary>
    public string Output => Text(isError: false);

    /// <summary>What it wrote to its standard error.</summary>
    public string Error => Text(isError: true);

    /// <summary>Runs a program that lies beside the tests.</summary>
    /// <param name="assembly">Its file name.</param>
    /// <param name="arguments">Separated by blanks.</param>
    /// <param name="patience">When to kill it.</param>
    /// <param name="environment">Variables to set.</param>
    public static ChildProcess Run(string assembly, string arguments, TimeSpan patience, params (string Name, string Value)[] environment)
    {
        string[] command = ProgramHost.Command(Path.Combine(AppContext.BaseDirectory, assembly));
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = AppContext.BaseDirectory,
        };
        foreach (string argument in arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["DOTNET_DbgEnableMiniDump"] = "0"; // some are meant to crash
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        ChildProcess child = new($"{string.Concat(environment.Select(variable => $"{variable.Name}={variable.Value} "))}{assembly} {arguments}");
        child.Run(start, patience);
        return child;
    }

    /// <summary>The time from a line of its output to its end.</summary>
    public TimeSpan Since(string line)
    {
        lock (_lock)
        {
            Line? found = _lines.LastOrDefault(each => each.Text == line);
            Assert.True(found is not null, $"It did not print '{line}'.\n{this}");
            return Elapsed - found.Time;
        }
    }

    /// <summary>How it ended, and its last lines.</summary>
    public override string ToString()
    {
        StringBuilder text = new();
        _ = text.AppendLine(_command)
            .AppendLine(CultureInfo.InvariantCulture, $"{(IsTimedOut ? "killed" : $"exit code {ExitCode}")} after {Elapsed.TotalSeconds:F1} s");
        lock (_lock)
        {
            foreach (Line line in _lines.TakeLast(ShownLines))
            {
                _ = text.AppendLine(CultureInfo.InvariantCulture, $"{line.Time.TotalSeconds,7:F2} {(line.IsError ? '!' : ' ')} {line.Text}");
            }
        }

        return text.ToString();
    }

    private void Run(ProcessStartInfo start, TimeSpan patience)
    {
        Stopwatch watch = Stopwatch.StartNew();
        using Process process = new() { StartInfo = start };
        process.OutputDataReceived += (_, received) => Add(received.Data, isError: false);
        process.ErrorDataReceived += (_, received) => Add(received.Data, isError: true);
        _ = process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        IsTimedOut = !process.WaitForExit(patience);
        if (IsTimedOut)
        {
            process.Kill(entireProcessTree: true);
        }

        Elapsed = watch.Elapsed;
        process.WaitForExit(); // for the rest of its output
        ExitCode = process.ExitCode;

        void Add(string? text, bool isError)
        {
            if (text is not null)
            {
                lock (_lock)
                {
                    _lines.Add(new Line(watch.Elapsed, isError, text));
                }
            }
        }
    }

    private string Text(bool isError)
    {
        lock (_lock)
        {
            return string.Join('\n', _lines.Where(line => line.IsError == isError).Select(line => line.Text));
        }
    }

    private sealed record Line(TimeSpan Time, bool IsError, string Text);
}
