using Mono.Cecil;
using Mono.Cecil.Cil;

namespace NativeGreenlet.Weaving;

/// <summary>Rewrites the calls of one module, and its uses of <c>[ThreadStatic]</c> fields.</summary>
/// <param name="module">The module.</param>
/// <param name="table">The twins.</param>
/// <param name="program">Where values of threads become those of greenlets; null if those of the module stay.</param>
/// <param name="runtime">The library of twins.</param>
internal sealed class ModuleWeaver(ModuleDefinition module, TwinTable table, WovenProgram? program, ModuleDefinition runtime)
{
    private readonly List<CallSite> _sites = [];
    private readonly Dictionary<string, (bool IsThreadStatic, string? Reason)> _fields = new(StringComparer.Ordinal);

    /// <summary>Does it.</summary>
    public WeaveReport Weave()
    {
        HashSet<MethodDefinition> accessors = program?.Of(module).AddAccessors(module, runtime) ?? [];
        foreach (TypeDefinition type in module.GetTypes().ToArray())
        {
            bool isPartOfTwin = IsPartOfTwin(type);
            foreach (MethodDefinition method in type.Methods.Where(method => method.HasBody && !accessors.Contains(method)))
            {
                if (!isPartOfTwin)
                {
                    Weave(method);
                }

                if (program is not null)
                {
                    WeaveFields(method);
                }
            }
        }

        return new WeaveReport(module.Assembly.Name.Name, _sites);
    }

    // A twin calls its original, as do the closures and iterators in it.
    private static bool IsPartOfTwin(TypeDefinition? type) => type is not null && (TwinTable.IsTwinClass(type) || IsPartOfTwin(type.DeclaringType));

    private void Weave(MethodDefinition method)
    {
        foreach (Instruction instruction in method.Body.Instructions)
        {
            if (instruction.Operand is not MethodReference called || !table.MayKnow(called.Name)
                || instruction.OpCode.Code is not (Code.Call or Code.Callvirt or Code.Newobj or Code.Ldftn or Code.Ldvirtftn))
            {
                continue;
            }

            (Twin? twin, string? reason) = Find(instruction, called);
            if (twin is not null && reason is null)
            {
                reason = Rewrite(instruction, called, twin);
            }

            if (twin is not null || reason is not null)
            {
                AddSite(Signature.Of(called.DeclaringType, called), method, instruction, reason);
            }
        }
    }

    // A use is one instruction, and so is a call: no offset changes.
    private void WeaveFields(MethodDefinition method)
    {
        foreach (Instruction instruction in method.Body.Instructions)
        {
            Code access = instruction.OpCode.Code;
            if (access is not (Code.Ldsfld or Code.Stsfld or Code.Ldsflda or Code.Ldtoken) || instruction.Operand is not FieldReference field)
            {
                continue;
            }

            (bool isThreadStatic, string? reason) = FateOf(field);
            if (!isThreadStatic)
            {
                continue;
            }

            reason ??= access == Code.Ldtoken ? "It is a token of the field, which stays the thread's." : null;
            if (reason is null)
            {
                if (instruction.Previous?.OpCode.Code == Code.Volatile)
                {
                    instruction.Previous.OpCode = OpCodes.Nop; // only its own greenlet has the field
                }

                instruction.OpCode = OpCodes.Call;
                instruction.Operand = ThreadStatics.Reference(module, field, access);
            }

            AddSite($"{field.DeclaringType.FullName}::{field.Name}", method, instruction, reason);
        }
    }

    private (bool IsThreadStatic, string? Reason) FateOf(FieldReference field)
    {
        if (!_fields.TryGetValue(field.FullName, out (bool, string?) fate))
        {
            FieldDefinition? definition = ThreadStatics.Definition(field);
            fate = definition is null || !ThreadStatics.IsThreadStatic(definition) ? default
                : (true, definition.Module == module ? program!.Of(module).ReasonOf(definition) : program!.ReasonOfForeign(definition));
            _fields.Add(field.FullName, fate);
        }

        return fate;
    }

    private void AddSite(string used, MethodDefinition method, Instruction instruction, string? reason) =>
        _sites.Add(new CallSite(used, method.FullName[(method.FullName.IndexOf(' ') + 1)..], PlaceOf(method, instruction), reason));

    private (Twin? Twin, string? Reason) Find(Instruction instruction, MethodReference called)
    {
        if (called.Name == ".ctor" && instruction.OpCode.Code != Code.Newobj)
        {
            return table.TryFind(called.DeclaringType, called, out _) ? (null, "It is the constructor of a base class.") : default;
        }

        TypeReference? type = called.DeclaringType;
        MethodDefinition? definition = null;
        for (bool isDerived = false; type is not null; isDerived = true)
        {
            if (table.TryFind(type, called, out Twin? twin))
            {
                return (twin, isDerived && Hides(definition, type) ? "The method hides the one that has a twin." : BaseCall(instruction, called));
            }

            if (table.IsKept(type, called.Name, out string? reason))
            {
                return (null, reason);
            }

            if (table.HasMember(type, called.Name) && !isDerived)
            {
                return (null, "This overload has no twin.");
            }

            if (called.Name == ".ctor" || !called.HasThis || called.DeclaringType.IsValueType)
            {
                return default;
            }

            definition ??= Resolve(called);
            type = BaseOf(type);
        }

        return default;
    }

    private static TypeReference? BaseOf(TypeReference type)
    {
        try
        {
            return type.Resolve()?.BaseType;
        }
        catch (AssemblyResolutionException)
        {
            return null;
        }
    }

    private static MethodDefinition? Resolve(MethodReference method)
    {
        try
        {
            return method.Resolve();
        }
        catch (AssemblyResolutionException)
        {
            return null;
        }
    }

    private static bool Hides(MethodDefinition? definition, TypeReference type) =>
        definition is not null && definition.DeclaringType.FullName != type.GetElementType().FullName && (!definition.IsVirtual || definition.IsNewSlot);

    // base.Read(...) of a stream must reach the base class, not its own override again.
    private static string? BaseCall(Instruction instruction, MethodReference called)
    {
        bool isDirect = instruction.OpCode.Code is Code.Call or Code.Ldftn && called.HasThis && !called.DeclaringType.IsValueType;
        return !isDirect || Resolve(called) is { IsVirtual: false } ? null
            : "It is a call of the method of the base class.";
    }

    // Null if it was done, else why not.
    private string? Rewrite(Instruction instruction, MethodReference called, Twin twin)
    {
        Instruction? previous = instruction.Previous;
        if (previous?.OpCode.Code == Code.Constrained)
        {
            return "It is called through a type parameter.";
        }

        if (instruction.OpCode.Code is Code.Ldftn or Code.Ldvirtftn && called.DeclaringType.IsValueType)
        {
            return "It is a delegate of a structure's method.";
        }

        if (instruction.OpCode.Code == Code.Ldvirtftn)
        {
            if (previous?.OpCode.Code != Code.Dup)
            {
                return "It is a delegate that is made in a way the weaver does not know.";
            }

            previous.OpCode = OpCodes.Nop; // the object stays below, the delegate's first argument
        }

        if (previous?.OpCode.Code == Code.Tail)
        {
            previous.OpCode = OpCodes.Nop; // what is called takes the address of what is on the stack, perhaps
        }

        instruction.OpCode = instruction.OpCode.Code is Code.Ldftn or Code.Ldvirtftn ? OpCodes.Ldftn : OpCodes.Call;
        instruction.Operand = Import(called, twin);
        return null;
    }

    private MethodReference Import(MethodReference called, Twin twin)
    {
        MethodReference method = module.ImportReference(twin.Method);
        if (!twin.Method.HasGenericParameters)
        {
            return method;
        }

        GenericInstanceMethod instance = new(method);
        IEnumerable<TypeReference> arguments = called.DeclaringType is GenericInstanceType type ? type.GenericArguments : [];
        if (called is GenericInstanceMethod generic)
        {
            arguments = arguments.Concat(generic.GenericArguments);
        }

        foreach (TypeReference argument in arguments)
        {
            instance.GenericArguments.Add(argument);
        }

        return instance;
    }

    private static string PlaceOf(MethodDefinition method, Instruction instruction)
    {
        SequencePoint? point = method.DebugInformation.HasSequencePoints
            ? method.DebugInformation.SequencePoints.LastOrDefault(point => point.Offset <= instruction.Offset && !point.IsHidden)
            : null;
        return point is null ? $"IL_{instruction.Offset:x4}" : $"{Path.GetFileName(point.Document.Url)}:{point.StartLine}";
    }
}
