using System.Globalization;
using System.Text.RegularExpressions;

namespace NativeGreenlet.Runner;

/// <summary>How many tests ended how.</summary>
internal sealed partial class Tally
{
    private readonly Lock _lock = new();
    private int _passed;
    private int _failed;
    private int _skipped;
    private int _again;

    /// <summary>Whether something passed and nothing failed.</summary>
    public bool IsGood => _failed == 0 && _passed + _skipped > 0;

    /// <summary>The closing line of another runner.</summary>
    public static Tally? Parse(string output)
    {
        Match match = ClosingLine().Match(output);
        return match.Success ? new Tally { _passed = Number(1), _failed = Number(2), _skipped = Number(3) } : null;

        int Number(int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
    }

    public void Pass()
    {
        lock (_lock)
        {
            _passed++;
        }
    }

    public void Skip()
    {
        lock (_lock)
        {
            _skipped++;
        }
    }

    public void Fail(string what)
    {
        lock (_lock)
        {
            _failed++;
            Console.WriteLine($"FAILED {what}");
        }
    }

    /// <summary>Notes that a class is run another time.</summary>
    public void Again() => _again++;

    public void Add(Tally other)
    {
        lock (_lock)
        {
            _passed += other._passed;
            _failed += other._failed;
            _skipped += other._skipped;
            _again += other._again;
        }
    }

    public override string ToString() =>
        $"{_passed} passed, {_failed} failed, {_skipped} skipped{(_again == 0 ? string.Empty : $" ({_again} processes ended early, and their classes were run again)")}";

    [GeneratedRegex("^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped", RegexOptions.Multiline)]
    private static partial Regex ClosingLine();
}
