using System.Diagnostics;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace NativeGreenlet.Common;

/// <summary>Types that are loaded for the first time, in a load context of their own, which calls managed code back to find
/// what they need.</summary>
internal static class FreshTypes
{
    private const string BaseName = "NativeGreenlet.FreshBase";
    private const string DerivedName = "NativeGreenlet.FreshDerived";
    private const string NativeName = "nativegreenlet-fresh-native";
    private const int Fields = 40;
    private const int Methods = 30;
    private const MethodAttributes Virtual = MethodAttributes.Public | MethodAttributes.Virtual;

    // Each load takes some of the mappings that a process can have, and not all come back: a stock, and then so many a second.
    private const int Stock = 600;
    private const double PerSecond = 10;

    // Of those, load contexts that cannot be unloaded.
    private const int KeptStock = 150;
    private const double KeptPerSecond = 0.5;

    private static readonly (byte[] Base, byte[] Derived) s_images = Build();
    private static readonly Stopwatch s_clock = Stopwatch.StartNew();
    private static int s_loaded;
    private static int s_kept;

    // What the load that this thread is in the middle of wants to be called; for the events of the whole process.
    [ThreadStatic]
    private static Request? t_request;

    static FreshTypes()
    {
        AppDomain.CurrentDomain.AssemblyResolve += static (_, arguments) =>
            new AssemblyName(arguments.Name).Name == BaseName ? t_request?.Context?.Answer(ResolverKind.AssemblyResolve, ResolverKind.AssemblyResolveByName) : null;
        AppDomain.CurrentDomain.TypeResolve += static (_, _) => t_request?.AnswerType();
    }

    /// <summary>Whether the class loader is in the middle of a type when it calls back.</summary>
    public static bool IsInsideTypeLoad(ResolverKind kind) => kind < ResolverKind.LoadByName;

    /// <summary>Whether native code keeps a pointer into the stack for its thread when it calls back, so that the stack cannot be
    /// left.</summary>
    public static bool IsPinned(ResolverKind kind) => kind is not (ResolverKind.LoadByName or ResolverKind.NativeLibrary);

    /// <summary>Whether one may be loaded at the moment. What is allowed must be done.</summary>
    public static bool MayLoad() => TryTake(ref s_loaded, Stock, PerSecond);

    /// <summary>Loads one. Fails unless the type is as it should be afterwards, and the callback was called once.</summary>
    /// <param name="kind">Who calls back.</param>
    /// <param name="stamp">What tells the contents from others.</param>
    /// <param name="callback">Called in the middle of it. It must not throw.</param>
    public static void Load(ResolverKind kind, int stamp, Action callback)
    {
        Request request = new(Replace(kind), callback);
        if (kind == ResolverKind.TypeResolve)
        {
            Construct(request, stamp);
        }
        else
        {
            Derive(request, stamp);
        }

        Check.That(request.Calls == 1);
    }

    private static bool IsOfProcess(ResolverKind kind) => kind is ResolverKind.AssemblyResolve or ResolverKind.AssemblyResolveByName;

    // The events of the whole process cannot answer with an assembly that can be unloaded. When no other is to be had at the
    // moment, the load context itself is asked, where the stack cannot be left either.
    private static ResolverKind Replace(ResolverKind kind) =>
        !IsOfProcess(kind) || TryTake(ref s_kept, KeptStock, KeptPerSecond) ? kind : ResolverKind.Resolving;

    private static bool TryTake(ref int taken, int stock, double perSecond)
    {
        if (Interlocked.Increment(ref taken) <= stock + (perSecond * s_clock.Elapsed.TotalSeconds))
        {
            return true;
        }

        _ = Interlocked.Decrement(ref taken);
        return false;
    }

    private static void Derive(Request request, int stamp)
    {
        bool isCollectible = !IsOfProcess(request.Kind);
        Context context = new(request, isCollectible);
        request.Context = context;
        t_request = request;
        if (request.Kind is ResolverKind.LoadByName or ResolverKind.AssemblyResolveByName)
        {
            Assembly found = context.LoadFromAssemblyName(new AssemblyName(BaseName));
            Check.That(found.GetName().Name == BaseName && request.Calls == 1);
        }

        Assembly assembly = context.LoadFromStream(new MemoryStream(s_images.Derived));
        Type type = assembly.GetType("Derived", throwOnError: true)!;
        object instance = Activator.CreateInstance(type)!;
        Check.That(type.BaseType!.Name == "Base" && type.BaseType.Assembly.GetName().Name == BaseName);
        Check.That(((IComparable)instance).CompareTo(null) == Methods);
        for (int i = stamp & 3; i < Methods; i += 5)
        {
            int value = (int)type.GetMethod(Method(i))!.Invoke(instance, null)!;
            Check.That(value == (i % 2 == 0 ? 1000 + i : i));
        }

        // A field of each class, of each kind.
        string text = Holdings.Text(stamp);
        type.GetField("text")!.SetValue(instance, text);
        type.BaseType.GetField("number")!.SetValue(instance, stamp);
        Check.That((string)type.GetField("text")!.GetValue(instance)! == text && (int)type.BaseType.GetField("number")!.GetValue(instance)! == stamp);
        if (request.Kind == ResolverKind.NativeLibrary)
        {
            Check.That((int)type.GetMethod("abs")!.Invoke(null, [-stamp])! == stamp);
        }

        t_request = null;
        if (isCollectible)
        {
            context.ForgetAndUnload();
        }
    }

    // A type whose field is of a structure that has not been made yet.
    private static void Construct(Request request, int stamp)
    {
        AssemblyBuilder assembly = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("NativeGreenlet.FreshDynamic"), AssemblyBuilderAccess.RunAndCollect);
        ModuleBuilder module = assembly.DefineDynamicModule("module");
        TypeBuilder outer = module.DefineType("Outer", TypeAttributes.Public | TypeAttributes.Class);
        TypeBuilder inner = module.DefineType("Inner", TypeAttributes.Public | TypeAttributes.SequentialLayout | TypeAttributes.Sealed, typeof(ValueType));
        _ = inner.DefineField("number", typeof(long), FieldAttributes.Public);
        _ = inner.DefineField("text", typeof(string), FieldAttributes.Public);
        _ = outer.DefineField("inner", inner, FieldAttributes.Public);
        request.Inner = inner;
        t_request = request;
        Type type = outer.CreateType();
        t_request = null;
        object instance = Activator.CreateInstance(type)!;
        FieldInfo field = type.GetField("inner")!;
        object value = Activator.CreateInstance(field.FieldType)!;
        field.FieldType.GetField("number")!.SetValue(value, (long)stamp);
        field.FieldType.GetField("text")!.SetValue(value, Holdings.Text(stamp));
        field.SetValue(instance, value);
        object copy = field.GetValue(instance)!;
        Check.That((long)field.FieldType.GetField("number")!.GetValue(copy)! == stamp);
        Check.That((string)field.FieldType.GetField("text")!.GetValue(copy)! == Holdings.Text(stamp));
    }

    private static string Method(int i) => $"Method{i}";

    private static (byte[] Base, byte[] Derived) Build()
    {
        PersistedAssemblyBuilder first = new(new AssemblyName(BaseName), typeof(object).Assembly);
        TypeBuilder parent = first.DefineDynamicModule("module").DefineType("Base", TypeAttributes.Public | TypeAttributes.Class);
        _ = parent.DefineField("number", typeof(int), FieldAttributes.Public);
        for (int i = 0; i < Fields; i++)
        {
            _ = parent.DefineField($"first{i}", i % 3 == 0 ? typeof(object) : typeof(int), FieldAttributes.Public);
        }

        for (int i = 0; i < Methods; i++)
        {
            Return(parent.DefineMethod(Method(i), Virtual | MethodAttributes.NewSlot, typeof(int), []), i);
        }

        Type made = parent.CreateType();
        PersistedAssemblyBuilder second = new(new AssemblyName(DerivedName), typeof(object).Assembly);
        TypeBuilder child = second.DefineDynamicModule("module").DefineType("Derived", TypeAttributes.Public | TypeAttributes.Class, made);
        child.AddInterfaceImplementation(typeof(IComparable));
        _ = child.DefineField("text", typeof(string), FieldAttributes.Public);
        for (int i = 0; i < Fields; i++)
        {
            _ = child.DefineField($"second{i}", i % 2 == 0 ? typeof(string) : typeof(long), FieldAttributes.Public);
        }

        Return(child.DefineMethod(nameof(IComparable.CompareTo), Virtual, typeof(int), [typeof(object)]), Methods);
        for (int i = 0; i < Methods; i += 2)
        {
            Return(child.DefineMethod(Method(i), Virtual, typeof(int), []), 1000 + i);
        }

        MethodBuilder native = child.DefinePInvokeMethod(
            "abs", NativeName, MethodAttributes.Public | MethodAttributes.Static | MethodAttributes.PinvokeImpl, CallingConventions.Standard, typeof(int), [typeof(int)], CallingConvention.Cdecl, CharSet.Ansi);
        native.SetImplementationFlags(MethodImplAttributes.PreserveSig);
        _ = child.DefineDefaultConstructor(MethodAttributes.Public);
        _ = child.CreateType();
        return (Save(first), Save(second));
    }

    private static void Return(MethodBuilder method, int value)
    {
        ILGenerator code = method.GetILGenerator();
        code.Emit(OpCodes.Ldc_I4, value);
        code.Emit(OpCodes.Ret);
    }

    private static byte[] Save(PersistedAssemblyBuilder assembly)
    {
        using MemoryStream stream = new();
        assembly.Save(stream);
        return stream.ToArray();
    }

    /// <summary>One load: what it wants to be called.</summary>
    private sealed class Request(ResolverKind kind, Action callback)
    {
        public ResolverKind Kind { get; } = kind;

        public int Calls { get; private set; }

        public Context? Context { get; set; }

        public TypeBuilder? Inner { get; set; }

        // Others may load, too, before this one goes on.
        public void Call()
        {
            t_request = null;
            Calls++;
            callback();
            t_request = this;
        }

        public Assembly? AnswerType()
        {
            if (Inner is null)
            {
                return null;
            }

            Call();
            return Inner.CreateType().Assembly;
        }
    }

    private sealed class Context : AssemblyLoadContext
    {
        private readonly Request _request;
        private Assembly? _base;

        public Context(Request request, bool isCollectible)
            : base(isCollectible)
        {
            _request = request;
            Resolving += (_, name) => name.Name == BaseName ? Answer(ResolverKind.Resolving, ResolverKind.Resolving) : null;
        }

        /// <summary>The assembly, if this is the one who is to say where it is.</summary>
        public Assembly? Answer(ResolverKind kind, ResolverKind otherKind)
        {
            if (_base is not null || (_request.Kind != kind && _request.Kind != otherKind))
            {
                return _base;
            }

            _request.Call();
            return _base = LoadFromStream(new MemoryStream(s_images.Base));
        }

        /// <summary>The runtime keeps this object until all that was loaded is gone, so it must refer to none of that.</summary>
        public void ForgetAndUnload()
        {
            _base = null;
            Unload();
        }

        protected override Assembly? Load(AssemblyName assemblyName)
        {
            if (assemblyName.Name != BaseName)
            {
                return null;
            }

            if (_request.Kind == ResolverKind.NativeLibrary)
            {
                _base ??= LoadFromStream(new MemoryStream(s_images.Base));
            }

            return Answer(ResolverKind.Load, ResolverKind.LoadByName);
        }

        protected override nint LoadUnmanagedDll(string unmanagedDllName)
        {
            if (unmanagedDllName != NativeName)
            {
                return 0;
            }

            _request.Call();
            return System.Runtime.InteropServices.NativeLibrary.Load(OperatingSystem.IsWindows() ? "msvcrt" : OperatingSystem.IsMacOS() ? "libSystem.dylib" : "libc");
        }
    }
}
