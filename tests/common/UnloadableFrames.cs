using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Common;

/// <summary>Bodies whose frames alone keep an assembly that can be unloaded, made when they begin. None of its code is on the stack, and no object
/// of its types: only the hidden parameter of shared generic code, or a byref to its data.</summary>
internal static class UnloadableFrames
{
    /// <summary>How many kinds of bodies there are: a generic method, a method of a generic type, a byref to constant data. A byref to a
    /// static field keeps nothing, by .NET itself.</summary>
    public const int Kinds = 3;

    private const string Name = "Unloadable";
    private const int Method = 0;
    private const int Type = 1;
    private const int Constant = 0x01020304;

    private delegate ref int Source();

    /// <summary>Makes an assembly and runs a body that needs it, which parks.</summary>
    /// <param name="seed">What its frame holds or refers to, 0 to 250.</param>
    /// <param name="kind">Which body.</param>
    /// <param name="parks">How often it parks.</param>
    /// <param name="made">Told of a type of the assembly before it runs; null for nobody.</param>
    /// <returns>Whether all was as it should be.</returns>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static bool Run(int seed, int kind, int parks, Action<Type>? made = null) =>
        kind is Method or Type ? MakeStarter(kind, made)(seed, parks)
        : Refer(ref MakeSource(made)(), Constant, parks);

    /// <summary>A byref to what is not unloaded, in the same frame.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static bool ReferToObject(int seed, int parks) => Refer(ref MakeArray(seed)[2], seed, parks);

    /// <summary>Makes an assembly that can be unloaded, with constant data.</summary>
    /// <returns>Its only type.</returns>
    public static Type Make()
    {
        AssemblyBuilder assembly = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName(Name), AssemblyBuilderAccess.RunAndCollect);
        TypeBuilder type = assembly.DefineDynamicModule(Name).DefineType(Name, TypeAttributes.Public);
        FieldBuilder field = type.DefineInitializedData("Number", BitConverter.GetBytes(Constant), FieldAttributes.Public);
        ILGenerator code = type.DefineMethod(nameof(Source), MethodAttributes.Public | MethodAttributes.Static, typeof(int).MakeByRefType(), []).GetILGenerator();
        code.Emit(OpCodes.Ldsflda, field);
        code.Emit(OpCodes.Ret);
        return type.CreateType();
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static Source MakeSource(Action<Type>? made)
    {
        Type type = Make();
        made?.Invoke(type);
        return type.GetMethod(nameof(Source))!.CreateDelegate<Source>();
    }

    // Its frame is gone when the other begins.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static Func<int, int, bool> MakeStarter(int kind, Action<Type>? made)
    {
        Type type = Make();
        made?.Invoke(type);
        const BindingFlags All = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        MethodInfo body = kind == Method
            ? typeof(UnloadableFrames).GetMethod(nameof(ParkMethod), All)!.MakeGenericMethod(type)
            : typeof(Holder<>).MakeGenericType(type).GetMethod(nameof(Holder<object>.ParkType), All)!;
        DynamicMethod starter = new("Start", typeof(bool), [typeof(int), typeof(int)], typeof(UnloadableFrames).Module, skipVisibility: true);
        ILGenerator code = starter.GetILGenerator();
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Ldarg_1);
        code.Emit(OpCodes.Tailcall);
        code.Emit(OpCodes.Call, body);
        code.Emit(OpCodes.Ret);
        return starter.CreateDelegate<Func<int, int, bool>>();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int[] MakeArray(int seed)
    {
        int[] array = new int[5];
        Array.Fill(array, seed);
        return array;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool Refer(ref int number, int wanted, int parks)
    {
        bool isRight = true;
        for (int i = 0; i < parks; i++)
        {
            ParkedFrames.Park();
            isRight &= number == wanted;
        }

        return isRight;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool ParkMethod<T>(int seed, int parks)
        where T : class
    {
        bool isRight = true;
        for (int i = 0; i < parks; i++)
        {
            ParkedFrames.Park();
            isRight &= IsOf<T>() && seed >= 0;
        }

        return isRight;
    }

    // Apart, or the object of the type is looked up before the park.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsOf<T>() => typeof(T).Name == Name;

    private static class Holder<T>
        where T : class
    {
        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        public static bool ParkType(int seed, int parks)
        {
            bool isRight = true;
            for (int i = 0; i < parks; i++)
            {
                ParkedFrames.Park();
                isRight &= IsOf<T>() && seed >= 0;
            }

            return isRight;
        }
    }
}
