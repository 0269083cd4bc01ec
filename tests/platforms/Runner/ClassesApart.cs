using System.Diagnostics;
using System.Globalization;

namespace NativeGreenlet.Runner;

/// <summary>Each class of tests in a process of its own.</summary>
internal static class ClassesApart
{
    private const int ShownCharacters = 4000;

    public static void Run(TestAssembly tests, Options options, Tally tally)
    {
        foreach (string name in tests.Classes)
        {
            string file = $"{Path.GetFileNameWithoutExtension(tests.Location)}-{name}"; // a class may be part of several assemblies
            Tally? kept = options.Results is null ? null : Kept(Path.Combine(options.Results, file));
            if (kept is not null)
            {
                Console.WriteLine($"{name}: {kept} (before)");
                tally.Add(kept);
                continue;
            }

            for (int attempt = 1; !TryRun(tests, name, file, options, tally, isLast: attempt >= options.Attempts); attempt++)
            {
                tally.Again();
                Keep(options, $"{file}.again", $"{attempt}\n");
            }
        }
    }

    private static void Keep(Options options, string file, string text)
    {
        if (options.Results is not null)
        {
            File.WriteAllText(Path.Combine(options.Results, file), text);
        }
    }

    private static Tally? Kept(string path)
    {
        Tally? tally = File.Exists(path) ? Tally.Parse(File.ReadAllText(path)) : null;
        int again = tally is not null && File.Exists($"{path}.again") ? int.Parse(File.ReadAllText($"{path}.again"), CultureInfo.InvariantCulture) : 0;
        for (int i = 0; i < again; i++)
        {
            tally!.Again();
        }

        return tally;
    }

    // Whether the class is done with: with whatever result, unless its process ended without one.
    private static bool TryRun(TestAssembly tests, string name, string file, Options options, Tally tally, bool isLast)
    {
        Stopwatch watch = Stopwatch.StartNew();
        List<string> command =
        [
            .. ProgramHost.Command(typeof(ClassesApart).Assembly),
            "--names",
            .. options.Excluded.SelectMany(text => new[] { "--exclude", text }),
            "--include", $"{name}.",
            tests.Location,
        ];
        using ClassProcess process = new([.. command]);
        bool hasEnded = process.Wait(options.Patience);
        string output = process.Output;
        Tally? result = Tally.Parse(output);
        string seconds = $"{watch.Elapsed.TotalSeconds:F0} s";
        if (result is not null && hasEnded)
        {
            if (!result.IsGood)
            {
                Console.WriteLine(output);
            }

            Console.WriteLine($"{name}: {result} ({seconds})");
            tally.Add(result);
            if (result.IsGood)
            {
                Keep(options, file, $"{result}\n");
            }

            return true;
        }

        string end = hasEnded ? $"ended with {process.ExitCode}" : "was killed";
        string where = process.Test is { } test ? $"in {test}" : "before its first test";
        string what = $"{name}: its process {end} after {seconds}, {where}\n{Tail(output)}\n{Tail(process.Error)}";
        if (isLast)
        {
            tally.Fail(what);
        }
        else
        {
            Console.WriteLine($"AGAIN {what}");
        }

        return isLast;
    }

    private static string Tail(string text) => text.Length <= ShownCharacters ? text : $"...{text[^ShownCharacters..]}";
}
