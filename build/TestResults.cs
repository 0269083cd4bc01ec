using System.Diagnostics;
using System.Xml.Linq;

namespace NativeGreenlet.Build;

/// <summary>The result files that the test runners write.</summary>
internal static class TestResults
{
    /// <summary>The directory that they are in.</summary>
    public const string Directory = "artifacts/test-results";

    /// <summary>The tests that failed since this program began, each with the first line of its message, and the runs that ended before
    /// their tests did: a run of an hour prints too much to search.</summary>
    public static IReadOnlyList<string> Failures()
    {
        if (!System.IO.Directory.Exists(Directory))
        {
            return [];
        }

        DateTime start = Process.GetCurrentProcess().StartTime.ToUniversalTime();
        return
        [
            .. new DirectoryInfo(Directory).EnumerateFiles("*.trx", SearchOption.AllDirectories)
                .Where(file => file.LastWriteTimeUtc >= start)
                .OrderBy(file => file.LastWriteTimeUtc)
                .SelectMany(Read),
        ];
    }

    private static IEnumerable<string> Read(FileInfo file)
    {
        XDocument results = XDocument.Load(file.FullName);
        string path = Path.GetRelativePath(Directory, file.FullName);
        return
        [
            .. from result in Named(results, "UnitTestResult")
               where (string?)result.Attribute("outcome") == "Failed"
               let message = Named(result, "Message").FirstOrDefault()?.Value ?? ""
               select $"{(string?)result.Attribute("testName")}: {message.Trim().Split('\n')[0].Trim()} ({path})",
            // A process that crashed or was ended has no result of the test that it was in: the runner's own words say what happened.
            .. from info in Named(results, "RunInfo")
               where (string?)info.Attribute("outcome") == "Error" && !info.Value.Contains("[FAIL]", StringComparison.Ordinal)
               select $"{Assembly(results)}: {string.Join(' ', info.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))} ({path})",
        ];
    }

    // No test is named by the results of a run that crashed before the first.
    private static string Assembly(XDocument results) =>
        Path.GetFileName((string?)Named(results, "UnitTest").FirstOrDefault()?.Attribute("storage")) ?? "A test assembly";

    private static IEnumerable<XElement> Named(XContainer parent, string name) =>
        parent.Descendants().Where(each => each.Name.LocalName == name);
}
