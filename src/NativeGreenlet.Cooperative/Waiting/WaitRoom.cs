using System.Diagnostics;
using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>
/// What every synchronization object has: its lock, how to wait in it, and who has used it, which tells whether a wait
/// can still be ended by somebody or is a deadlock.
/// </summary>
/// <remarks>The lock is held for a few instructions and never across a switch.</remarks>
internal sealed class WaitRoom : IWaitPlace
{
    private const int Several = -1;
    private const int SmallestSweep = 16;

    private readonly IShared _owner;
    private RunLife? _run; // the first run that used it
    private HashSet<RunLife>? _moreRuns; // others; some may have ended
    private int _fewEnded = SmallestSweep; // how many before those that ended are looked for
    private int _threadId; // a thread outside of hubs that used it, or Several

    public WaitRoom(IShared owner)
    {
        _owner = owner;
        Touch();
    }

    public Lock Gate { get; } = new();

    /// <summary>Whether only this library can reach the object, so that nobody else can end a wait for it.</summary>
    public bool IsInternal { get; set; }

    /// <summary>Notes who uses the object. Called with or without the lock.</summary>
    public void Touch()
    {
        RunLife? run = HubLoop.OfThisThreadOrNull?.CurrentRun?.Life;
        if (run is not null && run == _run)
        {
            return;
        }

        Note(run);
    }

    /// <summary>What every wait for the object begins with, also one that need not park: the caller is thrown what it has not
    /// got yet, or else is noted as a user.</summary>
    public void EnterWait(CancellationToken cancellationToken)
    {
        Hub.ThrowPending();
        cancellationToken.ThrowIfCancellationRequested();
        Touch();
    }

    /// <summary>Others use the object from now on, without having done so yet.</summary>
    public void Share()
    {
        lock (Gate)
        {
            _threadId = Several;
        }
    }

    /// <summary>Waits in a queue of the object; the caller has put the waiter's node there, under the lock. True if it was
    /// woken by a signal.</summary>
    public bool Park(Waiter waiter, WaitQueue queue, long due, CancellationToken cancellationToken)
    {
        Debug.Assert(!Gate.IsHeldByCurrentThread); // never across a switch
        bool isSignalled = false;
        try
        {
            isSignalled = waiter.Park(due, isExternal: false, cancellationToken);
        }
        finally
        {
            if (!isSignalled)
            {
                lock (Gate)
                {
                    Leave(waiter, queue, waiter.HasLostSignal);
                }
            }
        }

        return isSignalled;
    }

    /// <summary>Begins a wait in a queue. Under the lock.</summary>
    public void Enqueue(Waiter waiter, WaitQueue queue)
    {
        Debug.Assert(Gate.IsHeldByCurrentThread);
        waiter.Begin(_owner);
        waiter.EnterPlace(this, queue);
        waiter.Node.IsRefused = false;
        queue.Add(waiter.Node);
    }

    /// <inheritdoc/>
    void IWaitPlace.Leave(Waiter waiter, WaitQueue? queue, bool isSignalled)
    {
        lock (Gate)
        {
            Leave(waiter, queue!, isSignalled);
            if (!isSignalled)
            {
                _owner.Forget(waiter.Node);
            }
        }
    }

    /// <summary>Whether somebody who is not part of a run could use the object: another run that goes on, or a thread
    /// without a hub.</summary>
    public bool IsSharedBeyond(RootTask run)
    {
        lock (Gate)
        {
            return _threadId == Several
                || (_threadId != 0 && _threadId != run.Loop.ThreadId)
                || (_run is { HasEnded: false } first && first != run.Life)
                || (_moreRuns?.Any(each => each != run.Life && !each.HasEnded) ?? false);
        }
    }

    private void Leave(Waiter waiter, WaitQueue queue, bool isSignalled)
    {
        queue.Remove(waiter.Node);
        if (isSignalled)
        {
            _owner.HandOn(waiter.Node, queue);
        }
    }

    private void Note(RunLife? run)
    {
        lock (Gate)
        {
            if (run is null)
            {
                // Work moves between the threads of the pool: one of them stands for all.
                int id = Thread.CurrentThread.IsThreadPoolThread ? Several : Environment.CurrentManagedThreadId;
                _threadId = _threadId == 0 || _threadId == id ? id : Several;
            }
            else if (_run is null || _run.HasEnded)
            {
                _run = run;
            }
            else if (_run != run && (_moreRuns ??= []).Add(run) && _moreRuns.Count > _fewEnded)
            {
                // Thousands of runs may share an object, each for a moment: so not at every one.
                _moreRuns.RemoveWhere(each => each.HasEnded);
                _fewEnded = Math.Max(SmallestSweep, 2 * _moreRuns.Count);
            }
        }
    }
}
