using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace NativeGreenlet.Build;

/// <summary>What the user sees: headings, and the progress of steps that are quiet. Plain lines when it is not a terminal that
/// reads, or CI=true.</summary>
internal static class Terminal
{
    private static readonly Stopwatch s_total = Stopwatch.StartNew();
    private static readonly Lock s_lock = new();

    /// <summary>Whether somebody watches.</summary>
    public static bool IsInteractive { get; } =
        !Surroundings.IsContinuousIntegration && !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>A line of this program, to be told from those of the programs that it runs.</summary>
    public static void Say(string text)
    {
        if (IsInteractive)
        {
            AnsiConsole.MarkupLineInterpolated($"[bold blue]==[/] [bold]{text}[/]");
        }
        else
        {
            Console.WriteLine($"== {text}");
        }
    }

    /// <summary>The heading of a part of something long: which one it is, and the time so far.</summary>
    public static void SayPart(int number, int count, string name) =>
        Say(string.Create(CultureInfo.InvariantCulture, $"{name} ({number} of {count}, after {s_total.Elapsed:h\\:mm\\:ss})"));

    /// <summary>Says how something ended that ran beside others, with what it printed, together.</summary>
    public static void SayEnd(string name, bool passed, string path, IEnumerable<string> lines)
    {
        lock (s_lock)
        {
            Say(string.Create(CultureInfo.InvariantCulture, $"{name}: {(passed ? "passed" : "FAILED")} after {s_total.Elapsed:h\\:mm\\:ss} ({path})"));
            foreach (string line in lines)
            {
                Console.WriteLine(line);
            }
        }
    }

    /// <summary>Runs something that prints nothing, with the time that it takes before the eyes of who watches.</summary>
    public static T Watch<T>(string name, Func<T> step)
    {
        if (!IsInteractive)
        {
            return step();
        }

        Stopwatch time = Stopwatch.StartNew();
        return AnsiConsole.Status().Spinner(Spinner.Known.Dots).Start(Markup.Escape(name), status =>
        {
            using Timer clock = new(_ => status.Status($"{Markup.Escape(name)} [grey]{time.Elapsed:mm\\:ss}[/]"), null, 1000, 1000);
            return step();
        });
    }
}
