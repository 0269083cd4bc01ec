using System.Globalization;

namespace NativeGreenlet.Build;

/// <summary>A test project is a program that runs its own tests. This starts it, without <c>dotnet test</c> and its three processes.</summary>
/// <param name="assembly">The file of the program.</param>
/// <param name="filter">Which tests, as <c>dotnet test --filter</c> has it; null: all.</param>
/// <param name="results">The directory of its result file.</param>
internal sealed class TestProgram(string assembly, string? filter, string results)
{
    /// <summary>How long one test may run.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private readonly Lock _lock = new();
    private readonly TestOutput _output = new(); // this and what follows are under the lock
    private string? _overdue;
    private bool _hasEnded;

    /// <summary>The runtime to run on; null: the SDK's.</summary>
    public DotnetRuntime? Runtime { get; init; }

    /// <summary>Variables of the process.</summary>
    public Shell.Variables? Variables { get; init; }

    /// <summary>Whether it is a failure that the filter leaves no test.</summary>
    public bool NeedsTests { get; init; }

    /// <summary>Runs the tests, once.</summary>
    /// <param name="hear">Gets each line that the program prints, on any thread, one after another.</param>
    /// <param name="patience">How long one test may run.</param>
    /// <param name="arguments">More arguments for xunit's runner.</param>
    /// <returns>Whether all passed.</returns>
    public bool Run(Action<string> hear, TimeSpan patience, params string[] arguments)
    {
        string name = Path.GetFileNameWithoutExtension(assembly);
        string file = Path.GetFullPath(Path.Combine(results, string.Create(CultureInfo.InvariantCulture, $"{name} {DateTime.UtcNow:yyyy-MM-dd HH-mm-ss.fff}.trx")));
        _ = Directory.CreateDirectory(results);
        string[] which = filter is null ? [] : ["-filterVSTest", filter];
        int code = Shell.Follow(
            Runtime?.Host ?? "dotnet",
            ["exec", assembly, "-noLogo", "-noColor", "-reporter", "verbose", "-result-trx", file, .. which, .. arguments],
            Runtime?.Variables(Variables) ?? Variables,
            line => Hear(line, hear),
            () => IsOverdue(patience));
        lock (_lock)
        {
            _hasEnded = true;
            if (_output.IsEmpty && NeedsTests)
            {
                hear($"FAILED: no test of {name} matches {filter}");
                return false;
            }

            if (_output.IsClosed && (code == 0 || _output.Failed.Count != 0))
            {
                return code == 0;
            }

            // Its arguments were wrong, it ended before its tests did and has written no results, or what came after the tests failed.
            string what = _overdue is null ? _output.Describe(code)
                : string.Create(CultureInfo.InvariantCulture, $"{_overdue} had not ended after {patience.TotalMinutes:0} minutes, so {_output.Describe(code)}");
            TestResults.WriteEnd(_output.IsClosed ? Path.ChangeExtension(file, "end.trx") : file, assembly, _output.Failed, $"{what}\n{_output.Last}");
            hear($"FAILED: {name}: {what}");
            return false;
        }
    }

    private void Hear(string line, Action<string> hear)
    {
        lock (_lock)
        {
            if (!_hasEnded) // a child of a test may outlive it, and speak
            {
                _output.Add(line);
                hear(line);
            }
        }
    }

    private bool IsOverdue(TimeSpan patience)
    {
        lock (_lock)
        {
            _overdue ??= _output.Overdue(patience);
            return _overdue is not null;
        }
    }
}
