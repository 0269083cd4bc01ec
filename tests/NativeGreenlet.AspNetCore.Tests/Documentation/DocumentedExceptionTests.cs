using System.Diagnostics;
using System.Reflection;
using System.Xml.Linq;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace NativeGreenlet.AspNetCore.Tests.Documentation;

/// <summary>What a public member throws itself, or a check of its arguments, is in its documentation. What the methods throw that it
/// calls is not seen here.</summary>
public class DocumentedExceptionTests
{
    // Still to be looked through: take them away from here when they hold.
    [Fact]
    public void What_a_public_member_throws_is_documented()
    {
        List<string> missing = [];
        int thrown = 0;
        foreach (Assembly assembly in XmlDocumentation.Assemblies)
        {
            using AssemblyDefinition definition = AssemblyDefinition.ReadAssembly(assembly.Location);
            foreach (MethodDefinition method in definition.MainModule.GetTypes().Where(IsPublic).SelectMany(type => type.Methods).Where(IsPublic))
            {
                string[] types = [.. Thrown(method)];
                thrown += types.Length;
                string id = DocCommentId.GetDocCommentId(Documented(method));
                HashSet<string>? documented = Exceptions(id, []);
                missing.AddRange(types.Where(type => documented?.Overlaps(Bases(type)) == false).Select(type => $"{id}: {type}"));
            }
        }

        Assert.True(missing.Count == 0, string.Join('\n', missing));
        Assert.True(thrown > 50, $"only {thrown} exceptions were found");
    }

    private static bool IsPublic(TypeDefinition type) => type.IsPublic;

    private static bool IsPublic(MethodDefinition method) =>
        (method.IsPublic || method.IsFamily) && method.HasBody;

    // Accessors have the documentation of their property.
    private static IMemberDefinition Documented(MethodDefinition method) =>
        method.DeclaringType.Properties.FirstOrDefault(property => property.GetMethod == method || property.SetMethod == method) is { } found ? found : method;

    private static IEnumerable<string> Thrown(MethodDefinition method)
    {
        IEnumerable<string> checks = method.Body.Instructions
            .Where(instruction => instruction.OpCode.Code == Code.Call)
            .Select(instruction => (MethodReference)instruction.Operand)
            .Where(called => called.Name.StartsWith("ThrowIf", StringComparison.Ordinal) && called.DeclaringType.Namespace == "System")
            .Select(called => called.DeclaringType.FullName);
        IEnumerable<string> throws = method.Body.Instructions
            .Where(instruction => instruction.OpCode.Code == Code.Throw && instruction.Previous?.OpCode.Code == Code.Newobj)
            .Select(instruction => ((MethodReference)instruction.Previous.Operand).DeclaringType.FullName);
        return checks.Concat(throws).Where(name => name != typeof(UnreachableException).FullName).Distinct();
    }

    // Null if the documentation is inherited from elsewhere.
    private static HashSet<string>? Exceptions(string id, HashSet<string> seen)
    {
        HashSet<string> found = [];
        if (!seen.Add(id) || !XmlDocumentation.Members.TryGetValue(id, out XElement? member))
        {
            return found;
        }

        foreach (XElement inherited in member.Elements("inheritdoc"))
        {
            if (inherited.Attribute("cref") is not { } source || Exceptions(source.Value, seen) is not { } more)
            {
                return null;
            }

            found.UnionWith(more);
        }

        found.UnionWith(member.Elements("exception").Select(exception => exception.Attribute("cref")!.Value[2..]));
        return found;
    }

    private static IEnumerable<string> Bases(string name)
    {
        Type? type = Type.GetType(name) ?? XmlDocumentation.Assemblies.Append(typeof(Uri).Assembly).Select(assembly => assembly.GetType(name)).FirstOrDefault(found => found is not null);
        yield return name;
        for (Type? each = type?.BaseType; each is not null && each != typeof(Exception); each = each.BaseType)
        {
            yield return each.FullName!;
        }
    }
}
