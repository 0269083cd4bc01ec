using System.Runtime.InteropServices;

namespace NativeGreenlet.Build;

/// <summary>A signal to this program is one to the children that it runs: it ends after them.</summary>
internal static partial class Signals
{
    private const int Hangup = 1;
    private const int Terminate = 15;

    private static readonly HashSet<int> s_children = []; // under its own lock

    private static bool HasChild
    {
        get
        {
            lock (s_children)
            {
                return s_children.Count != 0;
            }
        }
    }

    /// <summary>From now on a process gets the signals.</summary>
    public static void Add(int child)
    {
        lock (s_children)
        {
            _ = s_children.Add(child);
        }
    }

    /// <summary>The process has ended.</summary>
    public static void Remove(int child)
    {
        lock (s_children)
        {
            _ = s_children.Remove(child);
        }
    }

    public static IDisposable Forward() => new Registrations(
    [
        // A terminal sends these to all of its processes, so the child has it already.
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = HasChild),
        PosixSignalRegistration.Create(PosixSignal.SIGQUIT, context => context.Cancel = HasChild),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = Send(Terminate)),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = Send(Hangup)),
    ]);

    /// <summary>Whether this program was asked to end: it starts nothing more.</summary>
    public static bool IsEnding { get; private set; }

    private static bool Send(int signal)
    {
        IsEnding = true;
        lock (s_children)
        {
            bool isSent = false;
            foreach (int child in s_children)
            {
                isSent |= !OperatingSystem.IsWindows() && Kill(child, signal) == 0;
            }

            return isSent;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private sealed class Registrations(PosixSignalRegistration[] registrations) : IDisposable
    {
        public void Dispose() => Array.ForEach(registrations, registration => registration.Dispose());
    }
}
