using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// Adds thread records: Thread objects of the runtime that parked stacks are linked into. The native library keeps them.
/// Those of carriers, and a few more, are threads that block for ever in native code: a debugger finds what hangs on them. Beyond
/// those they are of managed threads that are never started, and are taken back after a burst; where that cannot be done, they
/// are threads up to a limit.
/// </summary>
internal static unsafe class ThreadRecords
{
    /// <summary>Records that stay when they are free, for the next.</summary>
    public const int Kept = 64;

    /// <summary>As many records are threads of the system first, beyond one for each carrier.</summary>
    public const int FewThreads = 32;

    /// <summary>As many records may be threads of the system, beyond one for each thread that runs greenlets.</summary>
    public const int MostThreads = 1024;

    private static ThreadLocator? s_locator;
    private static UnstartedThreads? s_unstarted;
    private static int s_isWatched;
    private static int s_forFreezing;

    /// <summary>Says how a new record is made.</summary>
    /// <param name="locator">Finds the Thread object of a record that is a thread of ours.</param>
    /// <param name="unstarted">Makes those of threads that are never started; null where that cannot be done.</param>
    public static void Initialize(ThreadLocator locator, UnstartedThreads? unstarted)
    {
        s_locator = locator;
        s_unstarted = unstarted;
    }

    /// <summary>Adds one, and returns when it is ready.</summary>
    /// <exception cref="GreenletException">There can be no more.</exception>
    public static void Add()
    {
        ulong threads = CountThreads();
        if (threads >= FewThreads && TryAddUnstarted())
        {
            return;
        }

        if (threads >= MostThreads)
        {
            throw new GreenletException(
                GreenletError.OutOfStacks,
                $"{MostThreads} greenlets are suspended inside a catch block, an exception filter or runtime code, and on this runtime each takes a thread of the system. Let a catch block end before the greenlet waits.");
        }

        ng_status status = NativeMethods.ng_clr_record_add(&Attach);
        if (status != ng_status.OK && !TryAddUnstarted())
        {
            throw Failure(status);
        }
    }

    /// <summary>Adds one for what is frozen: a list of byrefs, or a lesson. It takes none away from those that are parked.</summary>
    /// <exception cref="GreenletException">There can be no more.</exception>
    public static void AddForFreezing()
    {
        Interlocked.Increment(ref s_forFreezing);
        try
        {
            Add();
        }
        catch
        {
            Interlocked.Decrement(ref s_forFreezing);
            throw;
        }
    }

    /// <summary>Adds one that is a thread of the system.</summary>
    /// <exception cref="GreenletException">The system gives no more threads.</exception>
    public static void AddThread()
    {
        ng_status status = NativeMethods.ng_clr_record_add(&Attach);
        if (status != ng_status.OK)
        {
            throw Failure(status);
        }
    }

    private static GreenletException Failure(ng_status status) => new(
        GreenletError.OutOfStacks,
        $"A thread record for a parked stack could not be made: {NativeEngine.Message(status)}. One is needed for each thread that runs greenlets and for each greenlet that is suspended inside a catch block, an exception filter or runtime code.");

    // Beyond one for each carrier, and what freezing needs: a list of byrefs for each, and one record for a lesson.
    private static ulong CountThreads()
    {
        ng_clr_statistics now;
        _ = NativeMethods.ng_clr_query(&now);
        ulong others = now.carriers + UnstartedThreads.Count + Math.Min((ulong)Volatile.Read(ref s_forFreezing), now.carriers + 1);
        return now.records > others ? now.records - others : 0;
    }

    private static bool TryAddUnstarted()
    {
        if (s_unstarted is not { } unstarted)
        {
            return false;
        }

        try
        {
            if (unstarted.Add() != ng_status.OK)
            {
                return false;
            }

            Watch();
            return true;
        }
        catch (OutOfMemoryException exception)
        {
            throw new GreenletException(GreenletError.OutOfStacks, "There is no memory for the record of a parked stack.", exception);
        }
    }

    // Not before there are more than stay anyway.
    private static void Watch()
    {
        ng_clr_statistics now;
        if (NativeMethods.ng_clr_query(&now) == ng_status.OK && now.records > Kept && Interlocked.Exchange(ref s_isWatched, 1) == 0)
        {
            _ = new Watcher();
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

    // An object that nobody refers to: its finalizer runs after each collection, while there are many records.
    private sealed class Watcher
    {
        ~Watcher()
        {
            Volatile.Write(ref s_isWatched, 0);
            UnstartedThreads.TakeBack(Kept);
            Watch();
        }
    }
}
