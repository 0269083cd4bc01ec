using System.Diagnostics;
using System.Globalization;

namespace NativeGreenlet.Engines.Orleans;

/// <summary>Runs each cell in a process of its own, the styles by turns, and prints the medians.</summary>
internal static class Table
{
    private static readonly (string Style, string Wait, string Name)[] s_rows =
    [
        ("green", "ask", "[RunOnGreenlets], Hub.Await(call)"),
        ("async", "ask", "async, await call"),
        ("blocking", "ask", "call.Wait()"),
        ("green", "delay", "[RunOnGreenlets], Hub.Sleep(1)"),
        ("async", "delay", "async, await Task.Delay(1)"),
        ("blocking", "delay", "Thread.Sleep(1)"),
        ("green", "none", "[RunOnGreenlets]"),
        ("async", "none", "Task.FromResult"),
    ];

    public static int Print(string[] arguments)
    {
        int[] numbers = [.. Get(arguments, "--grains", "1000,10000,100000").Split(',').Select(text => int.Parse(text, CultureInfo.InvariantCulture))];
        string inFlight = Get(arguments, "--in-flight", "1000");
        string seconds = Get(arguments, "--seconds", "3");
        int rounds = int.Parse(Get(arguments, "--rounds", "3"), CultureInfo.InvariantCulture);
        string only = Get(arguments, "--waits", "ask,delay,none");
        foreach (string wait in only.Split(','))
        {
            Console.WriteLine($"\nThe method {Describe(wait)}; {inFlight} calls in flight\n");
            Console.WriteLine("| grains | method | calls a second | of async's | p50 | p99 | processor time each | threads | resident |");
            Console.WriteLine("|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|");
            foreach (int number in numbers)
            {
                (string Style, string Wait, string Name)[] rows = [.. s_rows.Where(row => row.Wait == wait)];
                Dictionary<string, List<double[]>> results = rows.ToDictionary(row => row.Style, _ => new List<double[]>());
                for (int round = 0; round < rounds; round++)
                {
                    foreach ((string style, _, _) in rows)
                    {
                        if (TryRunCell(style, wait, number.ToString(CultureInfo.InvariantCulture), inFlight, seconds) is { } result)
                        {
                            results[style].Add(result);
                        }
                    }
                }

                if (results["async"].Count == 0)
                {
                    continue; // nothing to compare with: why is on the standard error
                }

                double asynchronous = Median(results["async"], 0);
                foreach ((string style, _, string name) in rows)
                {
                    if (results[style].Count == 0)
                    {
                        Console.WriteLine($"| {number:N0} | {name} | calls time out | | | | | | |");
                        continue;
                    }

                    double[] values = [.. Enumerable.Range(0, 6).Select(column => Median(results[style], column))];
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                        $"| {number:N0} | {name} | {values[0]:N0} | {values[0] / asynchronous:F2}x | {values[1] / 1000:F2} ms | {values[2] / 1000:F2} ms | {values[3]:F2} µs | {values[4]:F0} | {values[5]:F0} MiB |"));
                }
            }
        }

        return 0;
    }

    private static string Describe(string wait) => wait switch
    {
        "ask" => "calls another grain",
        "delay" => "waits for a millisecond",
        _ => "does not wait",
    };

    // Null if the process ended by an exception: of calls that block their threads some get none.
    private static double[]? TryRunCell(string style, string wait, string number, string inFlight, string seconds)
    {
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [typeof(Table).Assembly.Location, "cell", style, wait, number, inFlight, seconds]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        string[] words = output.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words.Length == 6 ? [.. words.Select(word => double.Parse(word, CultureInfo.InvariantCulture))] : null;
    }

    private static double Median(List<double[]> results, int column)
    {
        double[] sorted = [.. results.Select(result => result[column]).Order()];
        return sorted[sorted.Length / 2];
    }

    private static string Get(string[] arguments, string name, string otherwise)
    {
        int index = Array.IndexOf(arguments, name);
        return index < 0 ? otherwise : arguments[index + 1];
    }
}
