using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Weaving.Locks;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Monitor"/> and of the <c>lock</c> statement in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Monitor))]
[StackTraceHidden]
public static class MonitorTwin
{
    // Compiled into the caller, where all that a thread outside of tasks pays is the question. Little of it, and most of all of Exit: a
    // finally block of more than some statements becomes a function of its own, which costs more than all the rest.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter(object obj)
    {
        if (!HubLoop.MayBeInTask)
        {
            Monitor.Enter(obj);
        }
        else
        {
            EnterInTask(obj);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter(object obj, ref bool lockTaken)
    {
        if (!HubLoop.MayBeInTask)
        {
            Monitor.Enter(obj, ref lockTaken);
        }
        else
        {
            EnterInTask(obj, ref lockTaken);
        }
    }

    public static bool TryEnter(object obj) => Hub.CurrentTaskOrNull is { } task ? GreenMonitor.TryEnter<MonitorKind>(obj, task, TimeSpan.Zero) : Monitor.TryEnter(obj);

    public static void TryEnter(object obj, ref bool lockTaken) => TryEnter(obj, 0, ref lockTaken);

    public static bool TryEnter(object obj, int millisecondsTimeout) =>
        millisecondsTimeout >= Timeout.Infinite && Hub.CurrentTaskOrNull is { } task
            ? GreenMonitor.TryEnter<MonitorKind>(obj, task, Parking.Time(millisecondsTimeout))
            : Monitor.TryEnter(obj, millisecondsTimeout);

    public static bool TryEnter(object obj, TimeSpan timeout) =>
        Parking.IsValid(timeout) && Hub.CurrentTaskOrNull is { } task
            ? GreenMonitor.TryEnter<MonitorKind>(obj, task, timeout)
            : Monitor.TryEnter(obj, timeout);

    public static void TryEnter(object obj, int millisecondsTimeout, ref bool lockTaken)
    {
        if (millisecondsTimeout < Timeout.Infinite || lockTaken || Hub.CurrentTaskOrNull is not { } task)
        {
            Monitor.TryEnter(obj, millisecondsTimeout, ref lockTaken);
            return;
        }

        lockTaken = GreenMonitor.TryEnter<MonitorKind>(obj, task, Parking.Time(millisecondsTimeout));
    }

    public static void TryEnter(object obj, TimeSpan timeout, ref bool lockTaken)
    {
        if (!Parking.IsValid(timeout) || lockTaken || Hub.CurrentTaskOrNull is not { } task)
        {
            Monitor.TryEnter(obj, timeout, ref lockTaken);
            return;
        }

        lockTaken = GreenMonitor.TryEnter<MonitorKind>(obj, task, timeout);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exit(object obj)
    {
        if (!HubLoop.MayBeInTask)
        {
            Monitor.Exit(obj);
            GreenMonitor.WakeNext(obj);
        }
        else
        {
            ExitInTask(obj);
        }
    }

    public static bool IsEntered(object obj) => Hub.CurrentTaskOrNull is { } task ? GreenMonitor.IsEntered<MonitorKind>(obj, task) : Monitor.IsEntered(obj);

    public static bool Wait(object obj) => Wait(obj, Timeout.Infinite);

    public static bool Wait(object obj, int millisecondsTimeout) =>
        millisecondsTimeout >= Timeout.Infinite && Hub.CurrentTaskOrNull is { } task
            ? GreenMonitor.Wait(obj, task, Parking.Time(millisecondsTimeout))
            : WaitOnThread(obj, Parking.Time(millisecondsTimeout));

    public static bool Wait(object obj, TimeSpan timeout) =>
        Parking.IsValid(timeout) && Hub.CurrentTaskOrNull is { } task ? GreenMonitor.Wait(obj, task, timeout) : WaitOnThread(obj, timeout);

    public static bool Wait(object obj, int millisecondsTimeout, bool exitContext) => Wait(obj, millisecondsTimeout);

    public static bool Wait(object obj, TimeSpan timeout, bool exitContext) => Wait(obj, timeout);

    public static void Pulse(object obj) => GreenMonitor.Pulse(obj);

    public static void PulseAll(object obj) => GreenMonitor.PulseAll(obj);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EnterInTask(object obj)
    {
        if (HubLoop.OfThisThreadOrNull is { CurrentTask: { } task } loop)
        {
            GreenMonitor.Enter<MonitorKind>(obj, task, HeldLocks.Of(loop));
        }
        else
        {
            Monitor.Enter(obj);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EnterInTask(object obj, ref bool lockTaken)
    {
        if (!lockTaken && HubLoop.OfThisThreadOrNull is { CurrentTask: { } task } loop)
        {
            GreenMonitor.Enter<MonitorKind>(obj, task, HeldLocks.Of(loop));
            lockTaken = true;
        }
        else
        {
            Monitor.Enter(obj, ref lockTaken);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ExitInTask(object obj)
    {
        if (HubLoop.OfThisThreadOrNull is { CurrentTask: { } task } loop)
        {
            GreenMonitor.Exit<MonitorKind>(obj, task, HeldLocks.Of(loop));
        }
        else
        {
            Monitor.Exit(obj);
            GreenMonitor.WakeNext(obj);
        }
    }

    // The wait gives the lock back: a task may have it.
    private static bool WaitOnThread(object obj, TimeSpan timeout)
    {
        GreenMonitor.WakeNext(obj);
        return Monitor.Wait(obj, timeout);
    }
}
