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
            .. options.Excluded.SelectMany(text => new[] { "--exclude", text }),
            "--include", $"{name}.",
            tests.Location,
        ];
        using Process process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        bool hasEnded = process.WaitForExit(options.Patience);
        if (!hasEnded)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }

        Tally? result = Tally.Parse(output.Result);
        string seconds = $"{watch.Elapsed.TotalSeconds:F0} s";
        if (result is not null && hasEnded)
        {
            if (!result.IsGood)
            {
                Console.WriteLine(output.Result);
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
        string what = $"{name}: its process {end} after {seconds}\n{Tail(output.Result)}\n{Tail(error.Result)}";
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
