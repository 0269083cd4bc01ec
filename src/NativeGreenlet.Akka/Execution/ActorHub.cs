using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Akka.Dispatch;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>One hub that runs mailboxes, and the handlers that these start. So an actor's mailbox and its handlers never run at the same
/// time.</summary>
/// <remarks>One pump has the turn: it takes mailboxes out of the queue. If it parks, another has it.</remarks>
internal sealed class ActorHub
{
    private const int MostIdle = 32; // which every collection looks at

    private readonly ConcurrentQueue<IRunnable> _queue = new();
    private readonly GreenSemaphore _turn = new(0);
    private readonly GreenEvent _never = new();
    private readonly Task _run;
    private int _isAwaited; // a pump has the turn, or will have it, and looks into the queue
    private int _idle; // pumps that wait for the turn, or are about to; in the hub's thread

    public ActorHub(Hub hub)
    {
        using (ExecutionContext.SuppressFlow())
        {
            _run = hub.InvokeAsync(Live);
        }
    }

    /// <summary>Runs a mailbox soon; from any thread. False if the hub has ended.</summary>
    public bool TryExecute(IRunnable run)
    {
        if (_run.IsCompleted)
        {
            return false;
        }

        _queue.Enqueue(run);
        if (Volatile.Read(ref _isAwaited) == 0 && Interlocked.Exchange(ref _isAwaited, 1) == 0)
        {
            _turn.Release();
        }

        return true;
    }

    /// <summary>Waits for the turn. In a pump that is idle.</summary>
    public void TakeTurn()
    {
        try
        {
            _turn.Wait();
        }
        finally
        {
            _idle--;
            if (_idle == 0)
            {
                TrySpawn(); // who takes over if this one parks, or was killed by somebody who kept its task
            }
        }
    }

    /// <summary>Lets another pump go on with the queue. There is one: <see cref="TakeTurn"/>.</summary>
    public void PassTurn() => _turn.Release();

    /// <summary>Gives the turn back, unless there is more. Who puts something in looks at the flag afterwards, and we the other way
    /// round.</summary>
    public bool TryEndTurn()
    {
        Interlocked.Exchange(ref _isAwaited, 0);
        return _queue.IsEmpty || Interlocked.Exchange(ref _isAwaited, 1) != 0;
    }

    /// <summary>A pump is idle from now on, unless there are enough.</summary>
    public bool TryAddIdle()
    {
        if (_idle >= MostIdle)
        {
            return false;
        }

        _idle++;
        return true;
    }

    public bool TryTake([NotNullWhen(true)] out IRunnable? run) => _queue.TryDequeue(out run);

    /// <summary>Throws what the next wait of the caller's task would: somebody has killed it too late.</summary>
    public void ThrowPending() => _never.Wait(TimeSpan.Zero);

    private void Live()
    {
        Spawn();
        Hub.Sleep(Timeout.InfiniteTimeSpan); // until the pool ends
    }

    private void TrySpawn()
    {
        try
        {
            Spawn();
        }
        catch (InvalidOperationException)
        {
            // The hub is ending, and all are killed.
        }
    }

    private void Spawn()
    {
        MailboxPump pump = new(this);
        GreenTask task = Hub.Spawn(pump.Run);
        _idle++;
        task.Name = "mailboxes";
        task.Observer = pump;
    }
}
