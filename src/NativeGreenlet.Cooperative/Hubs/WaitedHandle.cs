using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>A handle that somebody else has and waits for.</summary>
internal sealed class WaitedHandle : WaitHandle
{
    private const int NotOwner = 288; // what ReleaseMutex fails with for the mutex of another thread
    private const int NoMutex = 6;

    private static readonly Lazy<Func<nint, bool>?> s_isNoMutex = new(Find, LazyThreadSafetyMode.PublicationOnly); // no thread for it: asked again

    public WaitedHandle(nint handle)
    {
        SafeWaitHandle = new SafeWaitHandle(handle, ownsHandle: false);
    }

    /// <summary>Whether another thread can wait for what a handle stands for: it is certainly no mutex, which would be the other thread's
    /// then.</summary>
    public static bool IsNoMutex(nint handle) => s_isNoMutex.Value is { } ask && ask(handle);

    // .NET 10: what a release by somebody else fails with. .NET 11: the object itself says it. Both are tried with objects of our own.
    private static Func<nint, bool>? Find()
    {
        if (!RuntimeFeature.IsDynamicCodeSupported)
        {
            return null;
        }

        try
        {
            Func<nint, bool>? found = ByObject() ?? ByRelease();
            return found is not null && IsRight(found) ? found : null;
        }
        catch (Exception exception) when (exception is InvalidProgramException or MemberAccessException or TypeLoadException or TargetException or NotSupportedException)
        {
            return null;
        }
    }

    private static bool IsRight(Func<nint, bool> isNoMutex)
    {
        using AutoResetEvent first = new(false);
        using ManualResetEvent second = new(false);
        using Semaphore third = new(0, 1);
        using Mutex mutex = new();
        using ManualResetEvent isSeen = new(false);
        using ManualResetEvent isOwned = new(false);
        Thread owner = new(() =>
        {
            mutex.WaitOne();
            isOwned.Set();
            isSeen.WaitOne();
            mutex.ReleaseMutex();
        }) { IsBackground = true, Name = "NativeGreenlet calibration" };
        owner.UnsafeStart();
        isOwned.WaitOne();
        bool isRight = Ask(first) && Ask(second) && Ask(third) && !Ask(mutex);
        isSeen.Set();
        owner.Join();
        return isRight && !Ask(mutex) && mutex.WaitOne(0);

        bool Ask(WaitHandle handle) => isNoMutex(handle.SafeWaitHandle.DangerousGetHandle());
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026:RequiresUnreferencedCode", Justification = "What has gone is not found, and then handles are looked at now and then.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075:UnrecognizedReflectionPattern", Justification = "What has gone is not found, and then handles are looked at now and then.")]
    [UnconditionalSuppressMessage("AOT", "IL3050:RequiresDynamicCode", Justification = "It asks whether there is dynamic code.")]
    private static Func<nint, bool>? ByObject()
    {
        const BindingFlags Any = BindingFlags.Static | BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;
        MethodInfo? fromHandle = typeof(object).Assembly.GetType("System.Threading.WaitSubsystem+HandleManager")?.GetMethod("FromHandle", Any, [typeof(nint)]);
        Type? type = typeof(object).Assembly.GetType("System.Threading.WaitSubsystem+WaitableObject");
        if (fromHandle is null || type?.GetMethod("get_IsMutex", Any, []) is not { } isMutex)
        {
            return null;
        }

        DynamicMethod method = new("IsNoMutex", typeof(bool), [typeof(nint)], typeof(object).Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        Label isOther = code.DefineLabel();
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Call, fromHandle);
        code.Emit(OpCodes.Isinst, type);
        code.Emit(OpCodes.Dup);
        code.Emit(OpCodes.Brfalse, isOther);
        code.Emit(OpCodes.Call, isMutex);
        code.Emit(OpCodes.Ldc_I4_0);
        code.Emit(OpCodes.Ceq);
        code.Emit(OpCodes.Ret);
        code.MarkLabel(isOther);
        code.Emit(OpCodes.Pop);
        code.Emit(OpCodes.Ldc_I4_0);
        code.Emit(OpCodes.Ret);
        return method.CreateDelegate<Func<nint, bool>>();
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026:RequiresUnreferencedCode", Justification = "What has gone is not found, and then handles are looked at now and then.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075:UnrecognizedReflectionPattern", Justification = "What has gone is not found, and then handles are looked at now and then.")]
    private static Func<nint, bool>? ByRelease()
    {
        MethodInfo? release = typeof(object).Assembly.GetType("Interop+Kernel32")?.GetMethod("ReleaseMutex", BindingFlags.Static | BindingFlags.NonPublic, [typeof(SafeWaitHandle)]);
        if (release is null)
        {
            return null;
        }

        Func<SafeWaitHandle, bool> call = release.CreateDelegate<Func<SafeWaitHandle, bool>>();
        return handle =>
        {
            using SafeWaitHandle borrowed = new(handle, ownsHandle: false);
            return !call(borrowed) && Marshal.GetLastPInvokeError() is NoMutex and not NotOwner;
        };
    }
}
