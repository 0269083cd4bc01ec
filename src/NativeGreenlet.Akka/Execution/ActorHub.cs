using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Akka.Dispatch;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>One hub that runs mailboxes, and the handlers inside them. So an actor's mailbox and its handlers never run at the same
/// time.</summary>
/// <remarks>One pump has the turn: it takes mailboxes out of the queue. If it parks, the turn is free: the first pump that comes takes it, and if
/// none does for a round of the hub, an idle one is woken.</remarks>
internal sealed class ActorHub
{
    private const int FewIdle = 32; // which are kept however long nobody needs them: every collection looks at each
    private const int MostOutOfOrder = 16; // mailboxes that go before the queue, one after the other
    private static readonly TimeSpan s_timeBetweenLooks = TimeSpan.FromSeconds(1);

    [ThreadStatic]
    private static ActorHub? t_here;

    private readonly ConcurrentQueue<IRunnable> _queue = new();
    private readonly Hub _hub;
    private readonly Task _run;
    private readonly Action _wake;
    private readonly Action _offer;
    private int _isAwaited; // a pump has the turn, or will have it, and looks into the queue
    private readonly GreenEvent _hasMany = new(); // idle pumps

    // The hub's thread only.
    private IRunnable? _next; // the mailbox that got a message last, of one that ran here
    private int _outOfOrder;
    private readonly List<MailboxPump> _idle = []; // pumps that wait for the turn, or are about to; the last one has run last
    private readonly List<(IRunnable Mailbox, GreenEvent HasRun)> _awaited = [];
    private bool _isTaken; // the turn
    private long _turns; // that were taken
    private long _offered; // of them, when the turn was offered
    private bool _isOffering;
    private int _leastIdle; // since the last look

    public ActorHub(Hub hub)
    {
        _hub = hub;
        _wake = Give;
        _offer = Offer;
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

        // Who was asked answers while whoever asked is still in the processor's caches, and few wait for an answer at the same time.
        if (t_here == this)
        {
            (_next, IRunnable? before) = (run, _next);
            if (before is not null)
            {
                _queue.Enqueue(before);
            }
        }
        else
        {
            _queue.Enqueue(run);
        }

        if (Volatile.Read(ref _isAwaited) == 0 && Interlocked.Exchange(ref _isAwaited, 1) == 0)
        {
            Post(_wake);
        }

        return true;
    }

    /// <summary>Takes the turn, or waits for it.</summary>
    /// <param name="pump">The caller.</param>
    /// <param name="isAtOnce">Whether it takes it if it is free; else it waits until there is something to do.</param>
    /// <returns>Whether it has it; else the pump ends.</returns>
    public bool TryTakeTurn(MailboxPump pump, bool isAtOnce)
    {
        if (_isTaken || !isAtOnce)
        {
            WaitForTurn(pump);
            if (pump.IsToEnd)
            {
                return false;
            }
        }

        _isTaken = true;
        _turns++;
        if (_idle.Count == 0)
        {
            TrySpawn(); // who takes over if this one parks
        }

        return true;
    }

    /// <summary>The turn is free. If nobody takes it, another pump is woken: there is one.</summary>
    public void PassTurn()
    {
        _isTaken = false;
        if (!_isOffering)
        {
            _isOffering = true;
            _offered = _turns;
            Post(_offer);
        }
    }

    /// <summary>Gives the turn back, unless there is more. Who puts something in looks at the flag afterwards, and we the other way
    /// round.</summary>
    public bool TryEndTurn()
    {
        if (!TryEndLook())
        {
            return false;
        }

        _isTaken = false;
        return true;
    }

    /// <summary>The caller's thread, or that of its task, is this hub's.</summary>
    public void Enter() => t_here = this;

    public bool TryTake([NotNullWhen(true)] out IRunnable? run)
    {
        if ((_next is null || _outOfOrder >= MostOutOfOrder) && _queue.TryDequeue(out run))
        {
            _outOfOrder = 0;
            return true;
        }

        _outOfOrder++;
        run = _next;
        _next = null;
        return run is not null;
    }

    /// <summary>Parks until a mailbox has run once.</summary>
    public void WaitForEndOf(IRunnable mailbox)
    {
        GreenEvent hasRun = new();
        _awaited.Add((mailbox, hasRun));
        try
        {
            hasRun.Wait();
        }
        finally
        {
            _awaited.Remove((mailbox, hasRun));
        }
    }

    /// <summary>A mailbox has run.</summary>
    public void HasRun(IRunnable mailbox)
    {
        foreach ((IRunnable awaited, GreenEvent hasRun) in _awaited)
        {
            if (awaited == mailbox)
            {
                hasRun.Set();
            }
        }
    }

    // As many pumps as handlers have waited at the same time are kept, and used again, as long as that many are needed.
    private void Live()
    {
        Spawn();
        while (true) // until the pool ends
        {
            _hasMany.Wait();
            while (_idle.Count > FewIdle)
            {
                _leastIdle = _idle.Count;
                Hub.Sleep(s_timeBetweenLooks);
                EndIdle(_leastIdle - FewIdle);
            }

            _hasMany.Reset();
        }
    }

    private void EndIdle(int count)
    {
        for (; count > 0; count--)
        {
            MailboxPump pump = _idle[0]; // the one that nobody has needed for the longest time
            _idle.RemoveAt(0);
            pump.IsIdle = false;
            pump.IsToEnd = true;
            pump.Wake();
        }
    }

    private void WaitForTurn(MailboxPump pump)
    {
        AddIdle(pump);
        bool isWoken = false;
        try
        {
            pump.WaitForTurn();
            isWoken = true;
        }
        finally
        {
            if (!isWoken)
            {
                Forget(pump); // it was killed
            }

            pump.HasOffer = false;
        }
    }

    private void Forget(MailboxPump pump)
    {
        _idle.Remove(pump);
        _leastIdle = Math.Min(_leastIdle, _idle.Count);
        if (_idle.Count == 0)
        {
            TrySpawn();
        }

        if (pump.HasOffer)
        {
            PassTurn();
        }
    }

    private bool TryEndLook()
    {
        Interlocked.Exchange(ref _isAwaited, 0);
        return (_next is null && _queue.IsEmpty) || Interlocked.Exchange(ref _isAwaited, 1) != 0;
    }

    // Who had the turn may have been woken at once, and have taken it again: then another pump is not needed.
    private void Offer()
    {
        _isOffering = false;
        if (_isTaken)
        {
            return;
        }

        if (_offered != _turns)
        {
            PassTurn();
        }
        else if (!TryEndLook())
        {
            Give();
        }
    }

    private void Give()
    {
        if (!_isTaken && _idle.Count != 0)
        {
            MailboxPump pump = _idle[^1];
            _idle.RemoveAt(_idle.Count - 1);
            _leastIdle = Math.Min(_leastIdle, _idle.Count);
            _isTaken = true;
            pump.IsIdle = false;
            pump.HasOffer = true;
            pump.Wake();
        }
    }

    private void AddIdle(MailboxPump pump)
    {
        if (pump.IsIdle || pump.HasOffer)
        {
            return; // it has just been made
        }

        pump.IsIdle = true;
        _idle.Add(pump);
        if (_idle.Count > FewIdle && !_hasMany.IsSet)
        {
            _hasMany.Set();
        }
    }

    private void Post(Action callback)
    {
        try
        {
            _hub.Post(callback);
        }
        catch (ObjectDisposedException)
        {
            // The hub has ended: nobody is there to go on.
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
        task.Name = "mailboxes";
        task.Observer = pump;
        pump.Task = task;
        AddIdle(pump);
    }
}
