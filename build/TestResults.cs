using System.Diagnostics;
using System.Xml;
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
            // A process that crashed or was ended has no result of the test that it was in: WriteEnd says what happened.
            .. from info in Named(results, "RunInfo")
               where (string?)info.Attribute("outcome") == "Error"
               select new TestFailure(assembly, null, string.Join(' ', info.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), path),
        ];
    }

    /// <summary>Writes the result file of a program that ended before its tests did, and so has written none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="assembly">The program.</param>
    /// <param name="failed">The tests that had failed before.</param>
    /// <param name="message">What is known of its end.</param>
    public static void WriteEnd(string path, string assembly, IEnumerable<string> failed, string message)
    {
        XNamespace space = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010";
        new XDocument(new XElement(
            space + "TestRun",
            new XElement(space + "Results", failed.Select(test => new XElement(space + "UnitTestResult", new XAttribute("testName", test), new XAttribute("outcome", "Failed")))),
            new XElement(space + "TestDefinitions", new XElement(space + "UnitTest", new XAttribute("storage", assembly))),
            new XElement(space + "ResultSummary", new XElement(space + "RunInfos", new XElement(
                space + "RunInfo", new XAttribute("outcome", "Error"), new XElement(space + "Text", Printable(message))))))).Save(path);
    }

    // A crash may print anything.
    private static string Printable(string text) => string.Concat(text.Where(XmlConvert.IsXmlChar));

    // No test is named by the results of a run that crashed before the first.
    private static string Assembly(XDocument results) =>
        Path.GetFileName((string?)Named(results, "UnitTest").FirstOrDefault()?.Attribute("storage")) ?? "A test assembly";

    private static IEnumerable<XElement> Named(XContainer parent, string name) =>
        parent.Descendants().Where(each => each.Name.LocalName == name);
}
