using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Locks;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Lock"/> and of the <c>lock</c> statement with one in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Lock))]
[GreenletTwin(typeof(Lock.Scope))]
[StackTraceHidden]
#pragma warning disable CS9216 // a lock as an object: it is the key of a table, and no monitor is entered
public static class LockTwin
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter(Lock self)
    {
        if (Hub.CurrentTaskOrNull is { } task)
        {
            GreenMonitor.Enter<LockKind>(self, task);
        }
        else
        {
            self.Enter();
        }
    }

    public static bool TryEnter(Lock self) => Hub.CurrentTaskOrNull is { } task ? GreenMonitor.TryEnter<LockKind>(self, task, TimeSpan.Zero) : self.TryEnter();

    public static bool TryEnter(Lock self, int millisecondsTimeout) =>
        millisecondsTimeout >= Timeout.Infinite && Hub.CurrentTaskOrNull is { } task
            ? GreenMonitor.TryEnter<LockKind>(self, task, Parking.Time(millisecondsTimeout))
            : self.TryEnter(millisecondsTimeout);

    public static bool TryEnter(Lock self, TimeSpan timeout) =>
        Parking.IsValid(timeout) && Hub.CurrentTaskOrNull is { } task ? GreenMonitor.TryEnter<LockKind>(self, task, timeout) : self.TryEnter(timeout);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exit(Lock self)
    {
        if (Hub.CurrentTaskOrNull is { } task)
        {
            GreenMonitor.Exit<LockKind>(self, task);
        }
        else
        {
            self.Exit();
            GreenMonitor.WakeNext(self);
        }
    }

    [GreenletTwin("get_IsHeldByCurrentThread")]
    public static bool IsHeldByCurrentThread(Lock self) =>
        Hub.CurrentTaskOrNull is { } task ? GreenMonitor.IsEntered<LockKind>(self, task) : self.IsHeldByCurrentThread;

    public static Lock.Scope EnterScope(Lock self)
    {
        if (Hub.CurrentTaskOrNull is not { } task)
        {
            return self.EnterScope();
        }

        GreenMonitor.Enter<LockKind>(self, task);
        HeldLocks.Here.Pop(self, task);
        HeldLocks.Here.Push(self, task, isScope: true);
        Lock.Scope scope = self.EnterScope(); // the thread has it already
        self.Exit();
        return scope;
    }

    // The scopes of a task end in the order that is the reverse of that in which they began.
    public static void Dispose(ref Lock.Scope self)
    {
        object? target = Hub.CurrentTaskOrNull is { } task ? HeldLocks.Here.PopScope(task) : null;
        self.Dispose();
        if (target is not null)
        {
            GreenMonitor.WakeNext(target);
        }
        else
        {
            GreenMonitor.WakeAnyNext();
        }
    }
}
