namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>
/// Finds the hub of a greenlet that a task started itself, where every greenlet is a thread of its own and has its own
/// thread statics: by its ancestors, one of which is the hub's.
/// </summary>
internal static class HubOfRawGreenlet
{
    private static readonly Dictionary<Greenlet, HubLoop> s_hubs = [];

    private static bool? s_isNeeded; // what cannot be told now, for want of a thread, say, can be told the next time

    /// <summary>Whether there has been any hub for which this is needed. It costs a load.</summary>
    public static bool HasAny => Hubs.Exist;

    private static bool IsNeeded => s_isNeeded ??= GreenletRuntime.Backend == GreenletBackend.Threads;

    public static void Add(HubLoop hub)
    {
        if (IsNeeded)
        {
            Hubs.Exist = true;
            lock (s_hubs)
            {
                s_hubs.Add(hub.Greenlet, hub);
            }
        }
    }

    public static void Remove(HubLoop hub)
    {
        if (IsNeeded && hub.Greenlet is not null) // none, if the thread could not become a hub's
        {
            lock (s_hubs)
            {
                s_hubs.Remove(hub.Greenlet);
            }
        }
    }

    public static HubLoop? Find()
    {
        Greenlet current = Greenlet.Current;
        if (current.Parent is null)
        {
            return null; // the main greenlet of a thread: a hub in it would have been found by the thread
        }

        for (Greenlet? greenlet = current; greenlet is not null; greenlet = greenlet.Parent)
        {
            lock (s_hubs)
            {
                if (s_hubs.TryGetValue(greenlet, out HubLoop? hub))
                {
                    return hub;
                }
            }
        }

        return null;
    }

    // Without a static constructor, of which a reader would have to ask whether it has run.
    private static class Hubs
    {
        public static bool Exist { get; set; }
    }
}
