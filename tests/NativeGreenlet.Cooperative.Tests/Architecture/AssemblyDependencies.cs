using System.Text.RegularExpressions;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace NativeGreenlet.Cooperative.Tests.Architecture;

/// <summary>Which folders of an assembly's source the types of which other folders need, as its compiled code shows.</summary>
internal static partial class AssemblyDependencies
{
    /// <summary>Reads the folder of each type from the source files: public types have no namespace of their own.</summary>
    /// <param name="sources">The folder of the assembly's source.</param>
    /// <returns>The first folder below it by the type's name. A type of several files is in the folder of the one that bears its name.</returns>
    public static Dictionary<string, string> Folders(string sources)
    {
        Dictionary<string, string> folders = [];
        foreach (string file in Directory.EnumerateFiles(sources, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string folder = Path.GetRelativePath(sources, file).Split('/', '\\')[0];
            foreach (Match declaration in Declaration().Matches(File.ReadAllText(file)))
            {
                string name = declaration.Groups["name"].Value;
                if (!folders.ContainsKey(name) || Path.GetFileNameWithoutExtension(file) == name)
                {
                    folders[name] = folder;
                }
            }
        }

        return folders;
    }

    /// <summary>Reads which types need which others: bases, members, instructions, attributes.</summary>
    /// <returns>Pairs of the names of top-level types, without the number of type parameters.</returns>
    public static HashSet<(string From, string To)> Read(string assembly)
    {
        using ModuleDefinition module = ModuleDefinition.ReadModule(assembly);
        HashSet<(string, string)> found = [];
        foreach (TypeDefinition type in module.GetTypes())
        {
            string from = TopLevelName(type);
            foreach (TypeReference needed in Needed(type).SelectMany(Parts))
            {
                if (needed.Scope == module && TopLevelName(needed) is var to && to != from)
                {
                    _ = found.Add((from, to));
                }
            }
        }

        return found;
    }

    private static IEnumerable<TypeReference?> Needed(TypeDefinition type)
    {
        yield return type.BaseType;
        foreach (TypeReference? each in type.Interfaces.Select(each => each.InterfaceType)
            .Concat(type.Fields.Select(each => each.FieldType))
            .Concat(type.CustomAttributes.Select(each => each.AttributeType))
            .Concat(type.Methods.SelectMany(OfMethod)))
        {
            yield return each;
        }
    }

    private static IEnumerable<TypeReference?> OfMethod(MethodDefinition method)
    {
        yield return method.ReturnType;
        foreach (ParameterDefinition parameter in method.Parameters)
        {
            yield return parameter.ParameterType;
        }

        foreach (VariableDefinition variable in method.HasBody ? method.Body.Variables : [])
        {
            yield return variable.VariableType;
        }

        foreach (ExceptionHandler handler in method.HasBody ? method.Body.ExceptionHandlers : [])
        {
            yield return handler.CatchType;
        }

        foreach (Instruction instruction in method.HasBody ? method.Body.Instructions : [])
        {
            switch (instruction.Operand)
            {
                case TypeReference type:
                    yield return type;
                    break;

                case MemberReference member:
                    yield return member.DeclaringType;
                    foreach (TypeReference argument in (member as GenericInstanceMethod)?.GenericArguments ?? [])
                    {
                        yield return argument;
                    }

                    break;

                default:
                    break;
            }
        }
    }

    // A type, what it is made of, and its arguments.
    private static IEnumerable<TypeReference> Parts(TypeReference? type) => type switch
    {
        null or GenericParameter => [],
        GenericInstanceType generic => generic.GenericArguments.SelectMany(Parts).Prepend(generic.ElementType),
        TypeSpecification made => Parts(made.ElementType),
        _ => [type],
    };

    private static string TopLevelName(TypeReference type)
    {
        while (type.DeclaringType is { } outer)
        {
            type = outer;
        }

        return type.Name.Split('`')[0];
    }

    [GeneratedRegex(@"^(public|internal) (?:(?:static|sealed|abstract|unsafe|readonly|ref|partial|record) )*(class|struct|interface|enum|record|delegate \S+) (?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
