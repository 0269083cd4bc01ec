using System.Runtime.InteropServices;

namespace NativeGreenlet.Build;

/// <summary>A signal to this program is one to the child that it runs: it ends after the child.</summary>
internal static partial class Signals
{
    private const int Hangup = 1;
    private const int Terminate = 15;

    private static volatile int s_child;

    /// <summary>The process that gets the signals, 0: none.</summary>
    public static int Child
    {
        get => s_child;
        set => s_child = value;
    }

    public static IDisposable Forward() => new Registrations(
    [
        // A terminal sends these to all of its processes, so the child has it already.
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => context.Cancel = Child != 0),
        PosixSignalRegistration.Create(PosixSignal.SIGQUIT, context => context.Cancel = Child != 0),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = Send(Terminate)),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = Send(Hangup)),
    ]);

    /// <summary>Whether this program was asked to end: it starts nothing more.</summary>
    public static bool IsEnding { get; private set; }

    private static bool Send(int signal)
    {
        IsEnding = true;
        int child = Child;
        return child != 0 && !OperatingSystem.IsWindows() && Kill(child, signal) == 0;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private sealed class Registrations(PosixSignalRegistration[] registrations) : IDisposable
    {
        public void Dispose() => Array.ForEach(registrations, registration => registration.Dispose());
    }
}
