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
    private const int FewIdle = 32; // which are kept however long nobody needs them: every collection looks at each
    private static readonly TimeSpan s_timeBetweenLooks = TimeSpan.FromSeconds(1);

    private readonly ConcurrentQueue<IRunnable> _queue = new();
    private readonly GreenSemaphore _turn = new(0);
    private readonly GreenEvent _never = new();
    private readonly Task _run;
    private int _isAwaited; // a pump has the turn, or will have it, and looks into the queue
    private readonly GreenEvent _hasMany = new(); // idle pumps

    // The hub's thread only.
    private int _idle; // pumps that wait for the turn, or are about to
    private int _leastIdle; // since the last look
    private int _ending; // of those, how many are to end

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
    /// <returns>Whether it has it; else the pump ends.</returns>
    public bool TryTakeTurn()
    {
        try
        {
            _turn.Wait();
        }
        finally
        {
            _idle--;
            _leastIdle = Math.Min(_leastIdle, _idle);
            if (_idle == 0)
            {
                TrySpawn(); // who takes over if this one parks, or was killed by somebody who kept its task
            }
        }

        if (_ending == 0)
        {
            return true;
        }

        _ending--; // another gets the turn, if it was that
        return false;
    }

    /// <summary>Lets another pump go on with the queue. There is one: <see cref="TryTakeTurn"/>.</summary>
    public void PassTurn() => _turn.Release();

    /// <summary>Gives the turn back, unless there is more. Who puts something in looks at the flag afterwards, and we the other way
    /// round.</summary>
    public bool TryEndTurn()
    {
        Interlocked.Exchange(ref _isAwaited, 0);
        return _queue.IsEmpty || Interlocked.Exchange(ref _isAwaited, 1) != 0;
    }

    /// <summary>A pump is idle from now on.</summary>
    public void AddIdle()
    {
        _idle++;
        if (_idle > FewIdle && !_hasMany.IsSet)
        {
            _hasMany.Set();
        }
    }

    public bool TryTake([NotNullWhen(true)] out IRunnable? run) => _queue.TryDequeue(out run);

    /// <summary>Throws what the next wait of the caller's task would: somebody has killed it too late.</summary>
    public void ThrowPending() => _never.Wait(TimeSpan.Zero);

    // As many pumps as handlers have waited at the same time are kept, and used again, as long as that many are needed.
    private void Live()
    {
        Spawn();
        while (true) // until the pool ends
        {
            _hasMany.Wait();
            while (_idle > FewIdle)
            {
                _leastIdle = _idle;
                Hub.Sleep(s_timeBetweenLooks);
                EndIdle(_leastIdle - FewIdle);
            }

            _hasMany.Reset();
        }
    }

    private void EndIdle(int count)
    {
        if (count > 0)
        {
            _ending += count;
            _turn.Release(count);
        }
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
        pump.Task = task;
    }
}
