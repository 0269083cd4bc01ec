using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Mono.Cecil;
using Mono.Cecil.Rocks;

namespace NativeGreenlet.AspNetCore.Tests.Documentation;

/// <summary>IntelliSense shows the documentation alone: numbers of rows and sources, which lead elsewhere, say nothing there.</summary>
public class ReferenceTests
{
    [Fact]
    public void No_documentation_refers_to_a_row_of_a_table_or_a_numbered_source()
    {
        string[] found = [.. XmlDocumentation.Members.Where(member => Refers(member.Value)).Select(member => member.Key)];

        Assert.True(found.Length == 0, string.Join('\n', found));
        Assert.NotEmpty(XmlDocumentation.Members);
    }

    /// <summary>A reader of IntelliSense sees the first words: they say what a member does.</summary>
    [Fact]
    public void The_summary_of_a_method_or_a_property_begins_with_a_verb()
    {
        List<string> found = [];
        int count = 0;
        foreach (Assembly assembly in XmlDocumentation.Assemblies)
        {
            using AssemblyDefinition definition = AssemblyDefinition.ReadAssembly(assembly.Location);
            foreach (TypeDefinition type in definition.MainModule.GetTypes().Where(type => type.IsPublic))
            {
                IEnumerable<IMemberDefinition> methods = type.Methods.Where(method => (method.IsPublic || method.IsFamily) && !method.IsSpecialName);
                IEnumerable<IMemberDefinition> properties = type.Properties.Where(property => property.GetMethod is { } getter && (getter.IsPublic || getter.IsFamily));
                foreach (IMemberDefinition member in methods.Concat(properties))
                {
                    string id = DocCommentId.GetDocCommentId(member);
                    // Those of a record are the parameters of its constructor.
                    if (XmlDocumentation.Members.TryGetValue(id, out XElement? element) && element.Element("summary") is { } summary
                        && !type.Methods.Any(method => method.IsConstructor && method.Parameters.Any(parameter => parameter.Name == member.Name)))
                    {
                        count++;
                        if (!Regex.IsMatch(summary.Value.TrimStart(), @"^(?!As\b|Its\b|This\b|Whose\b)[A-Z][a-z]+s\b"))
                        {
                            found.Add($"{id}: {summary.Value.Trim().Split('\n')[0]}");
                        }
                    }
                }
            }
        }

        Assert.True(found.Count == 0, string.Join('\n', found));
        Assert.True(count > 200, $"only {count} members were found");
    }

    private static bool Refers(XElement member)
    {
        IEnumerable<string> prose = member.DescendantNodes().OfType<XText>().Where(text => text.Parent!.Name.LocalName is not ("c" or "code")).Select(text => text.Value);
        return Regex.IsMatch(string.Concat(prose), @"\brows?\s+\d|\[\d+\]");
    }
}
