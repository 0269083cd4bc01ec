using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Locks;

/// <summary>Locks of threads, entered by tasks.</summary>
internal static class GreenMonitor
{
    private const int MostInterruptions = 1000;
    private static readonly TimeSpan s_shortestPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(32);
    private static readonly Room s_entering = new();
    private static readonly Room s_pulsed = new();

    /// <summary>Enters a lock; parks until it is free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter<TKind>(object target, GreenTask task)
        where TKind : struct, ILockKind =>
        Enter<TKind>(target, task, HeldLocks.Of(task));

    /// <inheritdoc cref="Enter{TKind}(object, GreenTask)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter<TKind>(object target, GreenTask task, HeldLocks held)
        where TKind : struct, ILockKind
    {
        if (!held.TryEnterFast<TKind>(target, task))
        {
            EnterSlowly<TKind>(target, task, held);
        }
    }

    /// <summary>Enters a lock if it is free in time.</summary>
    public static bool TryEnter<TKind>(object target, GreenTask task, TimeSpan timeout)
        where TKind : struct, ILockKind
    {
        HeldLocks held = HeldLocks.Of(task);
        return held.TryEnter<TKind>(target, task) || (timeout != TimeSpan.Zero && Park<TKind>(target, task, held, timeout));
    }

    /// <summary>Exits a lock once.</summary>
    /// <exception cref="SynchronizationLockException">Another task of the thread holds it.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exit<TKind>(object target, GreenTask task)
        where TKind : struct, ILockKind =>
        Exit<TKind>(target, task, HeldLocks.Of(task));

    /// <inheritdoc cref="Exit{TKind}(object, GreenTask)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exit<TKind>(object target, GreenTask task, HeldLocks held)
        where TKind : struct, ILockKind
    {
        if (!held.Pop(target, task))
        {
            RequireNoOther<TKind>(held, target, task);
        }

        TKind.Exit(target);
        WakeNext(target);
    }

    /// <summary>Wakes a task that waits for a lock that was given back, by a task or a thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WakeNext(object target)
    {
        if (!s_entering.IsEmpty)
        {
            WakeOne(target);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WakeOne(object target) => s_entering.WakeOne(target);

    /// <summary>The same where it is not known which lock was given back.</summary>
    public static void WakeAnyNext()
    {
        if (!s_entering.IsEmpty)
        {
            s_entering.WakeOneOfEach();
        }
    }

    /// <summary>Whether a task holds a lock.</summary>
    public static bool IsEntered<TKind>(object target, GreenTask task)
        where TKind : struct, ILockKind =>
        TKind.IsEntered(target) && !HeldLocks.Here.IsHeldByAnother<TKind>(target, task);

    /// <summary>Waits for a pulse without the lock, and has that again at the end.</summary>
    public static bool Wait(object target, GreenTask task, TimeSpan timeout)
    {
        HeldLocks held = HeldLocks.Of(task);
        RequireNoOther<MonitorKind>(held, target, task);
        int depth = held.DepthOf(target, task);
        if (depth == 0)
        {
            return Monitor.Wait(target, timeout); // entered by code that is not woven, or not at all
        }

        LinkedListNode<GreenEvent> node = s_pulsed.Enter(target);
        for (int i = 0; i < depth; i++)
        {
            Exit<MonitorKind>(target, task);
        }

        ExceptionDispatchInfo? error = null;
        try
        {
            node.Value.Wait(timeout);
        }
        catch (Exception exception)
        {
            error = ExceptionDispatchInfo.Capture(exception);
        }

        bool isPulsed = s_pulsed.Leave(target, node);
        if (isPulsed && error is not null)
        {
            s_pulsed.WakeOne(target); // the pulse is for one that still waits
        }

        error = Reenter(target, task, depth) ?? error;
        error?.Throw();
        return isPulsed;
    }

    /// <summary>Wakes one that waits for a pulse: a task if there is one, else a thread.</summary>
    public static void Pulse(object target)
    {
        if (s_pulsed.IsEmpty || !Monitor.IsEntered(target) || !s_pulsed.WakeOne(target))
        {
            Monitor.Pulse(target);
        }
    }

    /// <summary>Wakes all that wait for a pulse.</summary>
    public static void PulseAll(object target)
    {
        Monitor.PulseAll(target);
        while (!s_pulsed.IsEmpty && s_pulsed.WakeOne(target))
        {
        }
    }

    private static void EnterSlowly<TKind>(object target, GreenTask task, HeldLocks held)
        where TKind : struct, ILockKind
    {
        if (!held.TryEnter<TKind>(target, task))
        {
            Park<TKind>(target, task, held, Timeout.InfiniteTimeSpan);
        }
    }

    private static void EnterAgain(object target, GreenTask task)
    {
        HeldLocks held = HeldLocks.Of(task);
        if (!held.TryEnter<MonitorKind>(target, task))
        {
            Park<MonitorKind>(target, task, held, Timeout.InfiniteTimeSpan, canGiveUp: false);
        }
    }

    private static void RequireNoOther<TKind>(HeldLocks held, object target, GreenTask task)
        where TKind : struct, ILockKind
    {
        if (held.Count != 0 && held.IsHeldByAnother<TKind>(target, task))
        {
            throw new SynchronizationLockException("The lock is held by another task of this thread. Exit it in the task that entered it.");
        }
    }

    // Whatever ends this wait early is thrown when the lock is had again, as Monitor.Wait does.
    private static ExceptionDispatchInfo? Reenter(object target, GreenTask task, int depth)
    {
        ExceptionDispatchInfo? error = null;
        for (int i = 0, interruptions = 0; i < depth;)
        {
            try
            {
                EnterAgain(target, task);
                i++;
            }
            catch (Exception exception) when (interruptions++ < MostInterruptions)
            {
                error ??= ExceptionDispatchInfo.Capture(exception);
            }
        }

        return error;
    }

    // Code that is not woven tells nobody that it gives a lock back: so the lock is tried again from time to time, too.
    private static bool Park<TKind>(object target, GreenTask task, HeldLocks held, TimeSpan timeout, bool canGiveUp = true)
        where TKind : struct, ILockKind
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan pause = s_shortestPause;
        LinkedListNode<GreenEvent> node = s_entering.Enter(target);
        bool isTaken = false;
        LockWait? wait = null; // if it takes long
        try
        {
            while (!(isTaken = held.TryEnter<TKind>(target, task)))
            {
                TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : timeout - Stopwatch.GetElapsedTime(start);
                if (left <= TimeSpan.Zero)
                {
                    return false;
                }

                if (node.Value.Wait(left < pause ? left : pause) && !(isTaken = held.TryEnter<TKind>(target, task)))
                {
                    node = s_entering.Enter(target); // somebody was faster
                }

                if (isTaken)
                {
                    return true;
                }

                pause = pause + pause < s_longestPause ? pause + pause : s_longestPause;
                if (pause == s_longestPause && timeout == Timeout.InfiniteTimeSpan)
                {
                    wait ??= task.HasTimeLimit ? null : LockWait.Enter(task, target, held.AllOf(task), canGiveUp);
                    wait?.ThrowIfDeadlocked();
                }
            }

            return true;
        }
        finally
        {
            wait?.Leave();
            if (s_entering.Leave(target, node) && !isTaken)
            {
                WakeNext(target); // killed in its turn, which is the next one's
            }
        }
    }
}
