using System.Reflection;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Samples;

/// <summary>The samples print what the documents show.</summary>
public class SampleTests
{
    [Fact]
    public void The_tour_prints_what_its_document_shows() => Prints(RunTour, "samples.md", "<!-- tour -->");

    [Fact]
    public void The_first_example_prints_what_the_readme_shows() => Prints(RunTwoTasks, "README.md", "using NativeGreenlet;");

    [Fact]
    public void The_example_of_a_hub_prints_what_the_readme_shows() => 
        Prints(RunSleepers, "README.md", "<!-- hub -->", ("NATIVEGREENLET_BACKEND", "segments"), ("DOTNET_gcConservative", "0")); // not ten thousand threads

    [Fact]
    public void The_crawler_prints_what_its_document_shows()
    {
        InChild.Result child = InChild.Run(RunCrawler);

        Assert.True(child.ExitCode == 0, child.ToString());
        Assert.Equal(BlockAfter("samples.md", "<!-- crawler -->"), child.Output.ReplaceLineEndings("\n")); // how long it took goes elsewhere
    }

    [Fact]
    public void The_chat_prints_what_its_document_shows() => Prints(RunChat, "samples.md", "<!-- chat -->");

    /// <summary>How many threads are held is what it shows, so greenlets must not be threads.</summary>
    [Fact]
    public void Sync_over_async_prints_what_its_document_shows() =>
        Prints(RunSyncOverAsync, "samples.md", "<!-- sync-over-async -->", ("NATIVEGREENLET_BACKEND", "segments"), ("DOTNET_gcConservative", "0"));

    [Fact]
    public void The_sample_in_fsharp_prints_what_its_document_shows() => Prints(RunFSharp, "fsharp.md", "<!-- output -->");

    [Fact]
    public void The_sample_in_visual_basic_prints_what_its_document_shows() => Prints(RunVisualBasic, "visual-basic.md", "<!-- output -->");

    /// <summary>So what the document shows compiles.</summary>
    [Theory]
    [InlineData("fsharp.md", "fsharp", "Program.fs", 3)]
    [InlineData("visual-basic.md", "vb", "Program.vb", 4)]
    public void The_code_of_a_document_is_of_its_sample(string document, string language, string sample, int count)
    {
        string program = File.ReadAllText(RepositoryFile.Path(sample)).ReplaceLineEndings("\n");
        string[] parts = File.ReadAllText(RepositoryFile.Path(document)).ReplaceLineEndings("\n").Split("```");
        string[] blocks = [.. parts.Where((part, index) => index % 2 == 1 && part.StartsWith(language + "\n", StringComparison.Ordinal)).Select(part => part[(language.Length + 1)..])];

        Assert.Equal(count, blocks.Length);
        Assert.All(blocks, block => Assert.Contains(block, program, StringComparison.Ordinal));
    }

    private static void Prints(Action program, string document, string marker, params (string Name, string Value)[] environment)
    {
        InChild.Result child = InChild.Run(program, environment);

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

    private static void RunTour() => RunProgram("Tour");

    private static void RunCrawler() => RunProgram("Crawler");

    private static void RunChat() => RunProgram("Chat");

    private static void RunSyncOverAsync() => RunProgram("SyncOverAsync");

    private static void RunFSharp() => RunProgram("FSharp");

    private static void RunVisualBasic() => Assembly.Load("VisualBasic").EntryPoint!.Invoke(null, null);

    private static void RunProgram(string assembly) => Assembly.Load(assembly).EntryPoint!.Invoke(null, [Array.Empty<string>()]);

    private static void RunSleepers() => Hub.Run(() =>
    {
        GreenTask<int>[] tasks = [.. Enumerable.Range(1, 10_000).Select(number => Hub.Spawn(() =>
        {
            Hub.Sleep(TimeSpan.FromSeconds(1)); // parks the task, blocks no thread
            return number;
        }))];
        Console.WriteLine($"10,000 tasks on one thread: {tasks.Sum(task => task.Result)}"); // after 1.6 s
    });

    private static void RunTwoTasks() =>
        Assembly.Load("Demo").GetType("NativeGreenlet.Demo.TwoTasks", throwOnError: true)!.GetMethod("Run")!.Invoke(null, null);
}
