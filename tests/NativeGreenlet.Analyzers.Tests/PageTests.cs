namespace NativeGreenlet.Analyzers.Tests;

/// <summary>The page of each diagnostic: its first block of code has the diagnostic, its second has none.</summary>
public sealed class PageTests
{
    // What the blocks of a page refer to: the block takes the place of the mark.
    private const string Block = "/*block*/";

    private static readonly Dictionary<string, string> s_surroundings = new()
    {
        ["NG1001"] = $"void M(object gate, GreenLock greenLock) {{ {Block} }}",
        ["NG1002"] = $"void M(Task<string> task, SemaphoreSlim semaphore) {{ Hub.Yield(); {Block} }}",
        ["NG1003"] = $"void M() {{ {Block} }}",
        ["NG1004"] = $"[ThreadStatic] static string? t_user; static readonly GreenletLocal<string> s_user = new(); void M(string user) {{ {Block} }}",
        ["NG1005"] = $"async Task M(GreenletGenerator<string> generator, TextWriter writer) {{ {Block} }}",
        ["NG1006"] = $"void M(System.Data.Common.DbCommand command) {{ {Block} }}",
        ["NG1007"] = Block,
    };

    public static TheoryData<string> Ids => [.. s_surroundings.Keys];

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task The_page_shows_what_is_found_and_what_is_right(string id)
    {
        string[] blocks = Blocks(Path.Combine(AppContext.BaseDirectory, "Pages", $"{id}.md"));
        Assert.Equal(2, blocks.Length);

        string[] wrong = await Code.AnalyzeAsync([Code.Class(s_surroundings[id].Replace(Block, blocks[0], StringComparison.Ordinal))]);
        string[] right = await Code.AnalyzeAsync([Code.Class(s_surroundings[id].Replace(Block, blocks[1], StringComparison.Ordinal))]);

        Assert.Contains(wrong, found => found.Contains(id, StringComparison.Ordinal));
        Assert.Empty(right);
    }

    [Fact]
    public void Every_diagnostic_has_a_page()
    {
        string[] ids = [.. Code.Analyzers.SelectMany(analyzer => analyzer.SupportedDiagnostics).Select(descriptor => descriptor.Id).Distinct().Order(StringComparer.Ordinal)];
        string[] pages = [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Pages"), "NG*.md").Select(page => Path.GetFileNameWithoutExtension(page)).Order(StringComparer.Ordinal)];

        Assert.Equal(ids, pages);
        Assert.Equal(ids, s_surroundings.Keys);
    }

    private static string[] Blocks(string page) =>
        [.. File.ReadAllText(page).ReplaceLineEndings("\n").Split("```").Where((part, index) => index % 2 == 1).Select(part => part[(part.IndexOf('\n', StringComparison.Ordinal) + 1)..])];
}
