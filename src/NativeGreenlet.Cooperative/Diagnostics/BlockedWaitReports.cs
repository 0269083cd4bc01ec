using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Cooperative.Diagnostics;

/// <summary>Which calls have blocked hubs: each place is told once for each hub. Looking at a stack takes tens of microseconds, so no more than so
/// many a second are looked at; all are counted.</summary>
internal static class BlockedWaitReports
{
    private const int MostLooksPerSecond = 100;
    private const int NearestFrames = 12;
    private const int MillisecondsPerSecond = 1_000;

    private static readonly Assembly s_core = typeof(object).Assembly;
    private static readonly Assembly s_own = typeof(Hub).Assembly;
    private static long s_blocked;
    private static long s_parked;
    private static long s_second;
    private static int s_looks;

    /// <summary>How many waits have blocked a hub.</summary>
    public static long Blocked => Volatile.Read(ref s_blocked);

    /// <summary>How many were parked.</summary>
    public static long Parked => Volatile.Read(ref s_parked);

    public static void CountBlocked() => Interlocked.Increment(ref s_blocked);

    public static void CountParked() => Interlocked.Increment(ref s_parked);

    /// <summary>Whether the caller's wait is to be told: its place is new.</summary>
    /// <param name="hub">Its hub.</param>
    /// <param name="places">Those of the hub that were told.</param>
    /// <param name="reason">Why it does not park.</param>
    /// <param name="call">What was called.</param>
    /// <param name="trace">From where.</param>
    public static bool TryReport(Hub hub, WaitPlaces places, string? reason, [NotNullWhen(true)] out string? call, [NotNullWhen(true)] out StackTrace? trace)
    {
        call = null;
        trace = null;
        if (!MayLook())
        {
            return false;
        }

        StackTrace here = new(3, fNeedFileInfo: false);
        if (!places.TryAdd(here))
        {
            return false;
        }

        call = CallOf(here);
        trace = new StackTrace(3, fNeedFileInfo: true);
        HubEventSource.Log.BlockingWait(hub.Name, call, reason ?? string.Empty, trace.ToString());
        return true;
    }

    /// <summary>The method of .NET that was called: the outermost one of the core library before the first that is not.</summary>
    public static string CallOf(StackTrace trace)
    {
        MethodBase? last = null;
        foreach (MethodBase method in Methods(trace))
        {
            Assembly? assembly = method.DeclaringType?.Assembly;
            if (assembly != s_core && assembly != s_own)
            {
                break;
            }

            last = assembly == s_core ? method : last;
        }

        return last is null ? "a wait" : $"{last.DeclaringType}.{last.Name}";
    }

    /// <summary>Whether the caller waits for its turn to have a lock.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool IsContention() => Nearest() is { } method && ((method.DeclaringType == typeof(Lock) && IsEnter(method)) || (method.DeclaringType == typeof(Monitor) && IsEnter(method)));

    /// <summary>Whether the caller waits for a pulse of a monitor.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool IsInMonitor() => Nearest()?.DeclaringType == typeof(Monitor);

    private static bool IsEnter(MethodBase method) =>
        method.Name.StartsWith("Enter", StringComparison.Ordinal) || method.Name.StartsWith("TryEnter", StringComparison.Ordinal) || method.Name.StartsWith("Reenter", StringComparison.Ordinal);

    // The first method that is neither ours nor of what calls us.
    private static MethodBase? Nearest()
    {
        for (int i = 2; i < NearestFrames; i++)
        {
            MethodBase? method = new StackFrame(i, needFileInfo: false).GetMethod();
            if (method is not null && method.DeclaringType?.Assembly != s_own && method.DeclaringType != typeof(SynchronizationContext) && method.DeclaringType != typeof(WaitHandle))
            {
                return method;
            }
        }

        return null;
    }

    private static IEnumerable<MethodBase> Methods(StackTrace trace)
    {
        foreach (StackFrame frame in trace.GetFrames())
        {
            if (frame.GetMethod() is { } method)
            {
                yield return method;
            }
        }
    }

    private static bool MayLook()
    {
        long second = Environment.TickCount64 / MillisecondsPerSecond;
        if (Interlocked.Exchange(ref s_second, second) != second)
        {
            Volatile.Write(ref s_looks, 0);
        }

        return Interlocked.Increment(ref s_looks) <= MostLooksPerSecond;
    }
}
