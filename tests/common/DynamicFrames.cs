using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Common;

/// <summary>Bodies that are made when they begin: dynamic methods that nothing refers to but their own frames, once they run. All layouts have
/// code of the same size, and return addresses at the same places in it, but references in other words. So what is compiled where
/// another one was has its addresses.</summary>
internal static class DynamicFrames
{
    /// <summary>How many layouts there are.</summary>
    public const int Layouts = 1 << Locals;

    private const int Locals = 4;

    private static readonly MethodInfo s_park = Find(typeof(ParkedFrames), nameof(ParkedFrames.Park));
    private static readonly MethodInfo[] s_make = [Find(typeof(DynamicFrames), nameof(MakeNumber)), Find(typeof(DynamicFrames), nameof(MakeBytes))];
    private static readonly MethodInfo[] s_verify = [Find(typeof(DynamicFrames), nameof(IsNumber)), Find(typeof(DynamicFrames), nameof(IsBytes))];

    /// <summary>Makes one and runs it, which parks.</summary>
    /// <param name="seed">What its frame holds, 0 to 250.</param>
    /// <param name="layout">Which locals are references, a bit each.</param>
    /// <param name="parks">How often it parks.</param>
    /// <param name="made">Told of the method before it runs; null for nobody.</param>
    /// <returns>Whether all was as it should be.</returns>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static bool Run(int seed, int layout, int parks, Action<DynamicMethod>? made = null) => Make(layout, parks, made)(seed);

    /// <summary>Makes one.</summary>
    /// <param name="layout">See <see cref="Run"/>.</param>
    /// <param name="parks">How often it parks.</param>
    /// <param name="made">Told of the method; null for nobody.</param>
    /// <returns>What runs it.</returns>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Func<int, bool> Make(int layout, int parks, Action<DynamicMethod>? made = null)
    {
        DynamicMethod method = new("Fresh", typeof(bool), [typeof(int)], typeof(DynamicFrames).Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        for (int i = 0; i < Locals; i++)
        {
            int kind = (layout >> i) & 1;
            _ = code.DeclareLocal(s_make[kind].ReturnType);
            code.Emit(OpCodes.Ldarg_0);
            code.Emit(OpCodes.Call, s_make[kind]);
            code.Emit(OpCodes.Stloc, i);
        }

        for (int i = 0; i < parks; i++)
        {
            code.Emit(OpCodes.Call, s_park);
        }

        for (int i = 0; i < Locals; i++)
        {
            code.Emit(OpCodes.Ldloc, i);
            code.Emit(OpCodes.Ldarg_0);
            code.Emit(OpCodes.Call, s_verify[(layout >> i) & 1]);
            if (i > 0)
            {
                code.Emit(OpCodes.And);
            }
        }

        code.Emit(OpCodes.Ret);
        made?.Invoke(method);
        return method.CreateDelegate<Func<int, bool>>();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static long MakeNumber(int seed) => seed;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static byte[] MakeBytes(int seed) => ParkedFrames.Bytes(seed);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool IsNumber(long number, int seed) => number == seed;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool IsBytes(byte[] bytes, int seed) => bytes is { Length: > 0 } && bytes.AsSpan().IndexOfAnyExcept((byte)seed) < 0;

    private static MethodInfo Find(Type type, string name) => type.GetMethod(name, BindingFlags.Static | BindingFlags.Public)!;
}
