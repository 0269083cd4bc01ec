using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tools.Tests.Infrastructure;

/// <summary>A managed program in a process of its own that a tool looks at while it runs.</summary>
internal sealed class Subject : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2); // on a busy machine

    private readonly Process _process;
    private readonly BlockingCollection<string> _output = [];
    private readonly ConcurrentQueue<string> _seen = new();

    private Subject(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, received) => Add(received.Data);
        _process.ErrorDataReceived += (_, received) => Note(received.Data);
        _ = _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>Starts a static method of this assembly, and returns when it has said that it is ready.</summary>
    public static Subject Start(Action body, params (string Name, string Value)[] environment)
    {
        Assert.True(body.Method.IsStatic, "a child process can only run a static method");
        Subject subject = new(Program(
            typeof(Subject).Assembly.Location,
            [ProgramHost.Child, body.Method.DeclaringType!.FullName!, body.Method.Name],
            environment));
        subject.WaitFor(Ready);
        return subject;
    }

    /// <summary>Starts a program that lies beside the tests, and returns when it has printed a line that starts so.</summary>
    public static Subject Start(string assembly, string arguments, string sign)
    {
        Subject subject = new(Program(Path.Combine(AppContext.BaseDirectory, assembly), arguments.Split(' '), []));
        subject.WaitFor(sign);
        return subject;
    }

    /// <summary>What a subject prints when the tool may look at it.</summary>
    public const string Ready = "ready";

    /// <summary>What a subject does: says that it is ready, and waits until the tool has looked.</summary>
    public static void ReadyAndWait()
    {
        Console.WriteLine(Ready);
        _ = Console.In.ReadLine();
    }

    /// <summary>Returns when it uses no processor any more: it has come to where it waits.</summary>
    public void WaitUntilIdle()
    {
        TimeSpan before;
        Stopwatch watch = Stopwatch.StartNew();
        do
        {
            Assert.True(watch.Elapsed < s_patience, "It does not come to rest.");
            before = _process.TotalProcessorTime;
            Thread.Sleep(300);
            _process.Refresh();
        }
        while (_process.TotalProcessorTime != before);
    }

    /// <summary>Lets it go on and come to its end, which must be a good one.</summary>
    public string Finish()
    {
        _process.StandardInput.Close();
        bool hasEnded = _process.WaitForExit(s_patience);
        Assert.True(hasEnded, $"It did not end.\n{this}");
        _process.WaitForExit(); // for the rest of its output
        Assert.True(_process.ExitCode == 0, string.Create(CultureInfo.InvariantCulture, $"It ended with {_process.ExitCode}.\n{this}"));
        return ToString();
    }

    /// <summary>All that it has printed so far.</summary>
    public override string ToString() => string.Join('\n', _seen);

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit(); // for the rest of its output, which would find nothing to go to
        _process.Dispose();
        _output.Dispose();
    }

    private static ProcessStartInfo Program(string assembly, IEnumerable<string> arguments, (string Name, string Value)[] environment)
    {
        string[] command = ProgramHost.Command(assembly);
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        start.Environment["NATIVEGREENLET_BACKEND"] = "segments";
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private void WaitFor(string sign)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (watch.Elapsed < s_patience)
        {
            if (_output.TryTake(out string? line, TimeSpan.FromMilliseconds(100)))
            {
                if (line.StartsWith(sign, StringComparison.Ordinal))
                {
                    return;
                }
            }
            else if (_process.HasExited)
            {
                break;
            }
        }

        string text = $"It did not print '{sign}'.\n{this}";
        Dispose();
        Assert.Fail(text);
    }

    private void Add(string? line)
    {
        Note(line);
        if (line is not null)
        {
            _output.Add(line);
        }
    }

    private void Note(string? line)
    {
        if (line is not null)
        {
            _seen.Enqueue(line);
        }
    }
}
