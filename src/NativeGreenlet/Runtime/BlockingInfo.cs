using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Emit;

namespace NativeGreenlet.Runtime;

/// <summary>
/// What the core library notes of a thread that waits, for debuggers (<c>ThreadBlockingInfo.t_first</c>): a list whose entries
/// lie on the stack. Nothing in the process follows it, so a switch leaves it alone.
/// </summary>
internal static class BlockingInfo
{
    private static ThreadStaticField.Accessor? s_field;

    /// <summary>The calling thread's; null if there is none, or none that we know how to find.</summary>
    /// <param name="own">Its own memory for thread-static fields.</param>
    public static ThreadStaticField? OfThisThread(nint own)
    {
        try
        {
            s_field ??= Accessor();
            return s_field is null ? null : ThreadStaticField.Pin(s_field, own);
        }
        catch (Exception exception) when (exception is PlatformNotSupportedException or UnsupportedRuntimeException)
        {
            return null; // this program forbids the code to get at it, or it is elsewhere
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026:RequiresUnreferencedCode", Justification = "CoreCLR only: the fields are what the core library itself uses, and where there is no code to compile nobody comes here.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075:UnrecognizedReflectionPattern", Justification = "CoreCLR only: the fields are what the core library itself uses, and where there is no code to compile nobody comes here.")]
    [UnconditionalSuppressMessage("AOT", "IL3050:RequiresDynamicCode", Justification = "CoreCLR only: the fields are what the core library itself uses, and where there is no code to compile nobody comes here.")]
    private static ThreadStaticField.Accessor? Accessor()
    {
        Type? type = typeof(object).Assembly.GetType("System.Threading.ThreadBlockingInfo");
        FieldInfo? field = type?.GetField("t_first", BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public);
        if (field is null)
        {
            return null;
        }

        DynamicMethod method = new("Address", typeof(byte).MakeByRefType(), Type.EmptyTypes, typeof(object).Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        code.Emit(OpCodes.Ldsflda, field);
        code.Emit(OpCodes.Ret);
        return method.CreateDelegate<ThreadStaticField.Accessor>();
    }
}
