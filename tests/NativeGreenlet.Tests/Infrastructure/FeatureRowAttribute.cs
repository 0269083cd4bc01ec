using Xunit.v3;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>
/// Says which rows of docs/greenlet-compatibility.md a test covers. <c>./build.sh test --filter Row=39</c> runs those of one
/// row.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FeatureRowAttribute(params int[] rows) : Attribute, ITraitAttribute
{
    public IReadOnlyList<int> Rows { get; } = rows;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [.. Rows.Select(row => KeyValuePair.Create("Row", $"{row}"))];
}
