namespace NativeGreenlet.Cooperative;

/// <summary>The hubs of <see cref="Hub.RunAsync{T}"/>: as many threads as there are processors, each with many runs.</summary>
internal static class HubPool
{
    private static readonly Lock s_lock = new();
    private static readonly Hub?[] s_hubs = new Hub?[Environment.ProcessorCount];
    private static uint s_next;

    /// <summary>The hub with the fewest runs.</summary>
    public static Hub Choose()
    {
        lock (s_lock)
        {
            Hub? best = null;
            for (int i = 0; i < s_hubs.Length; i++)
            {
                uint index = (uint)((s_next + i) % s_hubs.Length);
                Hub hub = s_hubs[index] ??= Hub.StartThread($"hub {index}", isPooled: true);
                if (best is null || hub.PendingRuns < best.PendingRuns)
                {
                    best = hub;
                }

                if (hub.PendingRuns == 0)
                {
                    break; // idle, or just made: no need to make more
                }
            }

            s_next++;
            return best!;
        }
    }
}
