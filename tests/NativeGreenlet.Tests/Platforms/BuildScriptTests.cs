using System.Text.RegularExpressions;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Platforms;

/// <summary>build.sh and build.ps1 say and do the same, as far as text can show it: neither runs on the other's platform.</summary>
public partial class BuildScriptTests
{
    [Fact]
    public void Both_have_the_same_verbs()
    {
        string[] verbs = Verbs("build.sh");

        Assert.Contains("build", verbs);
        Assert.Equal(verbs, Verbs("build.ps1"));
    }

    // BenchmarkDotNet would get a word that a script does not know.
    [Fact]
    public void Both_know_the_same_kinds_of_benchmark()
    {
        string[] kinds = Found(KindInShell(), Text("build.sh"));

        Assert.Contains("tables", kinds);
        Assert.Equal(kinds, Found(KindInPowerShell(), Text("build.ps1")));
    }

    [Fact]
    public void Both_leave_out_the_same_on_other_backends()
    {
        string[] left = Found(LeftOut(), Text("build.sh"));
        string list = Between(Text("build.ps1"), "$anyBackend = ", "-join");

        Assert.Contains("Faults", left);
        Assert.Contains("Tools.Tests", left);
        Assert.All(left, name => Assert.Matches($"['.]{Regex.Escape(name)}['.]", list));
    }

    [Fact]
    public void Continuous_integration_runs_their_verbs()
    {
        Match[] commands = [.. Command().Matches(Text("ci.yml")).Cast<Match>()];

        Assert.Contains(commands, command => command.Groups[1].Value == "build.sh");
        Assert.Contains(commands, command => command.Groups[1].Value == "build.ps1");
        Assert.All(commands, command => Assert.Contains(command.Groups[2].Value, Verbs(command.Groups[1].Value)));
    }

    private static string[] Verbs(string script) => Found(HelpLine(), Between(Text(script), "usage:", "Missing tools"));

    private static string[] Found(Regex pattern, string text) =>
        [.. pattern.Matches(text).Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)];

    private static string Between(string text, string begin, string end)
    {
        int start = text.IndexOf(begin, StringComparison.Ordinal);
        return text[start..text.IndexOf(end, start, StringComparison.Ordinal)];
    }

    private static string Text(string file) => File.ReadAllText(RepositoryFile.Path(file));

    [GeneratedRegex("^  ([a-z]+) ", RegexOptions.Multiline)]
    private static partial Regex HelpLine();

    [GeneratedRegex("\"\\$\\{1:-\\}\" = ([a-z]+) \\]")]
    private static partial Regex KindInShell();

    [GeneratedRegex("\\$rest\\[0\\] -eq '([a-z]+)'")]
    private static partial Regex KindInPowerShell();

    [GeneratedRegex("FullyQualifiedName!~\\.(?:Tests\\.)?([A-Z][A-Za-z.]*)\\.")]
    private static partial Regex LeftOut();

    [GeneratedRegex("\\./(build\\.(?:sh|ps1)) ([a-z]+)")]
    private static partial Regex Command();
}
