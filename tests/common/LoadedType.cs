using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Loader;

namespace NativeGreenlet.Common;

/// <summary>A type whose base class lies in another assembly: while the runtime loads it, native code asks a load context for
/// that assembly, and something can be done there.</summary>
internal static class LoadedType
{
    /// <summary>Loads the type, and calls <paramref name="inLoad"/> in the middle of it. Returns what a method of it returns: 42.</summary>
    public static int Use(Action inLoad)
    {
        (byte[] derived, byte[] baseClass) = Make();
        Context context = new(baseClass, inLoad);
        Assembly assembly = context.LoadFromStream(new MemoryStream(derived));
        Type type = assembly.GetType("Derived", throwOnError: true)!;
        return (int)type.GetMethod("Number")!.Invoke(Activator.CreateInstance(type), null)!;
    }

    private static (byte[] Derived, byte[] BaseClass) Make()
    {
        PersistedAssemblyBuilder lower = new(new AssemblyName("Base"), typeof(object).Assembly);
        TypeBuilder one = lower.DefineDynamicModule("Base").DefineType("Base", TypeAttributes.Public);
        ILGenerator code = one.DefineMethod("Number", MethodAttributes.Public | MethodAttributes.Virtual, typeof(int), []).GetILGenerator();
        code.Emit(OpCodes.Ldc_I4, 42);
        code.Emit(OpCodes.Ret);
        one.DefineDefaultConstructor(MethodAttributes.Public);
        Type baseClass = one.CreateType();
        PersistedAssemblyBuilder upper = new(new AssemblyName("Derived"), typeof(object).Assembly);
        TypeBuilder other = upper.DefineDynamicModule("Derived").DefineType("Derived", TypeAttributes.Public, baseClass);
        other.DefineDefaultConstructor(MethodAttributes.Public);
        other.CreateType();
        return (Bytes(upper), Bytes(lower));
    }

    private static byte[] Bytes(PersistedAssemblyBuilder assembly)
    {
        MemoryStream stream = new();
        assembly.Save(stream);
        return stream.ToArray();
    }

    private sealed class Context(byte[] baseClass, Action inLoad) : AssemblyLoadContext(isCollectible: false)
    {
        protected override Assembly? Load(AssemblyName assemblyName)
        {
            if (assemblyName.Name != "Base")
            {
                return null;
            }

            inLoad();
            return LoadFromStream(new MemoryStream(baseClass));
        }
    }
}
