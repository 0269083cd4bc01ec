using System.Diagnostics;
using System.Globalization;
using NativeGreenlet.Fuzz.Execution;
using NativeGreenlet.Fuzz.Traces;

namespace NativeGreenlet.Fuzz.Supervision;

/// <summary>A child process that ran traces, to its end or until it hung.</summary>
internal sealed class Child
{
    private const int FirstLines = 20;
    private const int LastLines = 40;
    private static readonly TimeSpan s_glance = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];

    private Child()
    {
    }

    public Ending Ending { get; private set; }

    public int ExitCode { get; private set; }

    public TimeSpan Elapsed { get; private set; }

    /// <summary>The time in which traces began: without the wait for one that hung.</summary>
    public TimeSpan ActiveTime { get; private set; }

    /// <summary>The seeds of the traces that had begun and not ended.</summary>
    public IReadOnlyList<ulong> Running { get; private set; } = [];

    /// <summary>What it logged, if it was one trace and passed.</summary>
    public string Log => Line("log ") ?? string.Empty;

    /// <summary>Traces, greenlets, switches, events, exceptions, collections of generation 0 and of generation 2.</summary>
    public long[] Figures => Numbers("figures ");

    /// <summary>For each kind of step how often greenlets did it.</summary>
    public long[] Played => Numbers("played ");

    /// <summary>What went wrong, in a line.</summary>
    public string Summary => Ending switch
    {
        Ending.Hung => "a trace did not end",
        Ending.Crashed => $"exit code {ExitCode}: {_lines.Find(line => line.Length > 0) ?? "no output"}",
        _ => Line("CORRUPT ") ?? "ok",
    };

    /// <summary>All that it printed, or the beginning and the end of that.</summary>
    public string Output
    {
        get
        {
            lock (_lock)
            {
                IEnumerable<string> lines = _lines.Count <= FirstLines + LastLines ? _lines : [.. _lines.Take(FirstLines), "...", .. _lines.TakeLast(LastLines)];
                return string.Join(Environment.NewLine, lines.Select(line => $"    {line}"));
            }
        }
    }

    /// <summary>Runs one, for as long as the options say.</summary>
    public static Child Run(Options options, RuntimeSetting setting)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.Delete(path); // the recorder makes it, and of the right size
            using FlightRecorder recorder = new(path);
            Child child = new();
            child.Run(NewStart(options, setting, path), options.Patience, recorder);
            return child;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static ProcessStartInfo NewStart(Options options, RuntimeSetting setting, string recorder)
    {
        string[] command = ProgramHost.Command(typeof(Child).Assembly);
        ProcessStartInfo start = new(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        List<string> arguments =
        [
            "--flight-recorder", recorder,
            "--hosts", options.Hosts.ToString(),
            "--seconds", options.Time.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            "--base", SeedSequence.Format(options.Base),
            "--carriers", options.Carriers.ToString(CultureInfo.InvariantCulture),
        ];
        if (options.UsesMainThread)
        {
            arguments.Add("--main-thread");
        }

        if (options.Seed is { } seed)
        {
            arguments.AddRange(["--seed", SeedSequence.Format(seed)]);
        }

        arguments.AddRange(options.TraceArguments());
        arguments.ForEach(start.ArgumentList.Add);
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0"; // the seed says more
        start.Environment[Checking.Variable] = options.IsChecking ? "1" : null;
        foreach ((string name, string value) in setting.Variables)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private void Run(ProcessStartInfo start, TimeSpan patience, FlightRecorder recorder)
    {
        Stopwatch watch = Stopwatch.StartNew();
        using Process process = new() { StartInfo = start };
        process.OutputDataReceived += (_, received) => Add(received.Data);
        process.ErrorDataReceived += (_, received) => Add(received.Data);
        _ = process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        bool hasHung = !Wait(process, patience, recorder);
        if (hasHung)
        {
            process.Kill(entireProcessTree: true);
        }

        process.WaitForExit(); // for the rest of its output, too
        Elapsed = watch.Elapsed;
        ExitCode = process.ExitCode;
        Running = recorder.Running();
        Ending = hasHung ? Ending.Hung
            : Line("CORRUPT DIFFERS") is not null ? Ending.Differs
            : Line("CORRUPT ") is not null ? Ending.Corrupt
            : ExitCode != 0 || Line("figures ") is null ? Ending.Crashed
            : Ending.Passed;
    }

    // False when no trace has begun for too long.
    private bool Wait(Process process, TimeSpan patience, FlightRecorder recorder)
    {
        Stopwatch watch = Stopwatch.StartNew();
        long seen = -1;
        Stopwatch idle = Stopwatch.StartNew();
        while (!process.WaitForExit(s_glance))
        {
            long now = recorder.Progress();
            if (now != seen)
            {
                seen = now;
                ActiveTime = watch.Elapsed;
                idle.Restart();
            }
            else if (idle.Elapsed > patience)
            {
                return false;
            }
        }

        ActiveTime = watch.Elapsed;
        return true;
    }

    private void Add(string? line)
    {
        if (line is not null)
        {
            lock (_lock)
            {
                _lines.Add(line);
            }
        }
    }

    // None when it did not come that far.
    private long[] Numbers(string beginning) =>
        Line(beginning) is { } line ? [.. line.Split(' ').Skip(1).Select(number => long.Parse(number, CultureInfo.InvariantCulture))] : [];

    private string? Line(string beginning)
    {
        lock (_lock)
        {
            return _lines.Find(line => line.StartsWith(beginning, StringComparison.Ordinal));
        }
    }
}
