using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace NativeGreenlet.Engines;

/// <summary>Runs each cell in a process of its own, the styles by turns, prints the medians, and puts them into the page of results if asked
/// to (<c>--write</c>).</summary>
public static class ResultsTable
{
    private const string Page = "bench/results/engines.md";

    /// <summary>Runs a comparison.</summary>
    /// <param name="comparison">The comparison.</param>
    /// <param name="arguments">Of the command line: <c>--actors</c> or <c>--grains</c>, <c>--in-flight</c>, <c>--seconds</c>, <c>--rounds</c>,
    /// <c>--waits</c>, <c>--write</c>.</param>
    /// <returns>The code to exit with.</returns>
    public static int Run(Comparison comparison, string[] arguments)
    {
        string[] numbers = Get(arguments, $"--{comparison.Unit}", "1000,10000,100000").Split(',');
        string inFlight = Get(arguments, "--in-flight", comparison.InFlight.ToString(CultureInfo.InvariantCulture));
        string seconds = Get(arguments, "--seconds", "3");
        int rounds = int.Parse(Get(arguments, "--rounds", "3"), CultureInfo.InvariantCulture);
        string waits = Get(arguments, "--waits", string.Join(',', comparison.Waits.Keys));
        StringBuilder text = new();
        string before = Load();
        foreach (string wait in waits.Split(','))
        {
            Say(text, $"\n### It {comparison.Waits[wait]}\n");
            Say(text, $"| {comparison.Unit} | style | calls a second | of async's | p50 | p99 | processor time each | of async's | allocated by each | in collections | threads | resident | an idle one |");
            Say(text, "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
            foreach (string number in numbers)
            {
                Row[] rows = [.. comparison.Rows.Where(row => row.Wait == wait)];
                Dictionary<Row, List<Figures>> results = rows.ToDictionary(static row => row, static _ => new List<Figures>());
                for (int round = 0; round < rounds; round++)
                {
                    foreach (Row row in rows)
                    {
                        if (TryRun("cell", row.Style, wait, number, inFlight, seconds) is { } figures)
                        {
                            results[row].Add(figures);
                        }
                    }
                }

                Figures? compared = rows.FirstOrDefault(static row => row.Style == "async") is { } other && results[other].Count != 0 ? Figures.MedianOf(results[other]) : null;
                foreach (Row row in rows)
                {
                    Say(text, Line(number, row, results[row], compared));
                }
            }
        }

        string setting = string.Create(CultureInfo.InvariantCulture,
            $"{comparison.Title}. {DateTime.UtcNow:yyyy-MM-dd}, `./build.sh bench engines {comparison.Section} --write`: {(rounds == 1 ? "one round" : $"{rounds} rounds")} of {seconds} s in which the styles take turns{(rounds == 1 ? string.Empty : ", the median of each")}; {inFlight} calls in flight. {Machine()}. The load of the system was {before} before and {Load()} after it.");
        Console.WriteLine($"\n{setting}");
        if (arguments.Contains("--write"))
        {
            Write(comparison.Section, $"{setting}\n{text.ToString().TrimEnd()}");
        }

        return 0;
    }

    private static string Line(string number, Row row, List<Figures> rounds, Figures? compared)
    {
        string begin = $"| {int.Parse(number, CultureInfo.InvariantCulture).ToString("N0", CultureInfo.InvariantCulture)} | {row.Name} |";
        if (rounds.Count == 0)
        {
            return $"{begin} calls time out | | | | | | | | | | |";
        }

        Figures each = Figures.MedianOf(rounds);
        return string.Create(CultureInfo.InvariantCulture,
            $"{begin} {each.Rate:N0} | {each.Rate / compared?.Rate:F2}x | {each.Median:F2} ms | {each.Percentile99:F2} ms | {each.Processor:F2} µs | {each.Processor / compared?.Processor:F2}x | {each.Allocated:N0} B | {100 * each.Paused:F1} % | {each.Threads:F0} | {each.Resident:F0} MiB | {each.Idle:F1} KiB |");
    }

    // Null if the process ended by an exception: of calls that block their threads some get none.
    private static Figures? TryRun(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [Assembly.GetEntryAssembly()!.Location, .. arguments]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return Figures.TryParse(output);
    }

    private static void Say(StringBuilder text, string line)
    {
        Console.WriteLine(line);
        text.Append(line).Append('\n');
    }

    private static void Write(string section, string text)
    {
        string begin = $"<!-- {section} -->\n";
        string end = $"\n<!-- /{section} -->";
        string page = File.ReadAllText(Page);
        int from = page.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        int to = page.IndexOf(end, from, StringComparison.Ordinal);
        File.WriteAllText(Page, $"{page[..from]}{text}{page[to..]}");
    }

    private static string Machine()
    {
        string processor = Read("/proc/cpuinfo", "model name", ':');
        return $"{(processor.Length == 0 ? RuntimeInformation.ProcessArchitecture.ToString() : processor)}, {Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}, workstation collector";
    }

    private static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";

    private static string Read(string file, string name, char separator) => !File.Exists(file) ? "" : File.ReadLines(file)
        .Where(line => line.StartsWith(name, StringComparison.Ordinal))
        .Select(line => line[(line.IndexOf(separator) + 1)..].Trim())
        .FirstOrDefault("");

    private static string Get(string[] arguments, string name, string otherwise)
    {
        int index = Array.IndexOf(arguments, name);
        return index < 0 ? otherwise : arguments[index + 1];
    }
}
