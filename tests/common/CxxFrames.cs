using System.Runtime.InteropServices;

namespace NativeGreenlet.Common;

/// <summary>C++ code that calls back out of a catch block, and of a destructor while an exception is on its way
/// (native/tests/frames.cpp). It is there where there was a C++ compiler.</summary>
internal static unsafe class CxxFrames
{
    private static readonly string[] s_ways = ["ng_frames_rethrow", "ng_frames_nested", "ng_frames_unwind"];
    private static readonly nint[] s_functions = Find();

    /// <summary>Why they cannot be had; null when they can.</summary>
    public static string? Missing => s_functions.Length == 0 ? "there was no C++ compiler when the native tests were built" : null;

    /// <summary>Throws and catches in C++, and calls back meanwhile. Fails unless each handler had its own exception.</summary>
    /// <param name="way">Any number: which of the ways.</param>
    /// <param name="stamp">What tells the exception from others.</param>
    /// <param name="callback">Called one or two times. It must not throw.</param>
    public static void Play(int way, int stamp, Action callback)
    {
        way %= s_functions.Length;
        GCHandle handle = GCHandle.Alloc(callback);
        try
        {
            int wrong = ((delegate* unmanaged[Cdecl]<long, delegate* unmanaged[Cdecl]<nint, void>, nint, int>)s_functions[way])(stamp, &Call, GCHandle.ToIntPtr(handle));
            if (wrong != 0)
            {
                Check.Fail($"{s_ways[way]}: a C++ handler had another exception than its own ({wrong})");
            }
        }
        finally
        {
            handle.Free();
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void Call(nint context)
    {
        try
        {
            ((Action)GCHandle.FromIntPtr(context).Target!)();
        }
        catch (Exception exception)
        {
            Check.Fail("an exception escaped into native code", exception);
        }
    }

    private static nint[] Find()
    {
        string path = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsMacOS() ? "libnativegreenlet_frames.dylib" : "libnativegreenlet_frames.so");
        return !OperatingSystem.IsWindows() && NativeLibrary.TryLoad(path, out nint library)
            ? [.. s_ways.Select(name => NativeLibrary.GetExport(library, name))]
            : [];
    }
}
