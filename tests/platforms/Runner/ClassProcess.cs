using System.Diagnostics;
using System.Text;

namespace NativeGreenlet.Runner;

/// <summary>The process that runs the tests of one class: what it has printed, and which test began last.</summary>
internal sealed class ClassProcess : IDisposable
{
    private static readonly TimeSpan s_step = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_end = TimeSpan.FromSeconds(30); // for the rest of the output: a child of a test may keep the pipe open

    private readonly Lock _lock = new();
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private readonly Stopwatch _sinceProgress = Stopwatch.StartNew();
    private readonly TaskCompletionSource _outputEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _errorEnd = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Process _process;
    private string? _test;

    public ClassProcess(string[] command)
    {
        _process = new Process { StartInfo = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true } };
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) => AddError(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What the process printed, without the names of its tests.</summary>
    public string Output
    {
        get
        {
            lock (_lock)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>What the process wrote to its standard error.</summary>
    public string Error
    {
        get
        {
            lock (_lock)
            {
                return _error.ToString();
            }
        }
    }

    /// <summary>The test that began last; null if none did.</summary>
    public string? Test
    {
        get
        {
            lock (_lock)
            {
                return _test;
            }
        }
    }

    /// <summary>What the process ended with.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Waits for the end of the process. One in which no test has begun for so long is ended: a class of many tests may take longer.</summary>
    /// <returns>Whether it ended by itself.</returns>
    public bool Wait(TimeSpan patience)
    {
        bool hasEnded;
        while (!(hasEnded = _process.WaitForExit(s_step)) && !IsStuck(patience))
        {
        }

        if (!hasEnded)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit(s_end);
        }

        Task.WhenAll(_outputEnd.Task, _errorEnd.Task).Wait(s_end);
        return hasEnded;
    }

    public void Dispose() => _process.Dispose();

    private bool IsStuck(TimeSpan patience)
    {
        lock (_lock)
        {
            return _sinceProgress.Elapsed > patience;
        }
    }

    private void Add(string? line)
    {
        lock (_lock)
        {
            if (line is null)
            {
                _outputEnd.TrySetResult();
            }
            else if (line.StartsWith(Options.TestMark, StringComparison.Ordinal))
            {
                _test = line[Options.TestMark.Length..];
                _sinceProgress.Restart();
            }
            else
            {
                _output.Append(line).Append('\n');
            }
        }
    }

    private void AddError(string? line)
    {
        lock (_lock)
        {
            if (line is null)
            {
                _errorEnd.TrySetResult();
            }
            else
            {
                _error.Append(line).Append('\n');
            }
        }
    }
}
