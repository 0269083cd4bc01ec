using System.Diagnostics;
using System.Globalization;
using CsCheck;
using NativeGreenlet.Common;
using NativeGreenlet.Tests.Infrastructure;
using NativeGreenlet.Tests.Survival;

namespace NativeGreenlet.Tests.Properties;

/// <summary>
/// Random programs of everything that can be done to greenlets, against <see cref="GreenletModel"/>. They run in a process
/// of their own, where no collection happens but those of the programs.
/// </summary>
[Collection(OneAtATime.Name)]
public class GreenletPropertyTests(ITestOutputHelper output)
{
    /// <summary>For how many seconds each test makes up new programs; by default about 20 together.</summary>
    private const string SecondsVariable = "NATIVEGREENLET_PROPERTY_SECONDS";

    private const string SeedVariable = "NATIVEGREENLET_PROPERTY_SEED_FILE";
    private const string SeedsFile = "failing-seeds.txt";
    private const int MostPredictions = 2_000;
    private const int SecondsPerProcess = 120;

    [UnfrozenFact("lessons collect, and what was dropped is killed then")]
    public void Random_programs_do_what_the_model_says() => Check("segments", 15);

    [Fact]
    public void Random_programs_do_what_the_model_says_where_stacks_are_threads() => Check("threads", 5);

    private void Check(string backend, int seconds)
    {
        if (Environment.GetEnvironmentVariable(SecondsVariable) is { Length: > 0 } wanted)
        {
            seconds = int.Parse(wanted, CultureInfo.InvariantCulture);
        }

        for (int left = seconds; left > 0; left -= SecondsPerProcess)
        {
            CheckInChild(backend, Math.Min(left, SecondsPerProcess));
        }
    }

    private void CheckInChild(string backend, int seconds)
    {
        string seedFile = Path.GetTempFileName();
        try
        {
            InChild.Result child = InChild.Run(
                RunPrograms,
                ("NATIVEGREENLET_BACKEND", backend),
                (SecondsVariable, seconds.ToString(CultureInfo.InvariantCulture)),
                (SeedVariable, seedFile),
                ("DOTNET_gcConcurrent", "0"),
                ("DOTNET_GCgen0size", "10000000"), // hexadecimal: 256 MB, so that only the programs collect
                ("DOTNET_TieredCompilation", "0")); // unoptimized code would keep alive what was dropped
            output.WriteLine(child.Output);
            if (child.ExitCode != 0)
            {
                string seed = File.ReadAllText(seedFile);
                Keep(seed, backend);
                Assert.Fail($"seed {seed}, exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
            }
        }
        finally
        {
            File.Delete(seedFile);
        }
    }

    // Adds a seed to the file in the sources, if this is run from them.
    private static void Keep(string seed, string backend)
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            string kept = Path.Combine(directory.FullName, "tests", "NativeGreenlet.Tests", "Properties", SeedsFile);
            if (File.Exists(kept))
            {
                if (!File.ReadLines(kept).Any(line => SeedOf(line) == seed))
                {
                    File.AppendAllText(kept, $"{seed} # failed on {backend}\n");
                }

                return;
            }
        }
    }

    private static string SeedOf(string line) => line.Split('#')[0].Trim();

    // In a process of its own.
    private static void RunPrograms()
    {
        int seconds = int.Parse(Environment.GetEnvironmentVariable(SecondsVariable)!, CultureInfo.InvariantCulture);
        string seedFile = Environment.GetEnvironmentVariable(SeedVariable)!;
        using Session session = new();
        int replayed = 0;
        foreach (string seed in File.ReadLines(RepositoryFile.Path(SeedsFile)).Select(SeedOf).Where(seed => seed.Length != 0))
        {
            File.WriteAllText(seedFile, seed);
            Check(session, seed);
            replayed++;
        }

        Stopwatch watch = Stopwatch.StartNew();
        PCG seeds = new(1);
        using FileStream last = new(seedFile, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        while (watch.Elapsed.TotalSeconds < seconds)
        {
            // Written down before the program runs, lest a crash take it along.
            string seed = new PCG((uint)seeds.Next(1 << 12), seeds.Next64()).ToString();
            last.Position = 0;
            last.SetLength(0);
            last.Write(System.Text.Encoding.ASCII.GetBytes(seed));
            Check(session, seed);
        }

        Console.WriteLine($"{GreenletRuntime.Backend}: {replayed} seeds replayed, then {watch.Elapsed.TotalSeconds:F0} s; {session}");
    }

    private static void Check(Session session, string seed)
    {
        GreenletProgram program = RandomPrograms.All.Generate(PCG.Parse(seed), null, out _);
        if (session.Failure(program) is { } failure)
        {
            Console.WriteLine($"seed {seed}:\n{program}{failure}");
            try
            {
                RandomPrograms.All.Sample(
                    smaller =>
                    {
                        if (session.Failure(smaller) is { } found)
                        {
                            throw new InvalidOperationException(found);
                        }
                    },
                    seed: seed,
                    time: 10,
                    threads: 1,
                    print: smaller => $"\n{smaller}");
            }
            catch (CsCheckException smallest)
            {
                Console.WriteLine($"smaller: {smallest.Message}\n{smallest.InnerException?.Message}");
            }

            Environment.Exit(1);
        }
    }

    // What programs run on, and what they did.
    private sealed class Session : IDisposable
    {
        private readonly SortedDictionary<string, int> _counts = new(StringComparer.Ordinal);
        private Worker _worker = new();
        private int _programs;
        private int _lines;

        /// <summary>How a program differs from what the model says; null if it does not.</summary>
        public string? Failure(GreenletProgram program)
        {
            IReadOnlyList<string> log = _worker.Do(() => ProgramRunner.Run(program));
            string? failure = Compare(program, log, out int survivors);
            if (failure is null && GreenletDiagnostics.Live != survivors)
            {
                failure = $"{GreenletDiagnostics.Live} greenlets are alive in the end, not {survivors}";
            }

            Count(log);
            if (survivors != 0 || failure is not null)
            {
                _worker.Dispose(); // they die with their thread
                _worker = new Worker();
                Collector.CollectUntil(() => GreenletDiagnostics.Live == 0, "the greenlets of an ended thread are dead");
            }

            return failure;
        }

        public void Dispose() => _worker.Dispose();

        public override string ToString() =>
            $"{_programs} programs, {_lines} events: {string.Join(", ", _counts.Select(count => $"{count.Key} {count.Value}"))}";

        // Tries the orders in which greenlets may be killed that became unreachable at once.
        private static string? Compare(GreenletProgram program, IReadOnlyList<string> log, out int survivors)
        {
            int[] choices = [];
            int longest = -1;
            string? failure = null;
            for (int i = 0; i < MostPredictions; i++)
            {
                GreenletModel.Prediction prediction = GreenletModel.Predict(program, choices);
                survivors = prediction.Survivors;
                int same = 0;
                while (same < log.Count && same < prediction.Log.Count && log[same] == prediction.Log[same])
                {
                    same++;
                }

                if (same == log.Count && same == prediction.Log.Count)
                {
                    return null;
                }

                if (same > longest)
                {
                    longest = same;
                    failure = Difference(log, prediction.Log, same);
                }

                // The last choice before the difference that can still be another one.
                int last = prediction.Choices.Count - 1;
                while (last >= 0 && (prediction.Choices[last].Position > same || Choice(choices, last) + 1 >= prediction.Choices[last].Options))
                {
                    last--;
                }

                if (last < 0)
                {
                    break;
                }

                choices = [.. Enumerable.Range(0, last).Select(at => Choice(choices, at)), Choice(choices, last) + 1];
            }

            survivors = 0;
            return failure;
        }

        private static int Choice(int[] choices, int at) => at < choices.Length ? choices[at] : 0;

        private static string Difference(IReadOnlyList<string> log, IReadOnlyList<string> expected, int at)
        {
            IEnumerable<string> same = log.Take(at).TakeLast(12).Select(line => $"         {line}");
            return $"{string.Join('\n', same)}\nexpected {(at < expected.Count ? expected[at] : "nothing")}\nbut saw  {(at < log.Count ? log[at] : "nothing")}";
        }

        private void Count(IReadOnlyList<string> log)
        {
            _programs++;
            _lines += log.Count;
            foreach (string line in log)
            {
                // "g3 Switch: threw Error 5  [...]" is a "Switch threw Error", "g3 begins with 5" a "begins with".
                string[] words = line[..line.IndexOf("  [", StringComparison.Ordinal)].Split(' ');
                string kind = words[0] switch
                {
                    "end" => "end",
                    "unobserved" => words[2] == "swallowed" ? "swallowed" : "unobserved",
                    _ when line.Contains("vanished", StringComparison.Ordinal) => "vanished",
                    _ when words[1] == "begins" => words[3] == "Exit" ? "begins with Exit" : "begins",
                    _ when words[1] == "finally" => "finally",
                    _ => $"{words[1].TrimEnd(':')}{(words[2] == "threw" ? $" threw {words[3]}" : words[2] == "skipped" ? " skipped" : string.Empty)}",
                };
                _counts[kind] = _counts.GetValueOrDefault(kind) + 1;
            }
        }
    }
}
