using System.Text.RegularExpressions;
using System.Xml.Linq;

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

    private static bool Refers(XElement member)
    {
        IEnumerable<string> prose = member.DescendantNodes().OfType<XText>().Where(text => text.Parent!.Name.LocalName is not ("c" or "code")).Select(text => text.Value);
        return Regex.IsMatch(string.Concat(prose), @"\brows?\s+\d|\[\d+\]");
    }
}
