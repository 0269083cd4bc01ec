using Mono.Cecil;
using Mono.Cecil.Cil;

namespace NativeGreenlet.Weaving;

/// <summary>
/// The <c>[ThreadStatic]</c> fields of a module, and whether each can become one of the greenlet. Those that can get accessors, which take
/// the thread's field outside of tasks, and a box of the greenlet inside.
/// </summary>
internal sealed class ThreadStatics
{
    private const string Attribute = "System.ThreadStaticAttribute";
    private const string AccessorAttribute = "System.Runtime.CompilerServices.UnsafeAccessorAttribute";
    private const string LocalsName = "NativeGreenlet.Weaving.GreenletLocals";

    private static readonly HashSet<string> s_lookups = new(StringComparer.Ordinal)
    {
        "GetField", "GetFields", "GetRuntimeField", "GetRuntimeFields", "GetDeclaredField", "GetMember", "GetMembers", "InvokeMember", "Field",
    };

    private readonly Dictionary<string, string?> _reasons = new(StringComparer.Ordinal); // null: it can

    /// <summary>Looks at the fields of a module.</summary>
    /// <param name="module">The module.</param>
    /// <param name="outsiders">Says why code that is not woven reaches, or may reach, a field that can be seen outside of its assembly; null if
    /// none does.</param>
    public ThreadStatics(ModuleDefinition module, Func<FieldDefinition, string?> outsiders)
    {
        FieldDefinition[] fields = [.. module.GetTypes().SelectMany(type => type.Fields).Where(IsThreadStatic)];
        if (fields.Length == 0)
        {
            return;
        }

        HashSet<string> reflected = Reflected(module, fields);
        bool hasFriends = module.Assembly.CustomAttributes.Any(attribute => attribute.AttributeType.Name == "InternalsVisibleToAttribute");
        foreach (FieldDefinition field in fields)
        {
            _reasons[field.FullName] = field switch
            {
                _ when field.RVA != 0 || field.InitialValue is { Length: > 0 } => "Its field has data in the file of the assembly.",
                _ when IsPartOfTwin(field.DeclaringType) => "Its field is a twin's, which means the thread.",
                _ when reflected.Contains(field.FullName) => "Its field is reached by reflection too, which is not rewritten.",
                _ when IsVisible(field, hasFriends) => outsiders(field),
                _ => null,
            };
        }
    }

    /// <summary>Whether any field can.</summary>
    public bool HasAny => _reasons.ContainsValue(null);

    /// <summary>Whether a field is a thread's.</summary>
    public static bool IsThreadStatic(FieldDefinition field) =>
        field.IsStatic && field.HasCustomAttributes && field.CustomAttributes.Any(attribute => attribute.AttributeType.FullName == Attribute);

    /// <summary>The name of an accessor; no language makes such a name.</summary>
    public static string NameOf(FieldReference field, Code access) => access switch
    {
        Code.Ldsfld => $"<{field.Name}>greenlet_get",
        Code.Stsfld => $"<{field.Name}>greenlet_set",
        _ => $"<{field.Name}>greenlet_ref",
    };

    /// <summary>Says why a field of the module cannot be rewritten; null if it can.</summary>
    public string? ReasonOf(FieldDefinition field) => _reasons.TryGetValue(field.FullName, out string? reason) ? reason : "It has no accessor.";

    /// <summary>Adds the accessors of all fields that can have them.</summary>
    /// <returns>The accessors.</returns>
    public HashSet<MethodDefinition> AddAccessors(ModuleDefinition module, ModuleDefinition runtime)
    {
        HashSet<MethodDefinition> accessors = [];
        if (HasAny)
        {
            TypeDefinition locals = runtime.GetType(LocalsName);
            foreach (FieldDefinition field in module.GetTypes().ToArray().SelectMany(type => type.Fields).Where(IsThreadStatic))
            {
                if (ReasonOf(field) is null)
                {
                    AddAccessors(module, field, locals, accessors);
                }
            }
        }

        return accessors;
    }

    /// <summary>The accessor of a field as somebody who has a reference to the field calls it.</summary>
    public static MethodReference Reference(ModuleDefinition module, FieldReference field, Code access)
    {
        if (field.DeclaringType is TypeDefinition owner)
        {
            return owner.Methods.First(candidate => candidate.Name == NameOf(field, access));
        }

        TypeReference type = TypeOf(module, field.FieldType);
        MethodReference method = new(NameOf(field, access), module.TypeSystem.Void, field.DeclaringType);
        if (access == Code.Stsfld)
        {
            method.Parameters.Add(new ParameterDefinition(type));
        }
        else
        {
            method.ReturnType = access == Code.Ldsfld ? type : new ByReferenceType(type);
        }

        return method;
    }

    // volatile and the like say nothing of the value. A pointer cannot be a type argument; it is as large as this, and nobody checks.
    private static TypeReference TypeOf(ModuleDefinition module, TypeReference type) => type switch
    {
        IModifierType modifier => TypeOf(module, modifier.ElementType),
        PointerType or FunctionPointerType => module.TypeSystem.IntPtr,
        _ => type,
    };

    private static bool IsPartOfTwin(TypeDefinition? type) => type is not null && (TwinTable.IsTwinClass(type) || IsPartOfTwin(type.DeclaringType));

    private static bool IsVisible(FieldDefinition field, bool hasFriends)
    {
        bool isVisible = field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly || (hasFriends && !field.IsPrivate);
        for (TypeDefinition? type = field.DeclaringType; isVisible && type is not null; type = type.DeclaringType)
        {
            isVisible = type.IsPublic || type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamilyOrAssembly || (hasFriends && !type.IsNestedPrivate);
        }

        return isVisible;
    }

    // By a token, as expressions do; by its name, in a method that looks fields up; or by an accessor that the runtime makes.
    private static HashSet<string> Reflected(ModuleDefinition module, FieldDefinition[] fields)
    {
        HashSet<string> found = new(StringComparer.Ordinal);
        ILookup<string, FieldDefinition> byName = fields.ToLookup(field => field.Name, StringComparer.Ordinal);
        foreach (MethodDefinition method in module.GetTypes().SelectMany(type => type.Methods))
        {
            IEnumerable<string> names = method.HasBody ? NamesIn(method, found) : AccessedBy(method);
            foreach (FieldDefinition field in names.SelectMany(name => byName[name]))
            {
                found.Add(field.FullName);
            }
        }

        return found;
    }

    private static List<string> NamesIn(MethodDefinition method, HashSet<string> found)
    {
        List<string> names = [];
        bool looksUp = false;
        foreach (Instruction instruction in method.Body.Instructions)
        {
            switch (instruction.Operand)
            {
                case FieldReference field when instruction.OpCode.Code == Code.Ldtoken && Definition(field) is { } definition:
                    found.Add(definition.FullName);
                    break;
                case string text:
                    names.Add(text);
                    break;
                case MethodReference called:
                    looksUp |= s_lookups.Contains(called.Name);
                    break;
                default:
                    break;
            }
        }

        return looksUp ? names : [];
    }

    private static IEnumerable<string> AccessedBy(MethodDefinition method) =>
        method.CustomAttributes.Where(attribute => attribute.AttributeType.FullName == AccessorAttribute)
            .Select(attribute => attribute.Properties.FirstOrDefault(property => property.Name == "Name").Argument.Value as string ?? method.Name);

    /// <summary>The field that is meant; null if its assembly is not there.</summary>
    public static FieldDefinition? Definition(FieldReference field)
    {
        try
        {
            return field.Resolve();
        }
        catch (AssemblyResolutionException)
        {
            return null;
        }
    }

    private static void AddAccessors(ModuleDefinition module, FieldDefinition field, TypeDefinition locals, HashSet<MethodDefinition> accessors)
    {
        TypeDefinition owner = field.DeclaringType;
        FieldReference original = owner.HasGenericParameters ? new FieldReference(field.Name, field.FieldType, Close(owner, owner)) : field;
        TypeReference type = TypeOf(module, field.FieldType);
        MethodDefinition reference = AddMethod(Code.Ldsflda, new ByReferenceType(type));
        WriteReference(module, reference, field, original, Close(AddKey(field), owner), locals);

        ILProcessor get = AddMethod(Code.Ldsfld, type).Body.GetILProcessor();
        get.Emit(OpCodes.Call, Reference(module, original, Code.Ldsflda));
        get.Emit(OpCodes.Ldobj, type);
        get.Emit(OpCodes.Ret);

        MethodDefinition setter = AddMethod(Code.Stsfld, module.TypeSystem.Void);
        setter.Parameters.Add(new ParameterDefinition("value", ParameterAttributes.None, type));
        ILProcessor set = setter.Body.GetILProcessor();
        set.Emit(OpCodes.Call, Reference(module, original, Code.Ldsflda));
        set.Emit(OpCodes.Ldarg_0);
        set.Emit(OpCodes.Stobj, type);
        set.Emit(OpCodes.Ret);

        MethodDefinition AddMethod(Code access, TypeReference result)
        {
            MethodAttributes visibility = (MethodAttributes)(field.Attributes & FieldAttributes.FieldAccessMask); // the same numbers
            MethodDefinition method = new(NameOf(field, access), visibility | MethodAttributes.Static | MethodAttributes.HideBySig, result) { AggressiveInlining = true };
            owner.Methods.Add(method);
            accessors.Add(method);
            return method;
        }
    }

    // if (GreenletLocals.Here is { } locals) return ref locals.Of<KEY, TYPE>(); return ref FIELD;
    private static void WriteReference(ModuleDefinition module, MethodDefinition method, FieldDefinition field, FieldReference original, TypeReference key, TypeDefinition locals)
    {
        TypeReference type = TypeOf(module, field.FieldType);
        MethodReference here = module.ImportReference(locals.Methods.First(candidate => candidate.Name == "get_Here"));
        GenericInstanceMethod of = new(module.ImportReference(locals.Methods.First(candidate => candidate.Name == "Of")))
        {
            GenericArguments = { key, type },
        };
        ILProcessor body = method.Body.GetILProcessor();
        Instruction thread = body.Create(OpCodes.Pop);
        Instruction value = body.Create(OpCodes.Call, of);
        body.Emit(OpCodes.Call, here);
        body.Emit(OpCodes.Dup);
        body.Emit(OpCodes.Brfalse, thread);
        if (field.DeclaringType is { IsBeforeFieldInit: true } owner && owner.Methods.Any(candidate => candidate.IsConstructor && candidate.IsStatic))
        {
            // The first access of the field would have run it; there is none inside of tasks.
            GenericInstanceMethod isNew = new(module.ImportReference(locals.Methods.First(candidate => candidate.Name == "IsNew"))) { GenericArguments = { key } };
            body.Emit(OpCodes.Dup);
            body.Emit(OpCodes.Call, isNew);
            body.Emit(OpCodes.Brfalse, value);
            body.Emit(OpCodes.Ldtoken, original.DeclaringType);
            body.Emit(OpCodes.Call, RunClassConstructor(module));
        }

        body.Append(value);
        body.Emit(OpCodes.Ret);
        body.Append(thread);
        body.Emit(OpCodes.Ldsflda, original);
        body.Emit(OpCodes.Ret);
    }

    private static MethodReference RunClassConstructor(ModuleDefinition module)
    {
        IMetadataScope core = module.TypeSystem.CoreLibrary;
        TypeReference helpers = new("System.Runtime.CompilerServices", "RuntimeHelpers", module, core);
        return new MethodReference("RunClassConstructor", module.TypeSystem.Void, helpers)
        {
            Parameters = { new ParameterDefinition(new TypeReference("System", "RuntimeTypeHandle", module, core, valueType: true)) },
        };
    }

    // A structure that stands for the field, and for each instance of its type for another field.
    private static TypeDefinition AddKey(FieldDefinition field)
    {
        TypeDefinition owner = field.DeclaringType;
        ModuleDefinition module = owner.Module;
        TypeReference structure = new("System", "ValueType", module, module.TypeSystem.CoreLibrary);
        TypeDefinition key = new(string.Empty, $"<{field.Name}>greenlet", TypeAttributes.NestedPrivate | TypeAttributes.Sealed | TypeAttributes.SequentialLayout | TypeAttributes.BeforeFieldInit, structure)
        {
            PackingSize = 0,
            ClassSize = 1,
        };
        foreach (GenericParameter parameter in owner.GenericParameters)
        {
            key.GenericParameters.Add(new GenericParameter(parameter.Name, key) { Attributes = parameter.Attributes & ~GenericParameterAttributes.VarianceMask });
        }

        owner.NestedTypes.Add(key);
        return key;
    }

    // A type as it is inside of another that has the same type parameters.
    private static TypeReference Close(TypeDefinition type, TypeDefinition owner)
    {
        if (!owner.HasGenericParameters)
        {
            return type;
        }

        GenericInstanceType instance = new(type);
        foreach (GenericParameter parameter in owner.GenericParameters)
        {
            instance.GenericArguments.Add(parameter);
        }

        return instance;
    }
}
