using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>A rendezvous: <see cref="Send(T)"/> waits until somebody receives the item, <see cref="Receive()"/> until
/// somebody sends one. Tasks of any hub may meet.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenChannel&lt;string&gt; channel = new();
///     Hub.Spawn(() =&gt; channel.Send("hello")); // waits until somebody receives it
///     Console.WriteLine(channel.Receive());
/// });
/// </code></example>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class GreenChannel<T> : IShared
{
    private readonly WaitRoom _room;
    private readonly WaitQueue _senders = new();
    private readonly WaitQueue _receivers = new();
    private readonly Dictionary<WaitNode, T> _sent = []; // what each waiting sender has
    private readonly Dictionary<WaitNode, T> _received = []; // what each woken receiver gets
    private Queue<T>? _returned; // what a receiver was woken for whose wait then failed

    /// <summary>Creates a channel.</summary>
    public GreenChannel()
    {
        _room = new WaitRoom(this);
    }

    WaitRoom IShared.Room => _room;

    void IShared.HandOn(WaitNode node, WaitQueue queue)
    {
        if (!_received.Remove(node, out T? item))
        {
            return; // a sender: it has been received
        }

        if (_receivers.WakeOne() is { } next)
        {
            _received.Add(next, item);
        }
        else
        {
            (_returned ??= new Queue<T>()).Enqueue(item);
        }
    }

    /// <summary>Hands an item to a receiver; waits for one.</summary>
    /// <param name="item">The item.</param>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public void Send(T item) => TrySend(item, Timeout.InfiniteTimeSpan);

    /// <inheritdoc cref="Send(T)"/>
    /// <param name="item">The item.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Send(T item, CancellationToken cancellationToken) => TrySend(item, Timeout.InfiniteTimeSpan, cancellationToken);

    /// <summary>Hands an item to a receiver, if there is one in time.</summary>
    /// <param name="item">The item.</param>
    /// <param name="timeout">How long to wait at most; by default not at all.</param>
    /// <returns>Whether it was received.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public bool TrySend(T item, TimeSpan timeout = default) => TrySend(item, timeout, CancellationToken.None);

    /// <summary>Hands an item to a receiver, if there is one in time.</summary>
    /// <param name="item">The item.</param>
    /// <param name="timeout">How long to wait at most; by default not at all.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether it was received.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool TrySend(T item, TimeSpan timeout, CancellationToken cancellationToken)
    {
        HubClock.Check(timeout, nameof(timeout));
        GreenTask self = Hub.RequireTask();
        _room.EnterWait(cancellationToken);
        WaitNode node = self.Waiter.Node;
        lock (_room.Gate)
        {
            if (_receivers.WakeOne() is { } receiver)
            {
                _received.Add(receiver, item);
                return true;
            }

            if (timeout == TimeSpan.Zero)
            {
                return false;
            }

            _room.Enqueue(self.Waiter, _senders);
            _sent[node] = item;
        }

        bool isReceived = false;
        try
        {
            isReceived = _room.Park(self.Waiter, _senders, HubClock.After(timeout), cancellationToken);
        }
        finally
        {
            if (!isReceived)
            {
                lock (_room.Gate)
                {
                    _sent.Remove(node);
                }
            }
        }

        return isReceived;
    }

    /// <summary>Receives an item; waits for a sender.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public T Receive() => Receive(CancellationToken.None);

    /// <inheritdoc cref="Receive()"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public T Receive(CancellationToken cancellationToken) => TryReceive(Timeout.InfiniteTimeSpan, cancellationToken, out T? item) ? item : throw new UnreachableException();

    /// <summary>Receives an item, if somebody sends one in time.</summary>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="item">The item.</param>
    /// <returns>Whether somebody did.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public bool TryReceive(TimeSpan timeout, [MaybeNullWhen(false)] out T item) => TryReceive(timeout, CancellationToken.None, out item);

    /// <inheritdoc cref="TryReceive(TimeSpan, out T)"/>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <param name="item">The item.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool TryReceive(TimeSpan timeout, CancellationToken cancellationToken, [MaybeNullWhen(false)] out T item)
    {
        HubClock.Check(timeout, nameof(timeout));
        GreenTask self = Hub.RequireTask();
        _room.EnterWait(cancellationToken);
        WaitNode node = self.Waiter.Node;
        lock (_room.Gate)
        {
            if (_returned?.TryDequeue(out item) ?? false)
            {
                return true;
            }

            if (_senders.WakeOne() is { } sender)
            {
                _sent.Remove(sender, out T? sent);
                item = sent!;
                return true;
            }

            if (timeout == TimeSpan.Zero)
            {
                item = default;
                return false;
            }

            _room.Enqueue(self.Waiter, _receivers);
        }

        if (!_room.Park(self.Waiter, _receivers, HubClock.After(timeout), cancellationToken))
        {
            item = default;
            return false;
        }

        lock (_room.Gate)
        {
            _received.Remove(node, out T? received);
            item = received!;
        }

        return true;
    }

    /// <summary>Describes it and its state, for diagnostics.</summary>
    public override string ToString() => "a channel";
}
