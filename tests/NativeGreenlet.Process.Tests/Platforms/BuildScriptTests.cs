using System.Text.RegularExpressions;
using NativeGreenlet.Build;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Platforms;

/// <summary>build.sh and build.ps1 start one program, so that they do the same; here is what text and that program show.</summary>
public partial class BuildScriptTests
{
    [Theory]
    [InlineData("build.sh", "exec dotnet \"$program\" \"$@\"")]
    [InlineData("build.ps1", "& dotnet $program @args")]
    public void Each_hands_all_of_its_arguments_to_the_same_program(string script, string start)
    {
        string text = Text(script);

        Assert.Contains(start, text, StringComparison.Ordinal);
        Assert.Contains("bin/NativeGreenlet.Build/release/NativeGreenlet.Build.dll", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_verb_that_help_names_is_one_and_every_other_word_is_none()
    {
        string[] verbs = Verbs();

        Assert.Contains("test", verbs);
        Assert.All(verbs.Except(["clean", "help"]), verb => Assert.True(CommandLine.Knows(verb), verb)); // clean is the scripts' own
        Assert.False(CommandLine.Knows("tests"));
    }

    [Fact]
    public void Continuous_integration_runs_their_verbs()
    {
        Match[] commands = [.. Command().Matches(Text("ci.yml")).Cast<Match>()];

        Assert.Contains(commands, command => command.Groups[1].Value == "build.sh");
        Assert.Contains(commands, command => command.Groups[1].Value == "build.ps1");
        Assert.All(commands, command => Assert.Contains(command.Groups[2].Value, Verbs()));
    }

    // A test that none of the filters has would never run.
    [Theory]
    [InlineData("NativeGreenlet.Tests.Semantics.StateTests.A_test", nameof(TestFilters.Short))]
    [InlineData("NativeGreenlet.Tests.Survival.CrowdTests.A_test", nameof(TestFilters.Long))]
    [InlineData("NativeGreenlet.Tools.Tests.GdbTests.A_test", nameof(TestFilters.Long))]
    [InlineData("NativeGreenlet.Cooperative.Tests.IO.WithoutPollerTests.A_test", nameof(TestFilters.Long))]
    [InlineData("NativeGreenlet.Tests.Survival.CostTests.A_test", nameof(TestFilters.Alone))]
    [InlineData("NativeGreenlet.Cooperative.Tests.Infrastructure.OtherBackendTests.A_test", nameof(TestFilters.Alone))]
    public void Every_test_is_a_short_one_or_a_long_one_or_runs_alone(string test, string filter)
    {
        Assert.Equal(filter == nameof(TestFilters.Short), TestFilters.Short.Split('&').All(condition => Satisfies(test, condition)));
        Assert.Equal(filter == nameof(TestFilters.Long), SatisfiesLong(test, TestFilters.Long));
        Assert.Equal(filter == nameof(TestFilters.Alone), TestFilters.Alone.Split('|').Any(condition => Satisfies(test, condition)));
    }

    [Theory]
    [InlineData("NativeGreenlet.Tests.Semantics.StateTests.A_test", true, false)]
    [InlineData("NativeGreenlet.Tests.Survival.CostTests.A_test", false, true)]
    [InlineData("NativeGreenlet.Cooperative.Tests.Infrastructure.OtherBackendTests.A_test", false, true)]
    [InlineData("NativeGreenlet.Tools.Tests.GdbTests.A_test", false, false)]
    public void On_another_runtime_a_test_runs_once(string test, bool isBeside, bool isAlone)
    {
        Assert.Equal(isBeside || isAlone, TestFilters.OtherRuntime.Split('&').All(condition => Satisfies(test, condition)));
        Assert.Equal(isBeside, TestFilters.SideBySide.Split('&').All(condition => Satisfies(test, condition)));
        Assert.Equal(isAlone, TestFilters.Alone.Split('|').Any(condition => Satisfies(test, condition)));
    }

    [Theory]
    [InlineData("NativeGreenlet.Tests.Semantics.StateTests.A_test", true, false)]
    [InlineData("NativeGreenlet.Cooperative.Tests.Hubs.SleepTests.A_test", true, false)]
    [InlineData("NativeGreenlet.Cooperative.Tests.IO.ServerTests.A_test", false, true)]
    [InlineData("NativeGreenlet.Cooperative.Tests.IO.LeftoverTests.A_test", false, true)]
    [InlineData("NativeGreenlet.AspNetCore.Tests.EndingTests.A_test", false, true)]
    [InlineData("NativeGreenlet.Tests.Faults.SignalTests.A_test", false, false)]
    public void On_another_backend_a_test_runs_once_by_test_or_by_test_full(string test, bool isShort, bool isLong)
    {
        Assert.Equal(isShort, TestFilters.OtherBackend.Split('&').All(condition => Satisfies(test, condition)));
        Assert.Equal(isLong, SatisfiesLong(test, TestFilters.OtherBackendLong));
    }

    [Fact]
    public void A_run_takes_each_assembly_of_which_the_filter_leaves_tests()
    {
        TestRun[] runs = [.. new TestRun("some", ["a/NativeGreenlet.Tests.dll", "a/NativeGreenlet.AspNetCore.Tests.dll"], TestFilters.OtherBackend).PerAssembly()];

        TestRun run = Assert.Single(runs);
        Assert.Equal("some, NativeGreenlet.Tests", run.Name);
        Assert.Equal(["a/NativeGreenlet.Tests.dll"], run.Subjects);
    }

    [Theory]
    [InlineData("eleven")]
    [InlineData("11")]
    [InlineData("9.0.8")]
    [InlineData("../10.0.15")]
    public void What_is_no_version_of_a_runtime_that_the_library_is_for_is_refused(string version)
    {
        StopException stop = Assert.Throws<StopException>(() => DotnetRuntime.Get(version));
        Assert.Contains(version, stop.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("NativeGreenlet.Cooperative.Tests.Leaks.FlatMemoryTests.A_test", true, false)]
    [InlineData("NativeGreenlet.Tests.Survival.CrowdTests.A_test", false, true)]
    [InlineData("NativeGreenlet.Tests.Semantics.StateTests.A_test", false, false)]
    public void A_long_test_is_one_of_leaks_or_another(string test, bool isOfLeaks, bool isAnother)
    {
        Assert.Equal(isOfLeaks, Satisfies(test, TestFilters.Leaks));
        Assert.Equal(isAnother, SatisfiesLong(test, TestFilters.LongWithoutLeaks));
    }

    // "(this or that) and none of these"
    private static bool SatisfiesLong(string test, string filter) => filter.TrimStart('(').Split(")&") is [var some, var none]
        && some.Split('|').Any(condition => Satisfies(test, condition)) && none.Split('&').All(condition => Satisfies(test, condition));

    private static bool Satisfies(string test, string condition) => condition.StartsWith("FullyQualifiedName!~", StringComparison.Ordinal)
        ? !test.Contains(condition["FullyQualifiedName!~".Length..], StringComparison.Ordinal)
        : test.Contains(condition["FullyQualifiedName~".Length..], StringComparison.Ordinal);

    private static string[] Verbs() => [.. HelpLine().Matches(Help.Text).Select(match => match.Groups[1].Value).Distinct()];

    private static string Text(string file) => File.ReadAllText(RepositoryFile.Path(file));

    [GeneratedRegex("^  ([a-z-]+) ", RegexOptions.Multiline)]
    private static partial Regex HelpLine();

    [GeneratedRegex("\\./(build\\.(?:sh|ps1)) ([a-z]+)")]
    private static partial Regex Command();
}
