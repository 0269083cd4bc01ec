using System.Globalization;
using System.Numerics;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Stacks;

/// <summary>The regions of stack segments of this process, one for each power of two that was asked for.</summary>
internal static unsafe class StackPools
{
    private const int DefaultSize = 1 << 20;
    private const int SmallestSize = 1 << 18; // half of it is what the runtime calls sufficient, and never gives out
    private static readonly Lock s_lock = new();
    private static readonly nint[] s_pools = new nint[32];
    private static nint s_default;

    /// <summary>The region for stacks of at least so many bytes; 0 stands for the default.</summary>
    /// <exception cref="GreenletException">Address space cannot be had.</exception>
    public static ng_segments* For(int stackSize)
    {
        nint pool = stackSize == 0 ? Volatile.Read(ref s_default) : 0;
        return (ng_segments*)(pool != 0 ? pool : Find(stackSize));
    }

    /// <summary>What all regions together hold.</summary>
    public static (ulong Live, ulong Pooled) Count()
    {
        ulong live = 0;
        ulong pooled = 0;
        lock (s_lock)
        {
            foreach (nint pool in s_pools)
            {
                ng_segments_statistics statistics;
                if (pool != 0 && NativeMethods.ng_segments_query((ng_segments*)pool, &statistics) == ng_status.OK)
                {
                    live += statistics.live;
                    pooled += statistics.pooled;
                }
            }
        }

        return (live, pooled);
    }

    /// <summary>What to do when a region has no stack left, in the words of this library's users.</summary>
    public static string DescribeExhaustion(ng_segments* pool)
    {
        ng_segments_statistics statistics;
        _ = NativeMethods.ng_segments_query(pool, &statistics);
        string cause = statistics.capacity < Limits.Capacity(statistics.segment_size)
            ? "; the address space of the process allowed no more (ulimit -v)"
            : string.Empty;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"all {statistics.capacity} stacks of {statistics.segment_size >> 10} KiB are in use{cause}. End some greenlets, or give them a smaller GreenletOptions.StackSize");
    }

    private static nint Find(int stackSize)
    {
        ng_segments_config config = NativeMethods.ng_segments_config_default();
        ulong wanted = stackSize == 0 ? DefaultSize : BitOperations.RoundUpToPowerOf2((ulong)Math.Max(stackSize, SmallestSize) + config.guard_size);
        int index = BitOperations.Log2(wanted);
        lock (s_lock)
        {
            if (s_pools[index] == 0)
            {
                config.segment_size = (nuint)wanted;
                config.capacity = (nuint)Limits.Capacity(wanted);
                ng_segments* created;
                ng_status status = NativeMethods.ng_segments_create(&config, &created);
                if (status != ng_status.OK)
                {
                    throw new GreenletException(GreenletError.OutOfStacks, $"Stacks could not be reserved: {NativeEngine.Message(status)}.");
                }

                void* low;
                void* high;
                _ = NativeMethods.ng_segments_region(created, &low, &high);
                StackRange.Add((nuint)low, (nuint)high);
                s_pools[index] = (nint)created;
            }

            if (wanted == DefaultSize)
            {
                Volatile.Write(ref s_default, s_pools[index]);
            }

            return s_pools[index];
        }
    }

    // As freezing was at the first stack, whatever has come of it since: where greenlets are frozen, far more can be parked.
    private static class Limits
    {
        private static readonly bool s_isFreezing = GreenletRuntime.Freezing != GreenletFreezing.Off;
        private static readonly ulong s_stacks = s_isFreezing ? 1UL << 21 : NativeMethods.ng_segments_config_default().capacity;
        private static readonly ulong s_addressSpace = 1UL << (s_isFreezing ? 40 : 37);

        public static ulong Capacity(ulong stackSize) => Math.Min(s_stacks, s_addressSpace / stackSize);
    }
}
