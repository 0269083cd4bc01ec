using Mono.Cecil;
using Mono.Cecil.Cil;

namespace NativeGreenlet.Weaving;

/// <summary>Rewrites the calls of one module.</summary>
internal sealed class ModuleWeaver(ModuleDefinition module, TwinTable table)
{
    private readonly List<CallSite> _sites = [];

    /// <summary>Does it.</summary>
    public WeaveReport Weave()
    {
        foreach (TypeDefinition type in module.GetTypes().Where(type => !IsPartOfTwin(type)).ToArray())
        {
            foreach (MethodDefinition method in type.Methods.Where(method => method.HasBody))
            {
                Weave(method);
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
                _sites.Add(new CallSite(Signature.Of(called.DeclaringType, called), method.FullName[(method.FullName.IndexOf(' ') + 1)..], PlaceOf(method, instruction), reason));
            }
        }
    }

    private (Twin? Twin, string? Reason) Find(Instruction instruction, MethodReference called)
    {
        if (called.Name == ".ctor" && instruction.OpCode.Code != Code.Newobj)
        {
            return default; // the constructor of a base class
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
