using System.Collections.Concurrent;

namespace NativeGreenlet.SiteCheck;

/// <summary>What is wrong, each thing once, with the pages that have it.</summary>
internal sealed class Report
{
    private const int MostPages = 3;

    private readonly ConcurrentDictionary<string, ConcurrentBag<string>> _problems = new(StringComparer.Ordinal);

    /// <summary>Adds a problem of a page.</summary>
    public void Add(string page, string problem) => _problems.GetOrAdd(problem, _ => []).Add(page);

    /// <summary>Writes all.</summary>
    /// <returns>How many there are.</returns>
    public int Write()
    {
        foreach ((string problem, ConcurrentBag<string> pages) in _problems.OrderByDescending(each => each.Value.Count).ThenBy(each => each.Key, StringComparer.Ordinal))
        {
            string[] distinct = [.. pages.Distinct().Order(StringComparer.Ordinal)];
            string more = distinct.Length > MostPages ? $" and {distinct.Length - MostPages} more" : "";
            Console.WriteLine($"{problem}\n    in {string.Join(", ", distinct.Take(MostPages))}{more}");
        }

        return _problems.Count;
    }
}
