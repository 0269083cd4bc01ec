using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace NativeGreenlet.Build;

/// <summary>What xunit's runner prints, followed line by line: which tests run and since when, which failed, and how many there were. So
/// the end of a process before that of its tests has a test to its name. For one thread at a time.</summary>
internal sealed partial class TestOutput
{
    private const int KeptLines = 30; // of what a process said before it ended

    private readonly Dictionary<string, long> _running = []; // and when they began
    private readonly List<string> _failed = [];
    private readonly Queue<string> _last = new();
    private int? _total;

    /// <summary>The tests that have failed so far.</summary>
    public IReadOnlyList<string> Failed => _failed;

    /// <summary>Whether the runner has closed its output.</summary>
    public bool IsClosed => _total is not null;

    /// <summary>Whether it has, and there were no tests.</summary>
    public bool IsEmpty => _total == 0;

    /// <summary>The last lines that are not about a test that begins or ends.</summary>
    public string Last => string.Join('\n', _last);

    /// <summary>Whether a line says only that a test begins or ends.</summary>
    public static bool IsProgress(string line) => Progress().IsMatch(line);

    /// <summary>Whether a line is one of the two that close the output.</summary>
    public static bool IsClosing(string line) => line.StartsWith("=== TEST EXECUTION SUMMARY", StringComparison.Ordinal) || Summary().IsMatch(line);

    /// <summary>Takes a line.</summary>
    public void Add(string line)
    {
        if (Progress().Match(line) is { Success: true } progress)
        {
            string test = progress.Groups[1].Value;
            if (progress.Groups[2].ValueSpan is "STARTING")
            {
                _running[test] = Stopwatch.GetTimestamp();
            }
            else
            {
                _ = _running.Remove(test);
            }

            return;
        }

        if (Failure().Match(line) is { Success: true } failure)
        {
            _failed.Add(failure.Groups[1].Value);
        }
        else if (Summary().Match(line) is { Success: true } summary)
        {
            _total = int.Parse(summary.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        }

        _last.Enqueue(line);
        if (_last.Count > KeptLines)
        {
            _ = _last.Dequeue();
        }
    }

    /// <summary>A test that has run for longer than that; null if there is none.</summary>
    public string? Overdue(TimeSpan patience) =>
        _running.Where(each => Stopwatch.GetElapsedTime(each.Value) > patience).Select(each => each.Key).FirstOrDefault();

    /// <summary>Says that the process ended with a code that the results of its tests do not explain, and which tests it was in.</summary>
    public string Describe(int code) =>
        $"the process ended with {code}{(IsClosed ? " after its tests" : "")}{(_running.Count == 0 ? "" : $"; these tests ran: {string.Join(", ", _running.Keys)}")}";

    [GeneratedRegex(@"^    (\S.*) \[(STARTING|FINISHED)\](?: Time: \S+)?$")]
    private static partial Regex Progress();

    [GeneratedRegex(@"^    (\S.*) \[FAIL\]$")]
    private static partial Regex Failure();

    [GeneratedRegex(@"^   \S+  Total: ([0-9]+)(?:, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+.*)?$")]
    private static partial Regex Summary();
}
