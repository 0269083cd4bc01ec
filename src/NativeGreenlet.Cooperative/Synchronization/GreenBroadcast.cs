using System.Threading.Channels;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>A channel each of whose subscribers receives every item that was sent after it subscribed. It keeps the last items, as
/// many as its capacity; sending never waits. A subscriber that is slower misses items, and is told by
/// <see cref="GreenLaggedException"/>. Subscribers are tasks of any hub, and any thread may send.</summary>
/// <remarks>As tokio's <c>broadcast</c>. An item is kept until as many others were sent, also if all have received it.</remarks>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenBroadcast&lt;int&gt; prices = new(capacity: 16);
///     GreenSubscription&lt;int&gt; subscription = prices.Subscribe();
///     GreenTask printer = Hub.Spawn(() =&gt;
///     {
///         foreach (int price in subscription.ReceiveAll())
///         {
///             Console.WriteLine(price);
///         }
///     });
///     prices.Send(1);
///     prices.Send(2);
///     prices.Complete();
///     printer.Join();
/// });
/// </code></example>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class GreenBroadcast<T> : IShared
{
    private readonly WaitRoom _room;
    private readonly T[] _items;
    private long _sent;
    private bool _isCompleted;
    private Exception? _error;

    /// <summary>Creates a broadcast that nobody has subscribed to.</summary>
    /// <param name="capacity">How many items a subscriber may lag behind without missing one.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is not positive.</exception>
    public GreenBroadcast(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _room = new WaitRoom(this);
        _items = new T[capacity];
    }

    WaitRoom IShared.Room => _room;

    /// <summary>The waits of subscribers.</summary>
    internal WaitQueue Waiters { get; } = new();

    internal WaitRoom Room => _room;

    /// <summary>Subscribes to what is sent from now on. From any thread.</summary>
    /// <returns>The subscription. It needs no end: one that is not used costs nothing.</returns>
    public GreenSubscription<T> Subscribe()
    {
        _room.Touch();
        lock (_room.Gate)
        {
            return new GreenSubscription<T>(this, _sent);
        }
    }

    /// <summary>Sends an item to all subscribers, and does not wait for them. From any thread.</summary>
    /// <param name="item">The item.</param>
    /// <exception cref="ChannelClosedException">The broadcast is completed.</exception>
    public void Send(T item)
    {
        _room.Touch();
        lock (_room.Gate)
        {
            if (_isCompleted)
            {
                throw new ChannelClosedException("The broadcast is completed; nothing more can be sent.");
            }

            _items[_sent++ % _items.Length] = item;
            Waiters.WakeAll();
        }
    }

    /// <summary>Ends the broadcast: subscribers receive what is left, and are told then. From any thread; what comes after the first
    /// call has no effect.</summary>
    /// <param name="error">Why, for subscribers; null for an end that is no error.</param>
    public void Complete(Exception? error = null)
    {
        _room.Touch();
        lock (_room.Gate)
        {
            if (!_isCompleted)
            {
                _error = error;
                _isCompleted = true;
                Waiters.WakeAll();
            }
        }
    }

    /// <summary>Describes it, for diagnostics.</summary>
    public override string ToString() => "a broadcast";

    /// <summary>Whether a subscriber at that place need not wait. Under the lock.</summary>
    internal bool IsReady(long next) => next < _sent || _isCompleted;

    /// <summary>Takes the item at a place and moves on. Under the lock.</summary>
    internal bool TryTake(ref long next, out T item, out long missed, out bool isOver, out Exception? error)
    {
        missed = Math.Max(0, _sent - _items.Length - next);
        next += missed;
        error = _error;
        bool isThere = missed == 0 && next < _sent;
        isOver = !isThere && missed == 0 && _isCompleted;
        item = isThere ? _items[next++ % _items.Length] : default!;
        return isThere;
    }
}
