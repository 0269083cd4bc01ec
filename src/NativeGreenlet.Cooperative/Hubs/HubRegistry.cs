namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>All hubs that run, for diagnostics.</summary>
internal static class HubRegistry
{
    private static readonly Lock s_lock = new();
    private static readonly List<HubLoop> s_hubs = [];

    public static IReadOnlyList<HubLoop> All
    {
        get
        {
            lock (s_lock)
            {
                return [.. s_hubs];
            }
        }
    }

    public static void Add(HubLoop hub)
    {
        lock (s_lock)
        {
            s_hubs.Add(hub);
        }
    }

    public static void Remove(HubLoop hub)
    {
        lock (s_lock)
        {
            s_hubs.Remove(hub);
        }
    }
}
