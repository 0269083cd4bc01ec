using System.Collections;
using System.Reflection;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>What runs in the process besides a hub.</summary>
internal static class Outside
{
    private const string PoolWorker = ".NET TP Worker";

    // Threads of the runtime that never run a program's code by themselves, as Linux names them: by no more than 15 characters.
    // A thread without a name of its own has the name of the thread that started it. So there is one of each of these, and a
    // second one is the program's; workers of the pool are counted, and looked at in another way.
    private static readonly string[] s_single =
    [
        ".NET SynchManag", ".NET EventPipe", ".NET DebugPipe", ".NET Debugger", ".NET Finalizer", ".NET Tiered Com", ".NET Tiered JIT",
        ".NET SigHandler", ".NET TP Gate", ".NET Timer",
    ];

    // Threads that run nothing of the program and start no others.
    private static readonly string[] s_native = [".NET BGC", ".NET Server GC", "ng-record"];

    /// <summary>Whether nothing but the hub can run code of the program any more: there is no other thread, no timer, no
    /// work for the thread pool, no signal that is listened to, no child process, no socket that .NET waits for. False if
    /// that cannot be told, as on systems other than Linux.</summary>
    public static bool IsEmpty(HubLoop hub)
    {
        try
        {
            // Where greenlets are threads, a thread that one of them started cannot be told from another greenlet.
            return OperatingSystem.IsLinux() && GreenletRuntime.Backend != GreenletBackend.Threads && hub.SystemThreadId != 0 && IsPoolIdle() && !HasSignals() && HasNoThreadBut(hub);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // no /proc, or a thread has just ended
        }
    }

    private static bool IsPoolIdle()
    {
        ThreadPool.GetMaxThreads(out int most, out int mostIO);
        ThreadPool.GetAvailableThreads(out int available, out int availableIO);
        return Timer.ActiveCount == 0 && ThreadPool.PendingWorkItemCount == 0 && most == available && mostIO == availableIO;
    }

    // Of all that the program listens to, Hub.OnSignal, PosixSignalRegistration and Console.CancelKeyPress alike.
    private static bool HasSignals() =>
        typeof(PosixSignalRegistration).GetField("s_registrations", BindingFlags.NonPublic | BindingFlags.Static)?.GetValue(null)
            is not IDictionary { Count: 0 };

    private static bool HasNoThreadBut(HubLoop hub)
    {
        HashSet<int> idle = [hub.SystemThreadId];
        foreach (HubLoop other in HubRegistry.All)
        {
            if (other != hub && !other.IsIdle)
            {
                return false;
            }

            idle.Add(other.SystemThreadId);
        }

        if (OffloadScheduler.ThreadsIfAllAreIdle() is not { } offloading)
        {
            return false;
        }

        idle.UnionWith(offloading);
        int workers = 0;
        HashSet<string> seen = [];
        foreach (string directory in Directory.EnumerateDirectories("/proc/self/task"))
        {
            // A child's end is an event, too. Whose child it is, the system says by thread.
            if (File.ReadAllText($"{directory}/children").Length != 0)
            {
                return false;
            }

            string name = File.ReadAllText($"{directory}/comm").TrimEnd('\n');
            if (idle.Contains(int.Parse(Path.GetFileName(directory), System.Globalization.CultureInfo.InvariantCulture)) || s_native.Contains(name))
            {
                continue;
            }

            workers += name == PoolWorker ? 1 : 0;
            if (name != PoolWorker && !(s_single.Contains(name) && seen.Add(name)))
            {
                return false;
            }
        }

        return workers <= ThreadPool.ThreadCount;
    }
}
