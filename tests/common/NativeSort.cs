using System.Reflection;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Common;

/// <summary>The C library's <c>qsort</c>: native code that calls back.</summary>
internal static unsafe class NativeSort
{
    static NativeSort()
    {
        // Windows has it in another library; everywhere else the runtime knows which file "libc" is.
        NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), static (name, _, _) =>
            name == "libc" && OperatingSystem.IsWindows() ? NativeLibrary.Load("msvcrt") : 0);
    }

    /// <summary>A comparison as a delegate, which the runtime marshals.</summary>
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    public delegate int Comparison(int* left, int* right);

    [DllImport("libc", EntryPoint = "qsort", CallingConvention = CallingConvention.Cdecl)]
    public static extern void Sort(int* items, nuint count, nuint size, delegate* unmanaged[Cdecl]<int*, int*, int> compare);

    [DllImport("libc", EntryPoint = "qsort", CallingConvention = CallingConvention.Cdecl)]
    public static extern void Sort(int* items, nuint count, nuint size, Comparison compare);
}
