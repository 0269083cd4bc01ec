namespace NativeGreenlet.Build;

/// <summary>A program without a result file that failed: what it printed last is shown again when everything has run.</summary>
/// <remarks>What comes after it may be longer than what a reader is shown of the whole output.</remarks>
/// <param name="Name">What ran.</param>
/// <param name="LastLines">The end of its output.</param>
internal sealed record FailedProgram(string Name, IReadOnlyList<string> LastLines)
{
    private const int ShownLines = 60;

    private static readonly List<FailedProgram> s_all = [];

    /// <summary>Those that failed, in this order.</summary>
    public static IReadOnlyList<FailedProgram> All => s_all;

    /// <summary>Runs a program, shows its output, and keeps the end of it when it fails.</summary>
    /// <param name="name">What runs, for the reader.</param>
    /// <param name="run">Runs it; each line of its output, of either stream and on any thread, is given to the argument.</param>
    /// <returns>Whether it passed.</returns>
    public static bool Passes(string name, Func<Action<string>, int> run)
    {
        Queue<string> last = [];
        int code = run(line =>
        {
            lock (last)
            {
                Console.WriteLine(line);
                last.Enqueue(line);
                if (last.Count > ShownLines)
                {
                    _ = last.Dequeue();
                }
            }
        });
        if (code == 0)
        {
            return true;
        }

        lock (last)
        {
            s_all.Add(new FailedProgram($"{name} ended with {code}", [.. last]));
        }

        return false;
    }

    /// <summary>Shows it again.</summary>
    public void Show()
    {
        Terminal.Say($"Failed: {Name}; it printed last:");
        foreach (string line in LastLines)
        {
            Console.WriteLine(line);
        }
    }
}
