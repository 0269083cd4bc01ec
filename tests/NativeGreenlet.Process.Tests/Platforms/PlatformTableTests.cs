using System.Text.Json;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Platforms;

/// <summary>What the documents say about platforms is what the scripts that ran there wrote down.</summary>
public class PlatformTableTests
{
    private const string Begin = "<!-- platforms -->";
    private const string End = "<!-- /platforms -->";
    private static readonly string[] s_columns = ["platform", "built", "c_tests", "managed_tests", "stress", "by", "date"];

    [Theory]
    [InlineData("README.md")]
    [InlineData("platforms.md")]
    public void The_table_is_what_the_results_say(string document)
    {
        string text = File.ReadAllText(RepositoryFile.Path(document)).ReplaceLineEndings("\n");
        int begin = text.IndexOf(Begin, StringComparison.Ordinal);
        int end = text.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= 0 && end > begin, $"{document} has no place for the table.");
        string[] rows = text[(begin + Begin.Length)..end].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Results().Select(Row), rows.Skip(2)); // the heading
    }

    [Fact]
    public void Every_result_fits_into_its_row()
    {
        Assert.NotEmpty(Results());
        Assert.All(Results(), result => Assert.All(s_columns, column => Assert.InRange(result[column].Length, 1, 80)));
    }

    private static string Row(Dictionary<string, string> result) => $"| {string.Join(" | ", s_columns.Select(column => result[column]))} |";

    private static Dictionary<string, string>[] Results() =>
    [
        .. Directory.GetFiles(RepositoryFile.Path("platforms"), "*.json")
            .Order(StringComparer.Ordinal)
            .Select(file => JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(file))!),
    ];
}
