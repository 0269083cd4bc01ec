using System.Reflection;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Samples;

/// <summary>The samples print what the documents show.</summary>
public class SampleTests
{
    [Fact]
    public void The_tour_prints_what_its_document_shows() => Prints(RunTour, "samples.md", "<!-- tour -->");

    [Fact]
    public void The_first_example_prints_what_the_readme_shows() => Prints(RunTwoTasks, "README.md", "using NativeGreenlet;");

    private static void Prints(Action program, string document, string marker)
    {
        InChild.Result child = InChild.Run(program);

        Assert.Equal((0, string.Empty), (child.ExitCode, child.Error));
        Assert.Equal(BlockAfter(document, marker), child.Output.ReplaceLineEndings("\n"));
    }

    // The first block of text after a marker.
    private static string BlockAfter(string document, string marker)
    {
        const string Begin = "```text\n";
        string text = File.ReadAllText(RepositoryFile.Path(document)).ReplaceLineEndings("\n");
        int from = text.IndexOf(marker, StringComparison.Ordinal);
        Assert.True(from >= 0, $"{document} does not contain '{marker}'");
        int begin = text.IndexOf(Begin, from, StringComparison.Ordinal) + Begin.Length;
        return text[begin..text.IndexOf("```", begin, StringComparison.Ordinal)];
    }

    private static void RunTour() => Assembly.Load("Tour").EntryPoint!.Invoke(null, [Array.Empty<string>()]);

    private static void RunTwoTasks() =>
        Assembly.Load("Demo").GetType("NativeGreenlet.Demo.TwoTasks", throwOnError: true)!.GetMethod("Run")!.Invoke(null, null);
}
