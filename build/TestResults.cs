using System.Xml.Linq;

namespace NativeGreenlet.Build;

/// <summary>The result files that the test runners write.</summary>
internal static class TestResults
{
    private static readonly DateTime s_start = DateTime.UtcNow;

    /// <summary>The directory that they are in.</summary>
    public const string Directory = "artifacts/test-results";

    /// <summary>The tests that failed since this program began, each with the first line of its message: a run of an hour prints too
    /// much to search.</summary>
    public static IReadOnlyList<string> Failures()
    {
        if (!System.IO.Directory.Exists(Directory))
        {
            return [];
        }

        return
        [
            .. new DirectoryInfo(Directory).EnumerateFiles("*.trx", SearchOption.AllDirectories)
                .Where(file => file.LastWriteTimeUtc >= s_start)
                .OrderBy(file => file.LastWriteTimeUtc)
                .SelectMany(Read),
        ];
    }

    private static IEnumerable<string> Read(FileInfo file) =>
        from result in XDocument.Load(file.FullName).Descendants()
        where result.Name.LocalName == "UnitTestResult" && (string?)result.Attribute("outcome") == "Failed"
        let message = result.Descendants().FirstOrDefault(each => each.Name.LocalName == "Message")?.Value ?? ""
        select $"{(string?)result.Attribute("testName")}: {message.Trim().Split('\n')[0].Trim()} ({Path.GetRelativePath(Directory, file.FullName)})";
}
