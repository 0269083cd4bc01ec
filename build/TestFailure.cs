namespace NativeGreenlet.Build;

/// <summary>A test that failed, or a test process that ended before its tests did.</summary>
/// <param name="Assembly">The file name of the test assembly.</param>
/// <param name="Test">The test with its arguments; null if the process ended.</param>
/// <param name="Message">What the runner says.</param>
/// <param name="Path">The result file.</param>
internal sealed record TestFailure(string Assembly, string? Test, string Message, string Path)
{
    private const int LastLines = 4;
    private const int MostCharacters = 700;

    /// <summary>The test's full name without its arguments, as a filter has it.</summary>
    public string? Method => Test?.Split('(')[0];

    /// <summary>The first line of the message, and its last ones: a program that was run ends its output with what went wrong.</summary>
    public override string ToString()
    {
        string[] lines = [.. Message.Split('\n').Select(line => line.Trim()).Where(line => line.Length != 0)];
        IEnumerable<string> shown = lines.Length <= LastLines + 1 ? lines : [lines[0], "...", .. lines.TakeLast(LastLines)];
        string text = string.Join(" | ", shown);
        return $"{Test ?? Assembly}: {(text.Length <= MostCharacters ? text : $"{text[..MostCharacters]}...")} ({Path})";
    }
}
