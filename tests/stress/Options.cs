using System.Globalization;

namespace NativeGreenlet.Stress;

/// <summary>The command line.</summary>
internal sealed record Options
{
    public const string Mix = "mix";

    public IReadOnlyList<string> Scenarios { get; private init; } = [Mix];

    public TimeSpan Time { get; private init; } = TimeSpan.FromMinutes(1);

    public int Seed { get; private init; } = Environment.ProcessId * 7919 + Environment.TickCount % 7919;

    /// <summary>Threads that run greenlets at once; 0: by turns the main thread, another one, and four.</summary>
    public int Carriers { get; private init; }

    /// <summary>Whether the process's main thread is one of them.</summary>
    public bool UsesMainThread { get; private init; }

    /// <summary>Greenlets on each thread.</summary>
    public int Greenlets { get; private init; } = 100;

    /// <summary>Bytes of stack for each of them and for each thread; 0: what is usual.</summary>
    public int StackSize { get; private init; }

    /// <summary>Whether the bodies run on plain threads instead.</summary>
    public bool IsControl { get; private init; }

    /// <summary>Whether every switch looks for words of the thread that lead into the stack that is left.</summary>
    public bool IsChecking { get; private init; } = true;

    /// <summary>Whether each greenlet is frozen whenever it is left.</summary>
    public bool IsFreezing { get; private init; }

    public static string Help { get; } = $"""
        usage: tests/stress [--minutes N | --seconds N] [--scenario NAME[,NAME]] [--carriers 1|2|4] [--main-thread]
                            [--greenlets N] [--stack MIB] [--seed N] [--control] [--no-check]
                            [--freeze]

          --minutes, --seconds  how long (one minute)
          --scenario            {Mix} (all of these): {string.Join(", ", Script.All.Select(activity => activity.Name))};
                                or one of
        {string.Join(Environment.NewLine, Scenario.All.Select(scenario => $"                                  {scenario.Name,-16}{scenario.Summary}"))}
          --carriers            threads that run greenlets at once (by turns the main thread, another one, four)
          --main-thread         let the process's main thread be one of them
          --greenlets           on each thread (100)
          --stack               MiB for each of them and for each thread (what is usual): in an emulator of Windows exceptions
                                that nest as they do here use up more than that
          --seed                of every choice; collections still come when they come
          --no-check            without the search of each switch for words of the thread that lead into the stack that
                                is left ({Checking.Variable}=1)
          --freeze              freezes each greenlet whenever it is left ({Freezing.Variable}=always), and fails where that
                                is turned off
          --control             the same bodies on plain threads: what fails then, too, is not the greenlets' fault

        Prints what to expect, then the seed, then figures every ten seconds. Ends with 0 when all contents were as they
        should be. A difference prints CORRUPT and ends the process at once.
        """;

    /// <summary>Reads a command line.</summary>
    /// <exception cref="FormatException">It makes no sense.</exception>
    public static Options Parse(ReadOnlySpan<string> arguments)
    {
        Options options = new();
        while (arguments.Length > 0)
        {
            string name = arguments[0];
            arguments = arguments[1..];
            switch (name)
            {
                case "--main-thread":
                    options = options with { UsesMainThread = true };
                    break;
                case "--control":
                    options = options with { IsControl = true };
                    break;
                case "--no-check":
                    options = options with { IsChecking = false };
                    break;
                case "--freeze":
                    options = options with { IsFreezing = true };
                    break;
                case "--minutes":
                    options = options with { Time = TimeSpan.FromMinutes(Number(name, Value(name, ref arguments))) };
                    break;
                case "--seconds":
                    options = options with { Time = TimeSpan.FromSeconds(Number(name, Value(name, ref arguments))) };
                    break;
                case "--scenario":
                    options = options with { Scenarios = Value(name, ref arguments).Split(',') };
                    break;
                case "--seed":
                    options = options with { Seed = (int)Number(name, Value(name, ref arguments)) };
                    break;
                case "--carriers":
                    options = options with { Carriers = (int)Number(name, Value(name, ref arguments)) };
                    break;
                case "--greenlets":
                    options = options with { Greenlets = (int)Number(name, Value(name, ref arguments)) };
                    break;
                case "--stack":
                    options = options with { StackSize = (int)Number(name, Value(name, ref arguments)) << 20 };
                    break;
                default:
                    throw new FormatException($"there is no option '{name}'");
            }
        }

        return options;
    }

    private static string Value(string name, ref ReadOnlySpan<string> arguments)
    {
        if (arguments.Length == 0)
        {
            throw new FormatException($"{name} needs a value");
        }

        string value = arguments[0];
        arguments = arguments[1..];
        return value;
    }

    private static double Number(string name, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= 0
            ? value
            : throw new FormatException($"{name} needs a number, not '{text}'");
}
