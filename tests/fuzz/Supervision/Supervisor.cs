using System.Diagnostics;
using System.Globalization;
using NativeGreenlet.Fuzz.Traces;

namespace NativeGreenlet.Fuzz.Supervision;

/// <summary>Runs child processes one after the other, looks into what goes wrong, and reports.</summary>
internal sealed class Supervisor(Options options)
{
    private const string BackendVariable = "NATIVEGREENLET_BACKEND";
    private static readonly TimeSpan s_leastSession = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_mostSession = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_replayTime = TimeSpan.FromSeconds(1);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly long[] _figures = new long[7];
    private readonly long[] _played = new long[Enum.GetValues<OperationKind>().Length];
    private int _sessions;
    private int _runtimeFaults;

    /// <summary>Does it; returns the exit code.</summary>
    public int Run()
    {
        Console.WriteLine("expect: nothing found");
        Console.WriteLine($"base: {SeedSequence.Format(options.Base)}");
        try
        {
            if (!Replay() || !(options.Seed is null && !options.IsOneSession ? RunSessions() : RunSession(options, RuntimeSetting.Default)))
            {
                return Finding.OursCode;
            }
        }
        catch (Exception exception) when (exception is FormatException or IOException)
        {
            Console.Error.WriteLine(exception.Message);
            return Program.UsageError;
        }

        Console.WriteLine($"steps: {string.Join(", ", _played.Select((count, kind) => string.Create(CultureInfo.InvariantCulture, $"{(OperationKind)kind} {count:N0}")))}");
        Console.WriteLine(_runtimeFaults == 0 ? $"ok: {Figures(_figures)}" : $"{_runtimeFaults} faults of the runtime, none of ours: {Figures(_figures)}");
        return _runtimeFaults == 0 ? 0 : Finding.RuntimeCode;
    }

    private static string Figures(long[] figures) => string.Create(
        CultureInfo.InvariantCulture,
        $"{figures[0]:N0} traces, {figures[1]:N0} greenlets, {figures[2]:N0} switches, {figures[4]:N0} exceptions, {figures[3]:N0} events, {figures[5]:N0} collections ({figures[6]:N0} of them full)");

    private static void Add(long[] sums, long[] numbers)
    {
        for (int i = 0; i < numbers.Length; i++)
        {
            sums[i] += numbers[i];
        }
    }

    private bool Replay()
    {
        if (options.SeedsFile is null)
        {
            return true;
        }

        int count = 0;
        foreach ((ulong seed, RuntimeSetting setting) in SeedsFile.Read(options.SeedsFile))
        {
            count++;
            if (!RunSession(options with { Seed = seed, Time = s_replayTime }, setting, isQuiet: true))
            {
                return false;
            }
        }

        Console.WriteLine($"replayed {count} seeds");
        return true;
    }

    private bool RunSessions()
    {
        TimeSpan share = options.Time / RuntimeSetting.All.Count;
        TimeSpan session = share < s_leastSession ? s_leastSession : share > s_mostSession ? s_mostSession : share;
        TimeSpan end = _watch.Elapsed + options.Time;
        SeedSequence bases = new(options.Base);
        for (int i = 0; _watch.Elapsed < end || (_runtimeFaults == 0 && _figures[0] < options.LeastTraces); i++)
        {
            TimeSpan left = _watch.Elapsed < end ? end - _watch.Elapsed : session;
            Options here = options with
            {
                Base = bases.Next(),
                Time = left < session ? left : session,
                Carriers = options.Carriers != 0 ? options.Carriers : 1 + i / 2 % 2,
                UsesMainThread = options.UsesMainThread || i % 2 == 0,
            };
            if (!RunSession(here, RuntimeSetting.All[i % RuntimeSetting.All.Count]))
            {
                return false;
            }
        }

        return true;
    }

    // False when something is wrong with the library.
    private bool RunSession(Options session, RuntimeSetting setting, bool isQuiet = false)
    {
        _sessions++;
        Child child = Child.Run(session, setting);
        long[] figures = child.Figures;
        Add(_figures, figures);
        Add(_played, child.Played);

        if (child.Ending == Ending.Passed)
        {
            if (!isQuiet)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_watch.Elapsed.TotalSeconds,6:F0} s: {setting}{Figures(figures)}"));
            }

            return true;
        }

        return Report(session, setting, child);
    }

    private bool Report(Options session, RuntimeSetting setting, Child child)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"FOUND {child.Ending} in session {_sessions} after {child.Elapsed.TotalSeconds:F1} s: {setting}seeds {string.Join(", ", child.Running.Select(SeedSequence.Format))}"));
        Console.WriteLine(child.Output);
        Finding finding = new Investigation(session, setting).Blame(child);
        Options culprit = finding.Seed is null ? session : session with { Seed = finding.Seed, Time = TimeSpan.FromSeconds(10) };
        Console.WriteLine($"{finding.Name}: {finding.Verdict}");
        Console.WriteLine($"repeat: {Command(culprit, setting)}");
        if (finding.Blame == Blame.Runtime)
        {
            _runtimeFaults++;
            return true;
        }

        if (finding.Seed is { } seed)
        {
            if (options.Fault.Length == 0 && Environment.GetEnvironmentVariable("NATIVEGREENLET_BREAK") is null)
            {
                SeedsFile.Keep(seed, setting, $"{child.Ending}, {Environment.GetEnvironmentVariable(BackendVariable) ?? "default backend"}");
            }

            if (finding.Blame == Blame.Greenlets && options.ShrinkTime > TimeSpan.Zero)
            {
                culprit = culprit with { Without = new Shrinker(culprit, setting, finding.FailureTime).Shrink() };
                Console.Write(TraceGenerator.Generate(seed, options.ThrowsInFilters).Without(culprit.Without));
                Console.WriteLine($"repeat: {Command(culprit, setting)}");
            }
        }

        return false;
    }

    private static string Command(Options options, RuntimeSetting setting)
    {
        string backend = Environment.GetEnvironmentVariable(BackendVariable) is { Length: > 0 } name ? $"{BackendVariable}={name} " : string.Empty;
        string what = options.Seed is { } seed ? $"--seed {SeedSequence.Format(seed)}" : $"--session {SeedSequence.Format(options.Base)}";
        List<string> arguments =
        [
            what,
            string.Create(CultureInfo.InvariantCulture, $"--seconds {Math.Ceiling(options.Time.TotalSeconds)}"),
            .. options.Carriers > 1 ? [string.Create(CultureInfo.InvariantCulture, $"--carriers {options.Carriers}")] : Array.Empty<string>(),
            .. options.UsesMainThread ? ["--main-thread"] : Array.Empty<string>(),
            .. options.TraceArguments(),
        ];
        return $"{backend}{setting}./build.sh fuzz {string.Join(' ', arguments)}";
    }
}
