using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Emit;

namespace NativeGreenlet.Runtime;

/// <summary>
/// What the core library notes of a thread that waits, for debuggers (<c>ThreadBlockingInfo.t_first</c>): a list whose entries
/// lie on the stack. Nothing in the process follows it, so a switch leaves it alone.
/// </summary>
internal static unsafe class BlockingInfo
{
    private static Func<nint>? s_address;

    /// <summary>Where the calling thread's is; null if there is none.</summary>
    public static nint* OfThisThread()
    {
        try
        {
            s_address ??= Accessor();
            return (nint*)(s_address?.Invoke() ?? 0);
        }
        catch (PlatformNotSupportedException)
        {
            return null; // this program forbids the code to get at it
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026:RequiresUnreferencedCode", Justification = "CoreCLR only: the fields are what the core library itself uses, and where there is no code to compile nobody comes here.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075:UnrecognizedReflectionPattern", Justification = "CoreCLR only: the fields are what the core library itself uses, and where there is no code to compile nobody comes here.")]
    [UnconditionalSuppressMessage("AOT", "IL3050:RequiresDynamicCode", Justification = "CoreCLR only: the fields are what the core library itself uses, and where there is no code to compile nobody comes here.")]
    private static Func<nint>? Accessor()
    {
        Type? type = typeof(object).Assembly.GetType("System.Threading.ThreadBlockingInfo");
        FieldInfo? field = type?.GetField("t_first", BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public);
        if (field is null)
        {
            return null;
        }

        DynamicMethod method = new("Address", typeof(nint), Type.EmptyTypes, typeof(object).Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        code.Emit(OpCodes.Ldsflda, field);
        code.Emit(OpCodes.Conv_U);
        code.Emit(OpCodes.Ret);
        return method.CreateDelegate<Func<nint>>();
    }
}
