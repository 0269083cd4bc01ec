using System.Diagnostics;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Scheduling;

/// <summary>Tells each carrier of a collection: an object that nobody refers to, whose finalizer makes the next, as long as a thread has
/// enough greenlets, or code that can be unloaded is kept for frozen ones. Where no collection comes any more, a timer tells those whose
/// frozen greenlets have their pages still.</summary>
internal sealed class FreezeTick
{
    private const int PagePeriod = 2500; // milliseconds

    private static Timer? s_timer;
    private static int s_isRunning;
    private static long s_count;
    private static bool s_isNeeded; // for the finalizer's thread
    private static bool s_keepsCode;
    private static int s_full; // collections of all generations
    private static volatile bool s_isStarted;
    private static volatile bool s_isMemoryShort;

    private FreezeTick()
    {
    }

    ~FreezeTick()
    {
        _ = Try(LetCodeGo);
        if (FreezeSetting.Mode != GreenletFreezing.Off || s_keepsCode)
        {
            Volatile.Write(ref s_count, s_count + 1);
            _ = Try(Tell);
            if (IsNeeded())
            {
                _ = new FreezeTick();
                return;
            }

            _ = Interlocked.Exchange(ref s_isRunning, 0);
            if (IsNeeded()) // since then, by a thread that found it running
            {
                Start();
            }
        }
    }

    /// <summary>Whether there has been a thread with enough greenlets.</summary>
    public static bool IsStarted => s_isStarted;

    /// <summary>Collections so far, while there was such a thread.</summary>
    public static long Count => Volatile.Read(ref s_count);

    /// <summary>Whether the machine, or what this process may have of it, had little memory left at the last collection.</summary>
    public static bool IsMemoryShort => s_isMemoryShort;

    /// <summary>Begins, unless it has begun. Called whenever a thread comes to have enough greenlets, and when a shape was learned.</summary>
    public static void Start()
    {
        if (Interlocked.Exchange(ref s_isRunning, 1) == 0)
        {
            s_isStarted = true;
            _ = new FreezeTick();
        }
    }

    /// <summary>Asks the carriers for a look at what is parked.</summary>
    public static void TellCarriers() => _ = Try(static () => CarrierRegistry.ForEach(static carrier => carrier.RequestFreezing()));

    private static void LetCodeGo()
    {
        int full = GC.CollectionCount(GC.MaxGeneration);
        s_keepsCode = NativeMethods.ng_freeze_tick(full != s_full ? 1u : 0u) != 0;
        s_full = full;
    }

    private static bool IsNeeded() => !Try(LookWhetherNeeded) || s_isNeeded;

    private static void LookWhetherNeeded()
    {
        s_isNeeded = NativeMethods.ng_freeze_tick(0) != 0;
        if (FreezeSetting.Mode != GreenletFreezing.Off)
        {
            CarrierRegistry.ForEach(static carrier => s_isNeeded |= carrier.HasEnoughToFreeze);
        }
    }

    // What nobody catches in a finalizer or a timer ends the process; without memory or descriptors there is no timer, for one.
    private static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception exception)
        {
            Debug.WriteLine(exception); // the next collection is another chance
            return false;
        }
    }

    private static void Tell()
    {
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        s_isMemoryShort = memory.MemoryLoadBytes >= memory.HighMemoryLoadThresholdBytes;
        CarrierRegistry.ForEach(static carrier => carrier.RequestFreezing());
        AwaitPages();
    }

    private static void AwaitPages()
    {
        bool isAny = false;
        CarrierRegistry.ForEach(carrier => isAny |= carrier.HasPages);
        if (isAny)
        {
            s_timer ??= new Timer(static _ => _ = Try(LookForPages));
            _ = s_timer.Change(PagePeriod, Timeout.Infinite);
        }
    }

    private static void LookForPages()
    {
        CarrierRegistry.ForEach(static carrier =>
        {
            if (carrier.HasPages)
            {
                carrier.RequestFreezing();
            }
        });
        AwaitPages();
    }
}
