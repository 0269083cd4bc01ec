using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Locks;

/// <summary>A task that waits for a lock, without a limit of time and for long already. Those of all hubs are known, so that a circle of
/// tasks that wait for each other is found.</summary>
/// <remarks>What a task holds when it begins to wait it holds until it has ended the wait. So if those of a circle are here at the same
/// time, none of them has got what it waits for, and none ever gets it.</remarks>
internal sealed class LockWait
{
    private static readonly Lock s_gate = new();
    private static readonly List<LockWait> s_waits = [];

    private readonly GreenTask _task;
    private readonly object _wanted;
    private readonly object[] _held;
    private readonly bool _canGiveUp;
    private readonly string _stack;
    private GreenDeadlockException? _verdict;

    private LockWait(GreenTask task, object wanted, object[] held, bool canGiveUp)
    {
        _task = task;
        _wanted = wanted;
        _held = held;
        _canGiveUp = canGiveUp;
        _stack = new StackTrace(2, fNeedFileInfo: true).ToString().TrimEnd();
    }

    /// <summary>Adds a wait of the current task. If it closes a circle, one of that is told.</summary>
    /// <param name="task">The task.</param>
    /// <param name="wanted">The lock.</param>
    /// <param name="held">The locks that the task holds.</param>
    /// <param name="canGiveUp">Whether an exception can end the wait.</param>
    public static LockWait Enter(GreenTask task, object wanted, object[] held, bool canGiveUp)
    {
        LockWait wait = new(task, wanted, held, canGiveUp);
        lock (s_gate)
        {
            s_waits.Add(wait);
            wait.Judge();
        }

        return wait;
    }

    /// <summary>Ends it.</summary>
    public void Leave()
    {
        lock (s_gate)
        {
            s_waits.Remove(this);
        }
    }

    /// <summary>Ends the wait by an exception if it is the one of a circle that has to give up.</summary>
    /// <exception cref="GreenDeadlockException">It is.</exception>
    public void ThrowIfDeadlocked()
    {
        if (Volatile.Read(ref _verdict) is { } verdict)
        {
            throw verdict;
        }
    }

    // The newest one that can: the others' work is older.
    private void Judge()
    {
        List<LockWait> circle = [this];
        if (FindWayBack(circle) && circle.Find(wait => wait._canGiveUp) is { } victim)
        {
            string[] waiters = [.. circle.Select(wait => wait.Describe())];
            Volatile.Write(
                ref victim._verdict,
                new GreenDeadlockException($"Deadlock: {circle.Count} tasks wait for locks of each other. {victim._task} gives up.{string.Concat(waiters.Select(waiter => $"{Environment.NewLine}  {waiter}"))}", waiters));
        }
    }

    // A lock has one owner, so from each wait at most one way leads on.
    private bool FindWayBack(List<LockWait> circle)
    {
        while (true)
        {
            object wanted = circle[^1]._wanted;
            if (s_waits.Find(wait => Array.Exists(wait._held, one => ReferenceEquals(one, wanted))) is not { _verdict: null } owner)
            {
                return false; // it goes on, or will
            }

            if (owner == this)
            {
                return true;
            }

            if (circle.Contains(owner))
            {
                return false; // a circle that this one waits for, but is not part of; it has been found
            }

            circle.Add(owner);
        }
    }

    private string Describe() =>
        $"{_task} waits for {Name(_wanted)} and holds {string.Join(", ", _held.Select(Name))}{Environment.NewLine}{_stack}";

    private static string Name(object target) =>
        $"{target.GetType()} #{RuntimeHelpers.GetHashCode(target):x}";
}
