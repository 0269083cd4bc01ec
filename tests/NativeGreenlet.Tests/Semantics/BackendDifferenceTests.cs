using System.Reflection;
using System.Text.RegularExpressions;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Keeps the lists of what the backends do differently, in docs/greenlet-compatibility.md, and the tests
/// together.</summary>
public class BackendDifferenceTests
{
    private static readonly Regex s_section = new(@"^## Differences of the (?<backend>\w+) backend\n(?<list>(?:(?!## ).*\n)*)", RegexOptions.Multiline);
    private static readonly Regex s_item = new(@"^- \*\*(?<name>[^*]+)\.\*\*(?<text>(?:(?!- ).*\n)*?)(?=^- |\n|\z)", RegexOptions.Multiline);

    private const Backends All = Backends.Segments | Backends.Slices | Backends.Threads;

    private static readonly IReadOnlyDictionary<Backends, IReadOnlyDictionary<string, string>> s_listed = ReadLists();

    [Fact]
    public void The_library_runs_on_the_backend_that_this_run_is_for() =>
        Assert.Equal($"{ThisRun.Backend}", $"{GreenletRuntime.Backend}");

    // What the table says is what Segments does; whoever does not do the same must list why.
    [Fact]
    public void Every_reason_to_skip_a_test_is_a_listed_difference() => Assert.All(Conditions(), test =>
    {
        Backends differing = test.Condition.Backends.HasFlag(Backends.Segments) ? All & ~test.Condition.Backends : test.Condition.Backends;
        Assert.True(differing != Backends.None, $"{test.Name} runs everywhere: it needs no condition");
        foreach (Backends backend in Enum.GetValues<Backends>().Where(each => each != Backends.None && differing.HasFlag(each)))
        {
            Assert.True(
                s_listed.TryGetValue(backend, out IReadOnlyDictionary<string, string>? list) && list.ContainsKey(test.Condition.Because),
                $"{test.Name}: '{test.Condition.Because}' is not among the differences of the {backend} backend");
        }
    });

    [Fact]
    public void Every_listed_difference_is_the_reason_of_a_test()
    {
        HashSet<string> named = [.. Conditions().Select(test => test.Condition.Because)];

        Assert.All(s_listed.SelectMany(list => list.Value.Keys), difference => Assert.Contains(difference, named));
    }

    [Fact]
    public void Every_listed_difference_is_explained() => Assert.All(
        s_listed.SelectMany(list => list.Value),
        difference => Assert.True(difference.Value.Length > 40, $"'{difference.Key}' is not explained"));

    [Fact]
    public void Threads_has_a_list() => Assert.NotEmpty(s_listed[Backends.Threads]);

    private static IEnumerable<(string Name, FactOnAttribute Condition)> Conditions() =>
        from type in typeof(BackendDifferenceTests).Assembly.GetTypes()
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        let condition = method.GetCustomAttribute<FactOnAttribute>()
        where condition is not null
        select ($"{type.Name}.{method.Name}", condition);

    // A heading "Differences of the X backend", and below it a list: "- **Name.** Explanation".
    private static Dictionary<Backends, IReadOnlyDictionary<string, string>> ReadLists()
    {
        string text = File.ReadAllText(RepositoryFile.Path("greenlet-compatibility.md")).ReplaceLineEndings("\n");
        return s_section.Matches(text).ToDictionary(
            section => Enum.Parse<Backends>(section.Groups["backend"].Value),
            section => (IReadOnlyDictionary<string, string>)s_item.Matches(section.Groups["list"].Value).ToDictionary(
                item => item.Groups["name"].Value,
                item => item.Groups["text"].Value));
    }
}
