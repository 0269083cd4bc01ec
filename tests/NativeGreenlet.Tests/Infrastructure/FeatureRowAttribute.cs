using Xunit.Abstractions;
using Xunit.Sdk;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>
/// Says which rows of docs/greenlet-compatibility.md a test covers. <c>dotnet test --filter Row=39</c> runs those of one
/// row.
/// </summary>
[TraitDiscoverer("NativeGreenlet.Tests.Infrastructure.FeatureRowDiscoverer", "NativeGreenlet.Tests")]
[AttributeUsage(AttributeTargets.Method)]
public sealed class FeatureRowAttribute(params int[] rows) : Attribute, ITraitAttribute
{
    public IReadOnlyList<int> Rows { get; } = rows;
}

/// <summary>Makes a trait of each row. Found by xunit by its name.</summary>
public sealed class FeatureRowDiscoverer : ITraitDiscoverer
{
    public IEnumerable<KeyValuePair<string, string>> GetTraits(IAttributeInfo traitAttribute)
    {
        foreach (object row in (System.Collections.IEnumerable)traitAttribute.GetConstructorArguments().Single())
        {
            yield return new KeyValuePair<string, string>("Row", $"{row}");
        }
    }
}
