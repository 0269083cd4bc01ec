using System.Diagnostics;
using System.Xml.Linq;

namespace NativeGreenlet.Build;

/// <summary>The result files that the test runners write.</summary>
internal static class TestResults
{
    /// <summary>The directory that they are in.</summary>
    public const string Directory = "artifacts/test-results";

    /// <summary>What failed since a time: the tests, and the processes that ended before their tests did. A run of an hour prints too
    /// much to search.</summary>
    /// <param name="directory">Where the result files are, or below.</param>
    /// <param name="start">The time; null: when this program began.</param>
    public static IReadOnlyList<TestFailure> Failures(string directory, DateTime? start = null)
    {
        if (!System.IO.Directory.Exists(directory))
        {
            return [];
        }

        DateTime earliest = start ?? Process.GetCurrentProcess().StartTime.ToUniversalTime();
        return
        [
            .. new DirectoryInfo(directory).EnumerateFiles("*.trx", SearchOption.AllDirectories)
                .Where(file => file.LastWriteTimeUtc >= earliest)
                .OrderBy(file => file.LastWriteTimeUtc)
                .SelectMany(Read),
        ];
    }

    /// <summary>What failed, by one result file.</summary>
    public static IEnumerable<TestFailure> Read(FileInfo file)
    {
        XDocument results = XDocument.Load(file.FullName);
        string path = Path.GetRelativePath(Directory, file.FullName);
        string assembly = Assembly(results);
        return
        [
            .. from result in Named(results, "UnitTestResult")
               where (string?)result.Attribute("outcome") == "Failed"
               let message = Named(result, "Message").FirstOrDefault()?.Value ?? ""
               select new TestFailure(assembly, (string?)result.Attribute("testName"), message, path),
            // A process that crashed or was ended has no result of the test that it was in: the runner's own words say what happened.
            .. from info in Named(results, "RunInfo")
               where (string?)info.Attribute("outcome") == "Error" && !info.Value.Contains("[FAIL]", StringComparison.Ordinal)
               select new TestFailure(assembly, null, string.Join(' ', info.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), path),
        ];
    }

    // No test is named by the results of a run that crashed before the first.
    private static string Assembly(XDocument results) =>
        Path.GetFileName((string?)Named(results, "UnitTest").FirstOrDefault()?.Attribute("storage")) ?? "A test assembly";

    private static IEnumerable<XElement> Named(XContainer parent, string name) =>
        parent.Descendants().Where(each => each.Name.LocalName == name);
}
