using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>Threads that native code made, and threads that end where no thread should: with greenlets suspended, and
/// inside of one. What other threads have is not touched.</summary>
public unsafe partial class ThreadDeathTests
{
    private const int Threads = 30;

    private static int s_entered;
    private static Greenlet? s_kept;

    [LinuxFact]
    public void Native_threads_that_call_in_and_end_with_suspended_greenlets() => FaultProcess.Survives(EndWithSuspended);

    [LinuxFact]
    public void Native_threads_that_end_by_pthread_exit_on_their_own_stack() => FaultProcess.Survives(EndOnOwnStack);

    [LinuxFact]
    public void Native_threads_that_end_by_pthread_exit_inside_a_greenlet() => FaultProcess.SurvivesOnSegments(EndInsideGreenlet);

    private static void EndWithSuspended() => EndThreads(&LeaveSuspended);

    private static void EndOnOwnStack() => EndThreads(&ExitFromMain);

    private static void EndInsideGreenlet() => EndThreads(&ExitFromGreenlet);

    private static void EndThreads(delegate* unmanaged<void*, void*> body)
    {
        Bystanders bystanders = new();
        long inUse = GreenletDiagnostics.Segments.InUse;
        for (int i = 0; i < Threads; i++)
        {
            nint thread;
            Check.That(pthread_create(&thread, null, body, null) == 0);
            Check.That(pthread_join(thread, null) == 0);
            CollectorPressure.Compact(2);
            Check.That(s_entered == i + 1);
            _ = Expect.Failure(GreenletError.ThreadExited, () => s_kept!.Switch());
            Check.That(s_kept!.IsDead);
        }

        s_kept = null;
        Collector.CollectUntil(() => GreenletDiagnostics.Threads == 1, "the threads are known to have ended");
        Check.That(GreenletDiagnostics.Segments.InUse == inUse);
        bystanders.Verify();
        OnThread.Run(() => new Bystanders().VerifyAndEnd());
        bystanders.VerifyAndEnd();
        Console.WriteLine("done");
    }

    [UnmanagedCallersOnly]
    private static void* LeaveSuspended(void* argument)
    {
        Suspend();
        return null;
    }

    [UnmanagedCallersOnly]
    private static void* ExitFromMain(void* argument)
    {
        Suspend();
        pthread_exit(null);
        return null;
    }

    [UnmanagedCallersOnly]
    private static void* ExitFromGreenlet(void* argument)
    {
        Suspend();
        _ = new Greenlet(() => pthread_exit(null)).Switch();
        return null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Suspend()
    {
        Bystanders bystanders = new(8);
        bystanders.Verify();
        Greenlet main = Greenlet.Current;
        s_kept = new Greenlet(() => main.Switch());
        _ = s_kept.Switch();
        s_entered++;
    }

    [LibraryImport("libc")]
    private static partial int pthread_create(nint* thread, void* attributes, delegate* unmanaged<void*, void*> start, void* argument);

    [LibraryImport("libc")]
    private static partial int pthread_join(nint thread, void** result);

    [LibraryImport("libc")]
    private static partial void pthread_exit(void* result);
}
