using System.Diagnostics.CodeAnalysis;

namespace NativeGreenlet.Scheduling;

/// <summary>All carriers, and the end of those whose thread has ended.</summary>
internal static class CarrierRegistry
{
    private static readonly Lock s_lock = new();
    private static readonly List<Carrier> s_carriers = [];
    private static bool s_logsSwitches;
    private static bool s_watchesCollections;

    // Only the thread refers to it: when the thread is gone it is garbage, and its finalizer tells us.
    [ThreadStatic]
    [SuppressMessage("Style", "IDE0052:Remove unread private members", Justification = "It is there to be collected.")]
    private static ExitGuard? t_guard;

    /// <summary>Adds the calling thread's carrier.</summary>
    public static void Add(Carrier carrier)
    {
        lock (s_lock)
        {
            s_carriers.Add(carrier);
            carrier.LogsSwitches = s_logsSwitches;
        }

        t_guard = new ExitGuard();
    }

    /// <summary>Lets full collections tell whose thread has ended. Where slices are scanned conservatively the guard of a
    /// thread is of no use: some word on a slice leads to the thread's static fields, and so to the guard, for as long as
    /// the slice is there.</summary>
    public static void WatchCollections()
    {
        lock (s_lock)
        {
            if (!s_watchesCollections)
            {
                s_watchesCollections = true;
                _ = new CollectionWatch();
            }
        }
    }

    /// <summary>Ends every carrier whose thread has ended.</summary>
    public static void Sweep()
    {
        lock (s_lock)
        {
            for (int i = s_carriers.Count - 1; i >= 0; i--)
            {
                Carrier carrier = s_carriers[i];
                if (!carrier.IsThreadAlive)
                {
                    s_carriers.RemoveAt(i);
                    carrier.Exit();
                }
            }
        }
    }

    /// <summary>Adds up a figure of every carrier whose thread is alive and the program's.</summary>
    public static long Sum(Func<Carrier, long> figure) => Sum(figure, ofLibrary: false);

    /// <summary>How many greenlets of threads of this library have begun and not ended.</summary>
    public static long CountOfLibrary() => Sum(static carrier => carrier.LiveCount, ofLibrary: true);

    /// <summary>Does something with every carrier.</summary>
    public static void ForEach(Action<Carrier> action)
    {
        Carrier[] carriers;
        lock (s_lock)
        {
            carriers = [.. s_carriers];
        }

        Array.ForEach(carriers, action);
    }

    /// <summary>Turns the event of every switch on or off, for the carriers that are and those to come.</summary>
    public static void LogSwitches(bool isOn)
    {
        lock (s_lock)
        {
            s_logsSwitches = isOn;
            s_carriers.ForEach(carrier => carrier.LogsSwitches = isOn);
        }
    }

    private static long Sum(Func<Carrier, long> figure, bool ofLibrary)
    {
        Sweep();
        lock (s_lock)
        {
            return s_carriers.Where(carrier => carrier.IsOfLibrary == ofLibrary).Sum(figure);
        }
    }

    private sealed class ExitGuard
    {
        ~ExitGuard() => Sweep();
    }
    // Garbage from the start; it comes back after each collection of its generation, which is soon the oldest.
    private sealed class CollectionWatch
    {
        ~CollectionWatch()
        {
            Sweep();
            GC.ReRegisterForFinalize(this);
        }
    }
}
