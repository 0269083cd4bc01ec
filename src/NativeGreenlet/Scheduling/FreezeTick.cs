using System.Diagnostics;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Scheduling;

/// <summary>Tells each carrier of a collection: an object that nobody refers to, whose finalizer makes the next. Where no collection comes
/// any more, a timer tells those whose frozen greenlets have their pages still.</summary>
internal sealed class FreezeTick
{
    private const int PagePeriod = 2500; // milliseconds

    private static readonly Timer s_timer = new(static _ => Try(LookForPages));
    private static int s_isStarted;
    private static long s_count;
    private static volatile bool s_isMemoryShort;

    private FreezeTick()
    {
    }

    ~FreezeTick()
    {
        if (FreezeSetting.Mode != GreenletFreezing.Off)
        {
            Volatile.Write(ref s_count, s_count + 1);
            Try(Tell);
            _ = new FreezeTick();
        }
    }

    /// <summary>Whether there has been a thread whose parked greenlets are frozen.</summary>
    public static bool IsStarted => Volatile.Read(ref s_isStarted) != 0;

    /// <summary>Collections so far.</summary>
    public static long Count => Volatile.Read(ref s_count);

    /// <summary>Whether the machine, or what this process may have of it, had little memory left at the last collection.</summary>
    public static bool IsMemoryShort => s_isMemoryShort;

    /// <summary>Begins, at the first call.</summary>
    public static void Start()
    {
        if (Interlocked.Exchange(ref s_isStarted, 1) == 0)
        {
            _ = new FreezeTick();
        }
    }

    // What nobody catches in a finalizer or a timer ends the process; without memory or descriptors there is no timer, for one.
    private static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            Debug.WriteLine(exception); // the next collection is another chance
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
