using System.Globalization;
using NativeGreenlet.Fuzz.Execution;
using NativeGreenlet.Fuzz.Traces;

namespace NativeGreenlet.Fuzz;

/// <summary>The command line.</summary>
internal sealed record Options
{
    /// <summary>How long in all; for one trace, how long it is repeated in each way.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>One trace to run again and again; null for new ones.</summary>
    public ulong? Seed { get; init; }

    /// <summary>What the seeds of new traces follow from.</summary>
    public ulong Base { get; init; } = SeedSequence.Mix((ulong)Environment.TickCount64 ^ ((ulong)Environment.ProcessId << 40));

    /// <summary>Whether to run only the one child process whose traces follow from <see cref="Base"/> as it is.</summary>
    public bool IsOneSession { get; init; }

    /// <summary>Threads that run traces at once; 0: by turns one and two.</summary>
    public int Carriers { get; init; }

    /// <summary>Whether the process's main thread is one of them.</summary>
    public bool UsesMainThread { get; init; }

    /// <summary>When a trace that does not end counts as hung.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Steps to leave out of the trace.</summary>
    public IReadOnlySet<int> Without { get; init; } = new HashSet<int>();

    /// <summary>A file of seeds to run before anything else.</summary>
    public string? SeedsFile { get; init; }

    /// <summary>How long each attempt takes that is to show whose fault a failure is.</summary>
    public TimeSpan EvidenceTime { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long to look for a smaller trace that fails, too.</summary>
    public TimeSpan ShrinkTime { get; init; } = TimeSpan.FromMinutes(1);

    public bool ThrowsInFilters { get; init; }

    /// <summary>Whether every switch looks for words of the thread that lead into the stack that is left.</summary>
    public bool IsChecking { get; init; } = true;

    /// <summary>A fault to make on purpose; empty for none.</summary>
    public string Fault { get; init; } = string.Empty;

    /// <summary>Where to make it.</summary>
    public Hosts FaultyHosts { get; init; }

    /// <summary>Whether to print the trace instead of running it.</summary>
    public bool IsPrinting { get; init; }

    /// <summary>How many traces there are at least, also when the time is up, unless a fault has been found.</summary>
    public int LeastTraces { get; init; }

    /// <summary>Where traces run: for child processes.</summary>
    public Hosts Hosts { get; init; } = Hosts.Both;

    /// <summary>The file through which a child process tells where it is; null for the parent.</summary>
    public string? FlightRecorder { get; init; }

    public static string Help { get; } = $"""
        usage: tests/fuzz [--minutes N | --seconds N] [--seed S [--without N,N...] [--print]] [--base S | --session S]
                          [--carriers N] [--main-thread] [--patience SECONDS] [--replay FILE] [--evidence SECONDS]
                          [--shrink SECONDS] [--traces N] [--throws-in-filters] [--no-check] [--inject FAULT:WHERE]

        Runs random traces, each on greenlets and on plain threads, which must agree, in child processes under all
        kinds of runtime settings. When one fails, it is run again in both ways to see whose fault it is.

          --minutes, --seconds  how long (one minute); with --seed, how long in each way (two seconds)
          --seed                run only this trace; --without leaves steps out, --print shows it instead
          --base                what the seeds of random traces follow from
          --session             the same of one child process, and only that one is run
          --carriers            threads that run traces at once (by turns one and two)
          --main-thread         let the process's main thread be one of them (by turns)
          --patience            when a trace that does not end counts as hung (60 seconds)
          --replay              first run the seeds in a file
          --evidence            how long each attempt takes that is to show whose fault a failure is (3 seconds)
          --shrink              how long to look for a smaller trace that fails, too (60 seconds, or until one is found; 0: do not)
          --traces              at least so many traces, however much longer they take, unless a fault is found
          --throws-in-filters   throw inside exception filters, too: plain .NET does not survive that
          --no-check            without the search of each switch for words of the thread that lead into the stack that
                                is left ({Checking.Variable}=1)
          --inject              make a fault on purpose ({Injection.Names}) on greenlets, control or both

        Environment: NATIVEGREENLET_BACKEND, and whatever the runtime reads.
        Exit codes: 0 nothing found, {Supervision.Finding.OursCode} a failure that plain threads do not show, {Supervision.Finding.RuntimeCode} one that they do, {Program.UsageError} wrong usage.
        """;

    /// <summary>Reads a command line.</summary>
    /// <exception cref="FormatException">It makes no sense.</exception>
    public static Options Parse(string[] arguments)
    {
        Options options = new();
        bool hasTime = false;
        using IEnumerator<string> rest = ((IEnumerable<string>)arguments).GetEnumerator();
        while (rest.MoveNext())
        {
            string name = rest.Current;
            switch (name)
            {
                case "--minutes":
                    options = options with { Time = TimeSpan.FromMinutes(Number()) };
                    hasTime = true;
                    break;
                case "--seconds":
                    options = options with { Time = TimeSpan.FromSeconds(Number()) };
                    hasTime = true;
                    break;
                case "--seed":
                    options = options with { Seed = Seed() };
                    break;
                case "--base":
                    options = options with { Base = Seed() };
                    break;
                case "--session":
                    options = options with { Base = Seed(), IsOneSession = true };
                    break;
                case "--carriers":
                    options = options with { Carriers = (int)Number() };
                    break;
                case "--main-thread":
                    options = options with { UsesMainThread = true };
                    break;
                case "--patience":
                    options = options with { Patience = TimeSpan.FromSeconds(Number()) };
                    break;
                case "--without":
                    options = options with { Without = Value().Split(',').Select(id => (int)ToNumber(id)).ToHashSet() };
                    break;
                case "--replay":
                    options = options with { SeedsFile = Value() };
                    break;
                case "--evidence":
                    options = options with { EvidenceTime = TimeSpan.FromSeconds(Number()) };
                    break;
                case "--shrink":
                    options = options with { ShrinkTime = TimeSpan.FromSeconds(Number()) };
                    break;
                case "--traces":
                    options = options with { LeastTraces = (int)Number() };
                    break;
                case "--throws-in-filters":
                    options = options with { ThrowsInFilters = true };
                    break;
                case "--no-check":
                    options = options with { IsChecking = false };
                    break;
                case "--print":
                    options = options with { IsPrinting = true };
                    break;
                case "--inject":
                    string[] injection = Value().Split(':');
                    if (injection.Length != 2 || !Injection.IsKnown(injection[0]))
                    {
                        throw new FormatException($"--inject needs FAULT:WHERE, and a fault among {Injection.Names}");
                    }

                    options = options with { Fault = injection[0], FaultyHosts = ToHosts(injection[1]) };
                    break;
                case "--hosts":
                    options = options with { Hosts = ToHosts(Value()) };
                    break;
                case "--flight-recorder":
                    options = options with { FlightRecorder = Value() };
                    break;
                default:
                    throw new FormatException($"there is no option '{name}'");
            }

            string Value() => rest.MoveNext() ? rest.Current : throw new FormatException($"{name} needs a value");

            double Number() => ToNumber(Value());

            double ToNumber(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= 0
                ? number
                : throw new FormatException($"{name} needs a number, not '{text}'");

            ulong Seed()
            {
                string text = Value();
                return SeedSequence.TryParse(text, out ulong seed) ? seed : throw new FormatException($"{name} needs a seed, not '{text}'");
            }

            Hosts ToHosts(string text) => Enum.TryParse(text, ignoreCase: true, out Hosts hosts)
                ? hosts
                : throw new FormatException($"{name}: greenlets, control or both, not '{text}'");
        }

        if (options.Seed is null && (options.Without.Count > 0 || options.IsPrinting))
        {
            throw new FormatException("--without and --print need --seed");
        }

        return options.Seed is not null && !hasTime ? options with { Time = TimeSpan.FromSeconds(2) } : options;
    }

    /// <summary>The arguments that make traces what they are.</summary>
    public IEnumerable<string> TraceArguments()
    {
        if (Without.Count > 0)
        {
            yield return "--without";
            yield return string.Join(',', Without.Order());
        }

        if (ThrowsInFilters)
        {
            yield return "--throws-in-filters";
        }

        if (!IsChecking)
        {
            yield return "--no-check";
        }

        if (Fault.Length > 0)
        {
            yield return "--inject";
            yield return $"{Fault}:{FaultyHosts}".ToLowerInvariant();
        }
    }
}
