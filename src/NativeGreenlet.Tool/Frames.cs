namespace NativeGreenlet.LiveView;

/// <summary>Lines of stack traces.</summary>
internal static class Frames
{
    private const string Sign = "at ";

    private static readonly string[] s_insides =
    [
        "NativeGreenlet.Cooperative.Hubs.", "NativeGreenlet.Cooperative.Waiting.", "NativeGreenlet.Cooperative.Tasks.", "NativeGreenlet.Scheduling.",
        "NativeGreenlet.Stacks.", "NativeGreenlet.Cooperative.GreenTask", "NativeGreenlet.Cooperative.IO.", "NativeGreenlet.Greenlet.",
    ];

    /// <summary>The frames of a stack trace's text.</summary>
    public static IReadOnlyList<string> Split(string text) =>
        [.. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(line => line.StartsWith(Sign, StringComparison.Ordinal) ? line[Sign.Length..] : line)];

    /// <summary>Those that a reader looks for: not those of the library's insides, at either end.</summary>
    public static IEnumerable<string> Interesting(IReadOnlyList<string> frames)
    {
        int first = 0;
        int last = frames.Count;
        while (first < last && IsInside(frames[first]))
        {
            first++;
        }

        while (last > first && IsInside(frames[last - 1]))
        {
            last--;
        }

        return first == last ? frames : frames.Skip(first).Take(last - first);
    }

    /// <summary>A frame for the screen: the method, and the file and the line if they are known.</summary>
    public static string Short(string frame)
    {
        int parameters = frame.IndexOf('(', StringComparison.Ordinal);
        string method = parameters < 0 ? frame : frame[..parameters];
        int place = frame.LastIndexOf(") in ", StringComparison.Ordinal);
        return place < 0 ? method : $"{method} ({Path.GetFileName(frame[(place + ") in ".Length)..].Replace('\\', '/')).Replace(":line ", ":", StringComparison.Ordinal)})";
    }

    private static bool IsInside(string frame) => Array.Exists(s_insides, inside => frame.StartsWith(inside, StringComparison.Ordinal));
}
