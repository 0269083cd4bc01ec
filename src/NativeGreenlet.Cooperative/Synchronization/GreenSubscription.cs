using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>What a subscriber of a <see cref="GreenBroadcast{T}"/> receives from. Several tasks may share one: each item goes to one
/// of them then.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenBroadcast&lt;string&gt; news = new(capacity: 8);
///     GreenSubscription&lt;string&gt; mine = news.Subscribe();
///     news.Send("hello");
///     Console.WriteLine(mine.Receive());
/// });
/// </code></example>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class GreenSubscription<T> : IGreenWaitable
{
    private readonly GreenBroadcast<T> _broadcast;
    private long _next;

    internal GreenSubscription(GreenBroadcast<T> broadcast, long next)
    {
        _broadcast = broadcast;
        _next = next;
    }

    bool IGreenWaitable.IsReady
    {
        get
        {
            lock (_broadcast.Room.Gate)
            {
                return _broadcast.IsReady(_next);
            }
        }
    }

    /// <summary>Waits for the next item, and receives it.</summary>
    /// <returns>The item.</returns>
    /// <exception cref="GreenLaggedException">Items were missed; the next call goes on with the oldest that is left.</exception>
    /// <exception cref="ChannelClosedException">The broadcast is completed; the inner exception is what it was completed with.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and there is no item.</exception>
    public T Receive() => Receive(CancellationToken.None);

    /// <inheritdoc cref="Receive()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public T Receive(CancellationToken cancellationToken) =>
        TryReceive(Timeout.InfiniteTimeSpan, out T? item, out Exception? error, cancellationToken)
            ? item
            : throw new ChannelClosedException("The broadcast is completed; there is nothing more to receive. TryReceive tells that without an exception.", error);

    /// <summary>Receives an item, if there is one.</summary>
    /// <param name="item">The item.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="GreenLaggedException">Items were missed; the next call goes on with the oldest that is left.</exception>
    public bool TryReceive([MaybeNullWhen(false)] out T item) => TryReceive(TimeSpan.Zero, out item);

    /// <summary>Receives an item, if there is one in time.</summary>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="item">The item.</param>
    /// <returns>Whether there was one. False at once if the broadcast is completed and all was received.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, and not <see cref="Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="GreenLaggedException">Items were missed; the next call goes on with the oldest that is left.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and there is no item.</exception>
    public bool TryReceive(TimeSpan timeout, [MaybeNullWhen(false)] out T item) => TryReceive(timeout, CancellationToken.None, out item);

    /// <inheritdoc cref="TryReceive(TimeSpan, out T)" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <param name="item">The item.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool TryReceive(TimeSpan timeout, CancellationToken cancellationToken, [MaybeNullWhen(false)] out T item)
    {
        HubClock.Check(timeout, nameof(timeout));
        return TryReceive(timeout, out item, out _, cancellationToken);
    }

    /// <summary>Receives items, one after the other, until the broadcast is completed.</summary>
    /// <exception cref="GreenLaggedException">Items were missed; enumerate again to go on with the oldest that is left.</exception>
    /// <exception cref="ChannelClosedException">The broadcast was completed with an exception, which is the inner one.</exception>
    public IEnumerable<T> ReceiveAll() => ReceiveAll(CancellationToken.None);

    /// <inheritdoc cref="ReceiveAll()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait for the next item when it is cancelled.</param>
    /// <exception cref="GreenLaggedException">Items were missed; enumerate again to go on with the oldest that is left.</exception>
    /// <exception cref="ChannelClosedException">The broadcast was completed with an exception, which is the inner one.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled; the next item throws it.</exception>
    public IEnumerable<T> ReceiveAll(CancellationToken cancellationToken)
    {
        return new TaskSequence<T>(Items());

        IEnumerable<T> Items()
        {
            Exception? error;
            while (TryReceive(Timeout.InfiniteTimeSpan, out T? item, out error, cancellationToken))
            {
                yield return item;
            }

            if (error is not null)
            {
                throw new ChannelClosedException("The broadcast was completed with an error.", error);
            }
        }
    }

    /// <summary>Describes it, for diagnostics.</summary>
    public override string ToString() => "a subscription";

    bool IGreenWaitable.TryLink(WaitNode node)
    {
        lock (_broadcast.Room.Gate)
        {
            if (_broadcast.IsReady(_next))
            {
                return false;
            }

            _broadcast.Waiters.Add(node);
            return true;
        }
    }

    void IGreenWaitable.Unlink(WaitNode node)
    {
        lock (_broadcast.Room.Gate)
        {
            _broadcast.Waiters.Remove(node);
        }
    }

    /// <summary>Takes an item that is there now. An end is told apart.</summary>
    internal bool TryReceiveNow([MaybeNullWhen(false)] out T item, out bool isOver, out Exception? error)
    {
        bool isThere;
        long missed;
        lock (_broadcast.Room.Gate)
        {
            isThere = _broadcast.TryTake(ref _next, out item, out missed, out isOver, out error);
        }

        return missed == 0 ? isThere : throw new GreenLaggedException(missed);
    }

    private bool TryReceive(TimeSpan timeout, [MaybeNullWhen(false)] out T item, out Exception? error, CancellationToken cancellationToken)
    {
        WaitRoom room = _broadcast.Room;
        room.EnterWait(cancellationToken);
        long due = timeout == TimeSpan.Zero ? 0 : HubClock.After(timeout);
        while (!TryReceiveNow(out item, out bool isOver, out error))
        {
            if (isOver || due == 0)
            {
                return false;
            }

            Waiter waiter = Hub.RequireTask().Waiter;
            lock (room.Gate)
            {
                if (_broadcast.IsReady(_next))
                {
                    continue;
                }

                room.Enqueue(waiter, _broadcast.Waiters);
            }

            if (!room.Park(waiter, _broadcast.Waiters, due, cancellationToken))
            {
                due = 0; // a last look
            }
        }

        return true;
    }
}
