using System.Diagnostics.CodeAnalysis;
using Mono.Cecil;

namespace NativeGreenlet.Weaving;

/// <summary>Which method stands in for which: what the weaver puts in place of what. It is read from assemblies.</summary>
internal sealed class TwinTable
{
    private const string Attribute = "NativeGreenlet.Weaving.GreenletTwinAttribute";
    private const string ThreadLocalAttribute = "NativeGreenlet.Weaving.Locals.ThreadLocalTwinAttribute";
    private readonly Dictionary<string, Twin> _twins = new(StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _kept = new(StringComparer.Ordinal);

    /// <summary>Creates a table that has the reasons for what is never rewritten, and no twins.</summary>
    public TwinTable()
    {
        using StreamReader reader = new(typeof(TwinTable).Assembly.GetManifestResourceStream("Kept.txt")!);
        while (reader.ReadLine() is { } line)
        {
            if (line.Split('\t') is [var member, var reason])
            {
                _kept.Add(member, reason);
                _names.Add(member[(member.IndexOf("::", StringComparison.Ordinal) + 2)..]);
            }
        }
    }

    /// <summary>All twins, by the signature of their originals.</summary>
    public IReadOnlyDictionary<string, Twin> Twins => _twins;

    /// <summary>Whether a type has twins: what it calls is meant.</summary>
    public static bool IsTwinClass(TypeDefinition type) => type.HasCustomAttributes && type.CustomAttributes.Any(attribute => attribute.AttributeType.FullName == Attribute);

    /// <summary>Adds the twins of an assembly.</summary>
    /// <param name="module">The assembly.</param>
    /// <param name="threadLocals">Whether those are among them by which values of threads become those of greenlets.</param>
    /// <exception cref="WeaveException">A twin is not written as one has to be.</exception>
    public void Add(ModuleDefinition module, bool threadLocals)
    {
        foreach (TypeDefinition type in module.GetTypes().Where(type => IsTwinClass(type) && (threadLocals || !IsForThreadLocals(type))))
        {
            TypeReference[] originals = [.. type.CustomAttributes.Where(attribute => attribute.AttributeType.FullName == Attribute)
                .Select(attribute => attribute.ConstructorArguments[0].Value as TypeReference
                    ?? throw new WeaveException($"[GreenletTwin] on the class {type.FullName} needs the type that it stands in for: [GreenletTwin(typeof(X))]."))];
            foreach (MethodDefinition method in type.Methods.Where(method => method.IsPublic && method.IsStatic && !method.IsConstructor))
            {
                Add(method, originals);
            }
        }
    }

    /// <summary>Whether any twin or blocking call has this name: the quick question before the others.</summary>
    public bool MayKnow(string name) => _names.Contains(name);

    /// <summary>Whether a type has a twin of this name, with whatever parameters.</summary>
    public bool HasMember(TypeReference type, string name) => _members.Contains(Member(type, name));

    /// <summary>Finds the twin of a method as a type has it.</summary>
    public bool TryFind(TypeReference type, MethodReference method, [NotNullWhen(true)] out Twin? twin) => _twins.TryGetValue(Signature.Of(type, method), out twin);

    /// <summary>Finds out why a method of a type is never rewritten.</summary>
    public bool IsKept(TypeReference type, string name, [NotNullWhen(true)] out string? reason) => _kept.TryGetValue(Member(type, name), out reason);

    private static bool IsForThreadLocals(TypeDefinition type) => type.CustomAttributes.Any(attribute => attribute.AttributeType.FullName == ThreadLocalAttribute);

    private static string Member(TypeReference type, string name) => $"{Signature.NameOf(type.GetElementType())}::{name}";

    private void Add(MethodDefinition method, TypeReference[] originals)
    {
        CustomAttribute? attribute = method.CustomAttributes.FirstOrDefault(attribute => attribute.AttributeType.FullName == Attribute);
        string name = attribute is null ? method.Name : (string)attribute.ConstructorArguments[0].Value;
        bool isStatic = attribute?.Properties.Any(property => property is { Name: "IsStatic", Argument.Value: true }) == true;
        TypeReference? first = method.Parameters.FirstOrDefault()?.ParameterType;
        first = first is ByReferenceType reference ? reference.ElementType : first;
        TypeReference? self = isStatic || name == ".ctor" || first is null or ArrayType
            ? null
            : Array.Find(originals, original => Signature.NameOf(original.GetElementType()) == Signature.NameOf(first.GetElementType()));
        Twin twin = new(method, self ?? originals[0], self is not null || name == ".ctor");
        string signature = Signature.Of(twin.Original, name, twin.HasThis, method.Parameters.Skip(self is null ? 0 : 1).Select(parameter => parameter.ParameterType), twin.Arity);
        _twins[signature] = twin; // a later one, the user's, counts
        _names.Add(name);
        _members.Add(Member(twin.Original, name));
    }
}
