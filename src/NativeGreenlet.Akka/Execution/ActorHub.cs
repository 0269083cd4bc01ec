using System.Collections.Concurrent;
using Akka.Dispatch;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>One hub that runs mailboxes, and the handlers that these start. So an actor's mailbox and its handlers never run at the same
/// time.</summary>
/// <remarks>One pump has the turn: it takes mailboxes out of the queue. If it parks inside of one, another has it.</remarks>
internal sealed class ActorHub
{
    private readonly ConcurrentQueue<IRunnable> _queue = new();
    private readonly GreenSemaphore _turn = new(0);
    private readonly Task _run;
    private int _isAwaited; // a pump has the turn, or will have it, and looks into the queue
    private int _idle; // pumps that wait for the turn; in the hub's thread

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

    /// <summary>Waits for the turn. In a pump.</summary>
    public void TakeTurn()
    {
        _idle++;
        try
        {
            _turn.Wait();
        }
        finally
        {
            _idle--;
        }

        if (_idle == 0)
        {
            Spawn(); // who takes over if this one parks inside a mailbox
        }
    }

    /// <summary>Lets another pump go on with the queue: this one has parked inside a mailbox. Between tasks.</summary>
    public void PassTurn() => _turn.Release();

    /// <summary>Gives the turn back, unless there is more. Who puts something in looks at the flag afterwards, and we the other way
    /// round.</summary>
    public bool TryEndTurn()
    {
        Interlocked.Exchange(ref _isAwaited, 0);
        return _queue.IsEmpty || Interlocked.Exchange(ref _isAwaited, 1) != 0;
    }

    /// <summary>Whether others wait for the turn, so that a pump may end.</summary>
    public bool HasIdlePump => _idle != 0;

    public bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IRunnable? run) => _queue.TryDequeue(out run);

    private void Live()
    {
        Spawn();
        Hub.Sleep(Timeout.InfiniteTimeSpan); // until the pool ends
    }

    private void Spawn()
    {
        MailboxPump pump = new(this);
        GreenTask task = Hub.Spawn(pump.Run);
        task.Name = "mailboxes";
        task.Observer = pump;
    }
}
