using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// A queue between tasks, of any hub. <see cref="Get()"/> waits while it is empty, <see cref="Put(T)"/> while it is full.
/// Who waited longest goes first. What does not wait may be called from any thread.
/// </summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenQueue&lt;int&gt; queue = new(capacity: 10);
///     Hub.Spawn(() =&gt;
///     {
///         for (int i = 0; i &lt; 100; i++)
///         {
///             queue.Put(i); // waits while there are ten
///         }
///
///         queue.Complete();
///     });
///     foreach (int item in queue.GetAll())
///     {
///         Console.WriteLine(item);
///     }
/// });
/// </code></example>
/// <typeparam name="T">The type of the items.</typeparam>
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "It is a queue.")]
public class GreenQueue<T> : IShared
{
    private const string CompletedText = "The queue is completed and empty.";

    private readonly WaitRoom _room;
    private readonly WaitQueue _getters = new();
    private readonly WaitQueue _putters = new();
    private readonly WaitQueue _joiners = new();
    private WaitQueue? _peekers; // none in most queues
    private readonly int _capacity;
    private readonly Queue<T> _items = new();
    private int _promisedItems; // to getters that were woken and have not run yet
    private int _promisedRoom; // to putters likewise
    private int _unfinished;
    private bool _isCompleted;

    /// <summary>Creates a queue.</summary>
    /// <param name="capacity">How many items it holds at most; 0 for any number.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="capacity"/> is negative.</exception>
    public GreenQueue(int capacity = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        _room = new WaitRoom(this);
        _capacity = capacity == 0 ? int.MaxValue : capacity;
    }

    /// <summary>Items in it now.</summary>
    public int Count
    {
        get
        {
            lock (_room.Gate)
            {
                return ItemCount;
            }
        }
    }

    /// <summary>Gets a value indicating whether <see cref="Complete"/> was called.</summary>
    public bool IsCompleted
    {
        get
        {
            lock (_room.Gate)
            {
                return _isCompleted;
            }
        }
    }

    WaitRoom IShared.Room => _room;

    void IShared.HandOn(WaitNode node, WaitQueue queue)
    {
        Debug.Assert(_room.Gate.IsHeldByCurrentThread);
        if (node.HasPromise)
        {
            bool isGet = queue == _getters;
            node.HasPromise = false;
            (isGet ? ref _promisedItems : ref _promisedRoom)--;
            Promise(isGet);
        }
    }

    private protected virtual int ItemCount => _items.Count;

    /// <summary>Puts an item in; waits while the queue is full.</summary>
    /// <param name="item">The item.</param>
    /// <exception cref="InvalidOperationException">The queue is completed.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and the queue is full.</exception>
    public void Put(T item) => TryPut(item, Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="Put(T)" path="/*[not(self::param)]"/>
    /// <param name="item">The item.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Put(T item, CancellationToken cancellationToken) => TryPut(item, Timeout.InfiniteTimeSpan, cancellationToken);

    /// <summary>Puts an item in, if there is room in time.</summary>
    /// <param name="item">The item.</param>
    /// <param name="timeout">How long to wait at most; by default not at all.</param>
    /// <returns>Whether it was put in.</returns>
    /// <exception cref="InvalidOperationException">The queue is completed.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and the queue is full.</exception>
    public bool TryPut(T item, TimeSpan timeout = default) => TryPut(item, timeout, CancellationToken.None);

    /// <summary>Puts an item in, if there is room in time.</summary>
    /// <param name="item">The item.</param>
    /// <param name="timeout">How long to wait at most; by default not at all.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether it was put in.</returns>
    /// <exception cref="InvalidOperationException">The queue is completed.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and the queue is full.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool TryPut(T item, TimeSpan timeout, CancellationToken cancellationToken)
    {
        HubClock.Check(timeout, nameof(timeout));
        return Pass(_putters, timeout, isGet: false, item, cancellationToken, out _);
    }

    /// <summary>Takes an item out; waits while the queue is empty.</summary>
    /// <returns>The item.</returns>
    /// <exception cref="InvalidOperationException">The queue is completed and empty.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and the queue is empty.</exception>
    public T Get() => Get(CancellationToken.None);

    /// <inheritdoc cref="Get()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public T Get(CancellationToken cancellationToken)
    {
        return TryGet(Timeout.InfiniteTimeSpan, cancellationToken, out T? item)
            ? item
            : throw new InvalidOperationException(CompletedText);
    }

    /// <summary>Takes an item out; waits no longer than a time.</summary>
    /// <param name="timeout">How long to wait at most.</param>
    /// <returns>The item.</returns>
    /// <exception cref="TimeoutException">There was none in time.</exception>
    /// <exception cref="InvalidOperationException">The queue is completed and empty.</exception>
    public T Get(TimeSpan timeout) => Get(timeout, CancellationToken.None);

    /// <summary>Takes an item out; waits no longer than a time.</summary>
    /// <param name="timeout">How long to wait at most.</param>
    /// <returns>The item.</returns>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="TimeoutException">There was none in time.</exception>
    /// <exception cref="InvalidOperationException">The queue is completed and empty.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public T Get(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (TryGet(timeout, cancellationToken, out T? item))
        {
            return item;
        }

        throw IsCompleted
            ? new InvalidOperationException(CompletedText)
            : new TimeoutException($"The queue was empty for {timeout}.");
    }

    /// <summary>Takes an item out, if there is one.</summary>
    /// <param name="item">The item.</param>
    /// <returns>Whether there was.</returns>
    public bool TryGet([MaybeNullWhen(false)] out T item) => TryGet(TimeSpan.Zero, out item);

    /// <summary>Takes an item out, if there is one in time.</summary>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="item">The item.</param>
    /// <returns>False if the time is up, or the queue is completed and empty.</returns>
    public bool TryGet(TimeSpan timeout, [MaybeNullWhen(false)] out T item) => TryGet(timeout, CancellationToken.None, out item);

    /// <inheritdoc cref="TryGet(TimeSpan, out T)" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <param name="item">The item.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool TryGet(TimeSpan timeout, CancellationToken cancellationToken, [MaybeNullWhen(false)] out T item)
    {
        HubClock.Check(timeout, nameof(timeout));
        return Pass(_getters, timeout, isGet: true, default!, cancellationToken, out item);
    }

    /// <summary>Waits until there is an item, and looks at the one that would be taken next. It stays in the queue, where somebody
    /// else may take it at once.</summary>
    /// <returns>The item.</returns>
    /// <exception cref="InvalidOperationException">The queue is completed and empty.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and the queue is empty.</exception>
    public T Peek() => Peek(CancellationToken.None);

    /// <inheritdoc cref="Peek()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public T Peek(CancellationToken cancellationToken)
    {
        return TryPeek(Timeout.InfiniteTimeSpan, cancellationToken, out T? item)
            ? item
            : throw new InvalidOperationException(CompletedText);
    }

    /// <summary>Looks at the item that would be taken next, if there is one.</summary>
    /// <param name="item">The item, which stays in the queue.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryPeek([MaybeNullWhen(false)] out T item) => TryPeek(TimeSpan.Zero, out item);

    /// <summary>Looks at the item that would be taken next, if there is one in time.</summary>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="item">The item, which stays in the queue.</param>
    /// <returns>False if the time is up, or the queue is completed and empty.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, and not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    public bool TryPeek(TimeSpan timeout, [MaybeNullWhen(false)] out T item) => TryPeek(timeout, CancellationToken.None, out item);

    /// <inheritdoc cref="TryPeek(TimeSpan, out T)" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <param name="item">The item, which stays in the queue.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool TryPeek(TimeSpan timeout, CancellationToken cancellationToken, [MaybeNullWhen(false)] out T item)
    {
        HubClock.Check(timeout, nameof(timeout));
        _room.EnterWait(cancellationToken);
        long due = timeout == TimeSpan.Zero ? 0 : HubClock.After(timeout);
        Waiter? waiter = null;
        while (true)
        {
            lock (_room.Gate)
            {
                if (ItemCount > 0)
                {
                    item = PeekItem();
                    return true;
                }

                if (due == 0 || _isCompleted)
                {
                    item = default;
                    return false;
                }

                if (waiter is not null)
                {
                    _room.Enqueue(waiter, _peekers ??= new WaitQueue());
                }
            }

            if (waiter is null)
            {
                waiter = Hub.RequireTask().Waiter; // not under the lock
            }
            else if (!_room.Park(waiter, _peekers!, due, cancellationToken))
            {
                due = 0; // a last look
            }
        }
    }

    /// <summary>Takes the items, one after the other, waiting for each, until the queue is completed and empty.</summary>
    public IEnumerable<T> GetAll() => GetAll(CancellationToken.None);

    /// <inheritdoc cref="GetAll()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait for the next item when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled; the next item throws it.</exception>
    public IEnumerable<T> GetAll(CancellationToken cancellationToken)
    {
        return new TaskSequence<T>(Items());

        IEnumerable<T> Items()
        {
            while (TryGet(Timeout.InfiniteTimeSpan, cancellationToken, out T? item))
            {
                yield return item;
            }
        }
    }

    /// <summary>Ends the queue: nothing more can be put in, and whoever waits for items is told when the last is gone.</summary>
    public void Complete()
    {
        _room.Touch();
        lock (_room.Gate)
        {
            _isCompleted = true;
            _getters.WakeAll();
            _putters.WakeAll();
            _peekers?.WakeAll();
        }
    }

    /// <summary>Reports that an item that was taken out is done; see <see cref="Join(TimeSpan?, CancellationToken)"/>.</summary>
    /// <exception cref="InvalidOperationException">More are done than were put in.</exception>
    public void TaskDone()
    {
        _room.Touch();
        lock (_room.Gate)
        {
            if (_unfinished == 0)
            {
                throw new InvalidOperationException("TaskDone was called more often than items were put in.");
            }

            if (--_unfinished == 0)
            {
                _joiners.WakeAll();
            }
        }
    }

    /// <summary>Waits until <see cref="TaskDone"/> was called for every item that was put in.</summary>
    /// <param name="timeout">How long at most; null for no limit.</param>
    /// <returns>Whether all are done.</returns>
    public bool Join(TimeSpan? timeout = null) => Join(timeout, CancellationToken.None);

    /// <summary>Waits until <see cref="TaskDone"/> was called for every item that was put in.</summary>
    /// <param name="timeout">How long at most; null for no limit.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether all are done.</returns>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool Join(TimeSpan? timeout, CancellationToken cancellationToken)
    {
        TimeSpan patience = timeout ?? Timeout.InfiniteTimeSpan;
        HubClock.Check(patience, nameof(timeout));
        _room.EnterWait(cancellationToken);
        GreenTask? self = null;
        while (true)
        {
            lock (_room.Gate)
            {
                if (_unfinished == 0 || timeout == TimeSpan.Zero)
                {
                    return _unfinished == 0;
                }

                if (self is not null)
                {
                    _room.Enqueue(self.Waiter, _joiners);
                    break;
                }
            }

            self = Hub.RequireTask();
        }

        return _room.Park(self.Waiter, _joiners, HubClock.After(patience), cancellationToken);
    }

    /// <inheritdoc cref="Join(TimeSpan?)" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Join(CancellationToken cancellationToken) => Join(null, cancellationToken);

    /// <summary>Describes it and its state, for diagnostics.</summary>
    public override string ToString() => $"a queue ({Count} items)";

    /// <summary>Lets a wait for several objects be ended by an item, or by room for one; false if there is some. Whoever is woken so
    /// is promised it.</summary>
    internal bool TryLink(WaitNode node, bool isGet)
    {
        lock (_room.Gate)
        {
            if (Free(isGet) > 0 || _isCompleted)
            {
                return false;
            }

            (isGet ? _getters : _putters).Add(node);
            return true;
        }
    }

    /// <summary>Takes that back.</summary>
    internal void Unlink(WaitNode node, bool isGet)
    {
        lock (_room.Gate)
        {
            (isGet ? _getters : _putters).Remove(node);
        }
    }

    /// <summary>Takes, or puts in, what the wait was promised that was ended so. False if it was ended because the queue is
    /// completed.</summary>
    internal bool TryRedeem(WaitNode node, bool isGet, T put, [MaybeNullWhen(false)] out T got)
    {
        lock (_room.Gate)
        {
            got = default;
            if (!node.HasPromise)
            {
                return false;
            }

            node.HasPromise = false;
            (isGet ? ref _promisedItems : ref _promisedRoom)--;
            if (!isGet && _isCompleted)
            {
                return false;
            }

            got = Move(isGet, put);
            return true;
        }
    }

    /// <summary>Gives what it was promised to the next.</summary>
    internal void HandOn(WaitNode node, bool isGet)
    {
        lock (_room.Gate)
        {
            ((IShared)this).HandOn(node, isGet ? _getters : _putters);
        }
    }

    /// <summary>Lets a wait for several objects be ended when there is an item to look at; false if there is one.</summary>
    internal bool TryLinkPeek(WaitNode node)
    {
        lock (_room.Gate)
        {
            if (ItemCount > 0 || _isCompleted)
            {
                return false;
            }

            (_peekers ??= new WaitQueue()).Add(node);
            return true;
        }
    }

    /// <summary>Takes that back.</summary>
    internal void UnlinkPeek(WaitNode node)
    {
        lock (_room.Gate)
        {
            _peekers?.Remove(node);
        }
    }

    private protected virtual void AddItem(T item) => _items.Enqueue(item);

    private protected virtual T TakeItem() => _items.Dequeue();

    private protected virtual T PeekItem() => _items.Peek();

    // How many items, or how much room, nobody was promised.
    private int Free(bool isGet) => isGet ? ItemCount - _promisedItems : _capacity - ItemCount - _promisedRoom;

    // Both directions. A waiter that is woken is promised an item, or room for one, and nobody who comes later takes it
    // away: so the order is fair. Only a wait that goes on is promised anything, and it always returns to take it.
    private bool Pass(WaitQueue queue, TimeSpan timeout, bool isGet, T put, CancellationToken cancellationToken, [MaybeNullWhen(false)] out T got)
    {
        _room.EnterWait(cancellationToken);
        long due = timeout == TimeSpan.Zero ? 0 : HubClock.After(timeout);
        Waiter? waiter = null;
        while (true)
        {
            lock (_room.Gate)
            {
                if (waiter is { Node.HasPromise: true })
                {
                    waiter.Node.HasPromise = false;
                    (isGet ? ref _promisedItems : ref _promisedRoom)--;
                }

                if (!isGet && _isCompleted)
                {
                    throw new InvalidOperationException("The queue is completed; nothing more can be put in.");
                }

                if (Free(isGet) > 0)
                {
                    got = Move(isGet, put);
                    return true;
                }

                if (due == 0 || _isCompleted)
                {
                    got = default;
                    return false;
                }

                if (waiter is not null)
                {
                    _room.Enqueue(waiter, queue);
                }
            }

            if (waiter is null)
            {
                waiter = Hub.RequireTask().Waiter; // not under the lock
            }
            else if (!_room.Park(waiter, queue, due, cancellationToken))
            {
                due = 0; // a last look
            }
        }
    }

    // Takes an item out or puts one in, and wakes who waits for what that leaves. Under the lock.
    private T Move(bool isGet, T put)
    {
        Debug.Assert(_room.Gate.IsHeldByCurrentThread);
        T got = put;
        if (isGet)
        {
            got = TakeItem();
        }
        else
        {
            AddItem(put);
            _unfinished++;
            _peekers?.WakeAll();
        }

        Promise(!isGet);
        return got;
    }

    // Wakes the first that waits for an item, or for room, if there is one that nobody was promised. Under the lock.
    private void Promise(bool isGet)
    {
        Debug.Assert(_room.Gate.IsHeldByCurrentThread);
        if (Free(isGet) > 0 && (isGet ? _getters : _putters).WakeOne() is { } node)
        {
            node.HasPromise = true;
            (isGet ? ref _promisedItems : ref _promisedRoom)++;
        }
    }
}
