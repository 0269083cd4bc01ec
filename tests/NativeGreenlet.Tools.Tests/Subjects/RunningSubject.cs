using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Tools.Tests.Infrastructure;

namespace NativeGreenlet.Tools.Tests.Subjects;

/// <summary>A greenlet inside a greenlet that runs, in managed code or in a callback from native code.</summary>
internal static unsafe class RunningSubject
{
    private const int BusySeconds = 120; // the test ends it

    /// <summary>The methods on the running greenlet's stack, innermost first.</summary>
    public static IReadOnlyList<string> BusyMethods { get; } = [nameof(Burn), nameof(Inner), nameof(Outer)];

    /// <summary>Uses the processor.</summary>
    public static void RunBusy() => new Greenlet(() => new Greenlet(() => Outer(isBusy: true)).Switch()).Switch();

    /// <summary>Waits in the C library, called by managed code, called by the C library.</summary>
    public static void RunInCallback() => new Greenlet(() => new Greenlet(() => Outer(isBusy: false)).Switch()).Switch();

    [DllImport("libc", EntryPoint = "qsort", CallingConvention = CallingConvention.Cdecl)]
    private static extern void Sort(int* items, nuint count, nuint size, delegate* unmanaged[Cdecl]<int*, int*, int> compare);

    [DllImport("libc", EntryPoint = "pause")]
    private static extern int Pause();

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int Outer(bool isBusy) => Inner(isBusy) + 1;

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int Inner(bool isBusy)
    {
        if (isBusy)
        {
            return Burn() + 1;
        }

        int* items = stackalloc int[] { 2, 1 };
        Sort(items, 2, sizeof(int), &Compare);
        return items[0];
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int Burn()
    {
        Console.WriteLine(Subject.Ready);
        long end = Environment.TickCount64 + (BusySeconds * 1000);
        int sum = 0;
        while (Environment.TickCount64 < end)
        {
            for (int i = 0; i < 1_000_000; i++)
            {
                sum = (sum * 31) + i;
            }
        }

        return sum;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Compare(int* left, int* right)
    {
        Console.WriteLine(Subject.Ready);
        _ = Pause();
        return *left - *right;
    }
}
