using Mono.Cecil;

namespace NativeGreenlet.Weaving;

/// <summary>The assemblies of a program among which values of threads become those of greenlets. Such a field has to be rewritten wherever it is
/// used, or nowhere.</summary>
/// <param name="Woven">The names of the assemblies that are woven so.</param>
/// <param name="Others">The files of the others.</param>
/// <param name="Unknown">Why code that is not known yet may reach a field that can be seen outside of its assembly; null if there is none.</param>
internal sealed record WovenProgram(IReadOnlySet<string> Woven, IReadOnlyList<string> Others, string? Unknown)
{
    private readonly Dictionary<string, ThreadStatics> _known = new(StringComparer.OrdinalIgnoreCase);
    private Dictionary<string, string>? _reached; // fields that others use, with the first that does

    /// <summary>A program of which nothing is known but what is being woven.</summary>
    public static WovenProgram Empty { get; } = new(new HashSet<string>(), [], null);

    /// <summary>The fields of an assembly that is woven now.</summary>
    public ThreadStatics Of(ModuleDefinition module)
    {
        string name = module.Assembly.Name.Name;
        if (!_known.TryGetValue(name, out ThreadStatics? statics))
        {
            statics = new ThreadStatics(module, Outsiders);
            _known.Add(name, statics);
        }

        return statics;
    }

    /// <summary>Says why a field of another assembly cannot be rewritten; null if it can.</summary>
    public string? ReasonOfForeign(FieldDefinition field)
    {
        if (AssemblyWeaver.IsWoven(field.Module))
        {
            string accessor = ThreadStatics.NameOf(field, Mono.Cecil.Cil.Code.Ldsflda);
            return field.DeclaringType.Methods.Any(method => method.Name == accessor) ? null : "Its field was kept when its assembly was woven.";
        }

        return Woven.Contains(field.Module.Assembly.Name.Name) ? Of(field.Module).ReasonOf(field) : "The assembly of its field is not woven with GreenletWeaveThreadLocals.";
    }

    private static string KeyOf(string assembly, FieldReference field) => $"{assembly}:{field.DeclaringType.GetElementType().FullName}::{field.Name}";

    private string? Outsiders(FieldDefinition field) =>
        (_reached ??= ReadOthers()).TryGetValue(KeyOf(field.Module.Assembly.Name.Name, field), out string? other)
            ? $"{other} uses its field, and is not woven with GreenletWeaveThreadLocals."
            : Unknown;

    private Dictionary<string, string> ReadOthers()
    {
        Dictionary<string, string> reached = new(StringComparer.Ordinal);
        foreach (string file in Others)
        {
            try
            {
                using ModuleDefinition module = ModuleDefinition.ReadModule(file);
                foreach (FieldReference field in module.GetMemberReferences().OfType<FieldReference>())
                {
                    if (field.DeclaringType.Scope is AssemblyNameReference assembly)
                    {
                        reached.TryAdd(KeyOf(assembly.Name, field), module.Assembly.Name.Name);
                    }
                }
            }
            catch (BadImageFormatException)
            {
                // A native library, which reaches no field.
            }
        }

        return reached;
    }
}
