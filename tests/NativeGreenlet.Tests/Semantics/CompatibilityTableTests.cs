using System.Globalization;
using System.Reflection;
using NativeGreenlet.Common;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Semantics;

/// <summary>Keeps docs/greenlet-compatibility.md and the tests together.</summary>
public class CompatibilityTableTests
{
    private const int LastRow = 122;

    // What is promised for later. A row may say so ("Planned: ...") only if it is listed here.
    private static readonly int[] s_planned = [];

    private static readonly IReadOnlyList<TableRow> s_rows = ReadTable();

    [Fact]
    public void Every_row_is_there_once_and_in_order() =>
        Assert.Equal(Enumerable.Range(1, LastRow), s_rows.Select(row => row.Number));

    [Fact]
    public void Every_row_says_what_greenlet_and_what_NativeGreenlet_does() => Assert.All(s_rows, row =>
    {
        Assert.False(string.IsNullOrWhiteSpace(row.Behaviour), $"row {row.Number}: no behaviour");
        Assert.False(string.IsNullOrWhiteSpace(row.Greenlet), $"row {row.Number}: nothing about greenlet");
        Assert.False(string.IsNullOrWhiteSpace(row.NativeGreenlet), $"row {row.Number}: nothing about NativeGreenlet");
    });

    [Fact]
    public void Every_row_names_exactly_the_tests_that_name_it()
    {
        List<string> differences = [];
        foreach (TableRow row in s_rows)
        {
            string[] tests = [.. TestsOf(row.Number).Order(StringComparer.Ordinal)];
            string[] named = [.. row.Tests.Order(StringComparer.Ordinal)];
            if (!tests.SequenceEqual(named))
            {
                differences.Add($"row {row.Number} must name: {string.Join("<br>", tests.Select(test => $"`{test}`"))}");
            }
        }

        Assert.True(differences.Count == 0, string.Join('\n', differences));
    }

    [Fact]
    public void Every_row_without_a_test_has_a_reason() => Assert.All(s_rows.Where(row => row.Tests.Count == 0), row =>
    {
        bool isPlanned = row.NativeGreenlet.StartsWith("Planned:", StringComparison.Ordinal);
        bool doesNotApply = row.NativeGreenlet.StartsWith("Does not apply:", StringComparison.Ordinal);
        Assert.True(isPlanned || doesNotApply, $"row {row.Number} has no test and does not say why");
        Assert.True(row.NativeGreenlet.Length > "Does not apply:".Length + 10, $"row {row.Number} gives no reason");
        Assert.True(!isPlanned || s_planned.Contains(row.Number), $"row {row.Number} is not among those that may be planned");
    });

    [Fact]
    public void What_is_planned_is_said_so_and_nothing_else() => Assert.Equal(
        s_planned,
        s_rows.Where(row => row.NativeGreenlet.StartsWith("Planned:", StringComparison.Ordinal)).Select(row => row.Number));

    [Fact]
    public void Tests_name_only_rows_that_exist() =>
        Assert.All(Tests().SelectMany(test => test.Rows), row => Assert.InRange(row, 1, LastRow));

    private static IEnumerable<string> TestsOf(int row) => Tests().Where(test => test.Rows.Contains(row)).Select(test => test.Name);

    private static IEnumerable<(string Name, IReadOnlyList<int> Rows)> Tests() =>
        from type in typeof(CompatibilityTableTests).Assembly.GetTypes()
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
        let row = method.GetCustomAttribute<FeatureRowAttribute>()
        where row is not null && method.GetCustomAttribute<FactAttribute>() is { Skip: null } or OptimizedFactAttribute or FactOnAttribute or UnfrozenFactAttribute
        select ($"{type.Name}.{method.Name}", row.Rows);

    private static List<TableRow> ReadTable()
    {
        List<TableRow> rows = [];
        foreach (string line in File.ReadLines(RepositoryFile.Path("greenlet-compatibility.md")))
        {
            string[] cells = [.. line.Trim().Trim('|').Split('|').Select(cell => cell.Trim())];
            if (line.StartsWith('|') && int.TryParse(cells[0], CultureInfo.InvariantCulture, out int number))
            {
                Assert.True(cells.Length == 5, $"row {number} has {cells.Length} cells: row, behaviour, greenlet, NativeGreenlet, test");
                string[] tests = [.. cells[4].Split("<br>", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(test => test.Trim('`'))];
                rows.Add(new TableRow(number, cells[1], cells[2], cells[3], tests));
            }
        }

        return rows;
    }

    private sealed record TableRow(int Number, string Behaviour, string Greenlet, string NativeGreenlet, IReadOnlyList<string> Tests);
}
