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
            for (int attempt = 1; !TryRun(tests, name, options, tally, isLast: attempt >= options.Attempts); attempt++)
            {
                tally.Again();
            }
        }
    }

    // Whether the class is done with: with whatever result, unless its process ended without one.
    private static bool TryRun(TestAssembly tests, string name, Options options, Tally tally, bool isLast)
    {
        Stopwatch watch = Stopwatch.StartNew();
        List<string> command =
        [
            .. ProgramHost.Command(typeof(ClassesApart).Assembly),
            .. options.Excluded.SelectMany(text => new[] { "--exclude", text }),
            "--threads", options.Threads.ToString(CultureInfo.InvariantCulture),
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
