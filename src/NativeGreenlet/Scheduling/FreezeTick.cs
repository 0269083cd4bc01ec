using System.Diagnostics.CodeAnalysis;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Scheduling;

/// <summary>Tells each carrier of a collection: an object that nobody refers to, whose finalizer makes the next. Where no collection comes
/// any more, a timer tells those whose frozen greenlets have their pages still.</summary>
internal sealed class FreezeTick
{
    private const int PagePeriod = 2500; // milliseconds

    private static readonly Timer s_timer = new(static _ => LookForPages());
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
            GCMemoryInfo memory = GC.GetGCMemoryInfo();
            s_isMemoryShort = memory.MemoryLoadBytes >= memory.HighMemoryLoadThresholdBytes;
            CarrierRegistry.ForEach(static carrier => carrier.RequestFreezing());
            Await();
            _ = new FreezeTick();
        }
    }

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

    private static void Await() => s_timer.Change(PagePeriod, Timeout.Infinite);

    private static void LookForPages()
    {
        bool isAny = false;
        CarrierRegistry.ForEach(carrier =>
        {
            if (carrier.HasPages)
            {
                isAny = true;
                carrier.RequestFreezing();
            }
        });
        if (isAny)
        {
            Await();
        }
    }
}
