using System.Reflection;
using System.Text.RegularExpressions;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>Keeps the table of faults in docs/reliability.md and the tests together.</summary>
public partial class FaultTableTests
{
    private static readonly IReadOnlyList<string[]> s_rows = ReadTable("## Faults");

    [Fact]
    public void Every_fault_says_what_happens_and_names_tests_that_exist()
    {
        HashSet<string> tests = [.. Tests().Select(test => test.Name)];

        Assert.NotEmpty(s_rows);
        Assert.All(s_rows, row =>
        {
            Assert.Equal(3, row.Length);
            Assert.All(row, cell => Assert.NotEqual(string.Empty, cell));
            Assert.NotEmpty(Named(row));
            Assert.All(Named(row), name => Assert.True(tests.Contains(name), $"There is no test {name}."));
        });
    }

    /// <summary>They are in several projects, so their sources are asked.</summary>
    [Fact]
    public void Every_program_of_other_people_names_tests_that_exist()
    {
        IReadOnlyList<string[]> rows = ReadTable("## What other libraries were told of");
        DirectoryInfo root = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "NativeGreenlet.sln")))
        {
            root = root.Parent!;
        }

        Dictionary<string, string> sources = Directory.EnumerateFiles(Path.Combine(root.FullName, "tests"), "*Tests.cs", SearchOption.AllDirectories)
            .GroupBy(file => Path.GetFileNameWithoutExtension(file))
            .ToDictionary(files => files.Key, files => string.Concat(files.Select(File.ReadAllText)));

        Assert.InRange(rows.Count, 20, int.MaxValue);
        Assert.All(rows, row =>
        {
            Assert.Equal(3, row.Length);
            Assert.NotEmpty(Named(row));
            Assert.All(Named(row), name => Assert.Contains($" {name.Split('.')[1]}(", sources[name.Split('.')[0]], StringComparison.Ordinal));
        });
    }

    [Fact]
    public void Every_test_of_a_fault_is_named_once()
    {
        IEnumerable<string> faults = Tests()
            .Where(test => test.Type.Namespace == typeof(FaultTableTests).Namespace && test.Type != typeof(FaultTableTests))
            .Select(test => test.Name);
        string[] named = [.. s_rows.SelectMany(Named)];

        Assert.Empty(faults.Except(named));
        Assert.Equal(named.Distinct(), named);
    }

    private static IEnumerable<(Type Type, string Name)> Tests() =>
        from assembly in new[] { typeof(FaultTableTests).Assembly, Assembly.Load("NativeGreenlet.Tests") }
        from type in assembly.GetTypes()
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        where method.GetCustomAttribute<FactAttribute>() is not null // theories among them
        select (type, $"{type.Name}.{method.Name}");

    private static IEnumerable<string> Named(string[] row) => TestName().Matches(row[2]).Select(match => match.Groups[1].Value);

    private static List<string[]> ReadTable(string heading) =>
    [
        .. File.ReadLines(RepositoryFile.Path("reliability.md"))
            .SkipWhile(line => line != heading)
            .Skip(1)
            .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Where(line => line.StartsWith('|'))
            .Skip(2) // the head and the line below it
            .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries)),
    ];

    [GeneratedRegex("`(\\w+\\.\\w+)`")]
    private static partial Regex TestName();
}
