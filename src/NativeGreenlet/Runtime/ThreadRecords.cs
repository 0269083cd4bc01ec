using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// Adds thread records: runtime threads that block for ever in native code and lend their Thread objects to parked
/// stacks. The native library keeps them; none is ever given up.
/// </summary>
internal static unsafe class ThreadRecords
{
    private static ThreadLocator? s_locator;

    /// <summary>Says how a new record's thread finds its Thread object.</summary>
    public static void Initialize(ThreadLocator locator) => s_locator = locator;

    /// <summary>Adds one, and returns when it is ready.</summary>
    /// <exception cref="GreenletException">The system gives no more threads.</exception>
    public static void Add()
    {
        ng_status status = NativeMethods.ng_clr_record_add(&Attach);
        if (status != ng_status.OK)
        {
            throw new GreenletException(
                GreenletError.OutOfStacks,
                $"A thread record for a parked stack could not be made: {NativeEngine.Message(status)}. One is needed for each thread that runs greenlets and for each greenlet that is suspended inside a catch block, an exception filter or runtime code.");
        }
    }

    // The one managed frame of a record's thread. While the record is in use the collector does not see it, so it must
    // refer to no object: numbers only, and every other thing in methods that have returned.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Attach()
    {
        nint thread = Locate();
        if (thread != 0)
        {
            _ = NativeMethods.ng_clr_record_serve((void*)thread);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Locate()
    {
        try
        {
            return s_locator!.Current();
        }
        catch (UnsupportedRuntimeException)
        {
            return 0;
        }
    }
}
