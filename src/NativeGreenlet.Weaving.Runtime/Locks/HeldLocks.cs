using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Weaving.Locks;

/// <summary>
/// The locks that tasks of a hub hold, and which task holds each. The thread owns the real lock as long as any of them does, so
/// other threads stay out by themselves; this keeps other tasks of the thread out.
/// </summary>
/// <remarks>Each time that a lock is entered is one entry, so recursion belongs to the task. Nothing is done at a switch.</remarks>
internal sealed class HeldLocks
{
    private const int FewEntries = 8;

    private static readonly bool s_tasksAreThreads = GreenletRuntime.Backend == GreenletBackend.Threads;

    private Entry[] _entries = new Entry[FewEntries];
    private int _count;

    /// <summary>Those of the caller's hub.</summary>
    public static HeldLocks Here => Of(Hub.CurrentTaskOrNull!);

    /// <summary>Those of a task's hub.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeldLocks Of(GreenTask task) => Of(task.Loop);

    /// <summary>Those of a hub.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeldLocks Of(HubLoop loop) => Unsafe.As<HeldLocks>(loop.WovenLocks) ?? Create(loop);

    /// <summary>How many there are.</summary>
    public int Count => _count;

    /// <summary>Takes a lock if that is possible at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnterFast<TKind>(object target, GreenTask task)
        where TKind : struct, ILockKind
    {
        int count = _count;
        Entry[] entries = _entries;
        if (count != 0 || !TKind.TryEnter(target))
        {
            return false;
        }

        ref Entry entry = ref entries[0];
        entry.Target = target;
        entry.Owner = task.Id;
        entry.IsScope = false;
        _count = 1;
        return true;
    }

    /// <summary>Takes a lock if neither another thread nor another task of this one has it.</summary>
    public bool TryEnter<TKind>(object target, GreenTask task)
        where TKind : struct, ILockKind
    {
        if ((_count != 0 && IsHeldByAnother<TKind>(target, task)) || !TKind.TryEnter(target))
        {
            return false;
        }

        Push(target, task, isScope: false);
        return true;
    }

    /// <summary>Adds what the thread has entered for a task.</summary>
    public void Push(object target, GreenTask task, bool isScope)
    {
        if (_count == _entries.Length)
        {
            Array.Resize(ref _entries, _count * 2);
        }

        ref Entry entry = ref _entries[_count++];
        entry.Target = target;
        entry.Owner = task.Id;
        entry.IsScope = isScope;
    }

    /// <summary>Removes the last entry of a lock by a task. False if the task did not enter it in woven code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Pop(object target, GreenTask task)
    {
        Entry[] entries = _entries;
        int last = _count - 1;
        if ((uint)last < (uint)entries.Length && entries[last].Target == target && entries[last].Owner == task.Id)
        {
            entries[last].Target = null;
            _count = last;
            return true;
        }

        return PopBelow(target, task);
    }

    /// <summary>Removes the last scope that a task has entered, and gives its lock; null if it has none.</summary>
    public object? PopScope(GreenTask task)
    {
        for (int i = _count - 1; i >= 0; i--)
        {
            if (_entries[i].IsScope && _entries[i].Owner == task.Id)
            {
                object? target = _entries[i].Target;
                RemoveAt(i);
                return target;
            }
        }

        return null;
    }

    /// <summary>How often a task has entered a lock.</summary>
    public int DepthOf(object target, GreenTask task)
    {
        int depth = 0;
        for (int i = 0; i < _count; i++)
        {
            depth += _entries[i].Target == target && _entries[i].Owner == task.Id ? 1 : 0;
        }

        return depth;
    }

    /// <summary>Whether another task of this thread holds a lock.</summary>
    public bool IsHeldByAnother<TKind>(object target, GreenTask task)
        where TKind : struct, ILockKind
    {
        // Where each task has a thread of its own, the real lock keeps the others out, and a thread can say nothing of another's.
        if (s_tasksAreThreads)
        {
            return false;
        }

        // With many parked owners the thread is asked first: it need not have the lock at all.
        if (_count > FewEntries && !TKind.IsEntered(target))
        {
            return false;
        }

        for (int i = _count - 1; i >= 0; i--)
        {
            if (_entries[i].Target == target && _entries[i].Owner != task.Id)
            {
                if (TKind.IsEntered(target))
                {
                    return true;
                }

                RemoveAt(i); // code that is not woven has given it back
            }
        }

        return false;
    }

    /// <summary>The locks that a task holds. Not what code that is not woven has given back.</summary>
    public object[] AllOf(GreenTask task)
    {
        HashSet<object> held = new(ReferenceEqualityComparer.Instance);
        for (int i = 0; i < _count; i++)
        {
            if (_entries[i].Owner == task.Id && _entries[i].Target is { } target && IsThreads(target))
            {
                held.Add(target);
            }
        }

        return [.. held];
    }

    private static bool IsThreads(object target) => target switch
    {
        Lock => LockKind.IsEntered(target),
        Mutex => MutexKind.IsEntered(target),
        _ => MonitorKind.IsEntered(target),
    };

    private static HeldLocks Create(HubLoop loop)
    {
        HeldLocks held = new();
        loop.WovenLocks = held;
        return held;
    }

    private bool PopBelow(object target, GreenTask task)
    {
        for (int i = _count - 2; i >= 0; i--)
        {
            if (_entries[i].Target == target && _entries[i].Owner == task.Id)
            {
                RemoveAt(i);
                return true;
            }
        }

        return false;
    }

    private void RemoveAt(int index)
    {
        Array.Copy(_entries, index + 1, _entries, index, _count - index - 1);
        _entries[--_count] = default;
    }

    private struct Entry
    {
        public object? Target;
        public long Owner;
        public bool IsScope;
    }
}
