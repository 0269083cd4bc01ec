using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>A rendezvous: <see cref="Send(T)"/> waits until somebody receives the item, <see cref="Receive()"/> until
/// somebody sends one. Tasks of any hub may meet.</summary>
/// <remarks>After <see cref="Complete"/> nothing more is sent: a sender fails, also one that waits already, and a receiver is told.
/// Nobody has to complete a channel.</remarks>
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
    private volatile bool _isCompleted;
    private Exception? _error;

    /// <summary>Creates a channel.</summary>
    public GreenChannel()
    {
        _room = new WaitRoom(this);
    }

    /// <summary>Gets a value that tells whether <see cref="Complete"/> was called.</summary>
    public bool IsCompleted => _isCompleted;

    /// <summary>What <see cref="Complete"/> was given.</summary>
    internal Exception? Error => _error;

    WaitRoom IShared.Room => _room;

    void IShared.HandOn(WaitNode node, WaitQueue queue)
    {
        Debug.Assert(_room.Gate.IsHeldByCurrentThread);
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

    void IShared.Forget(WaitNode node) => _sent.Remove(node);

    /// <summary>Hands an item to a receiver; waits for one.</summary>
    /// <param name="item">The item.</param>
    /// <exception cref="ChannelClosedException">The channel is completed, or was while this waited; nobody has the item.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public void Send(T item) => TrySend(item, Timeout.InfiniteTimeSpan);

    /// <inheritdoc cref="Send(T)" path="/*[not(self::param)]"/>
    /// <param name="item">The item.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Send(T item, CancellationToken cancellationToken) => TrySend(item, Timeout.InfiniteTimeSpan, cancellationToken);

    /// <summary>Hands an item to a receiver, if there is one in time.</summary>
    /// <param name="item">The item.</param>
    /// <param name="timeout">How long to wait at most; by default not at all.</param>
    /// <returns>Whether it was received.</returns>
    /// <exception cref="ChannelClosedException">The channel is completed, or was while this waited; nobody has the item.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public bool TrySend(T item, TimeSpan timeout = default) => TrySend(item, timeout, CancellationToken.None);

    /// <summary>Hands an item to a receiver, if there is one in time.</summary>
    /// <param name="item">The item.</param>
    /// <param name="timeout">How long to wait at most; by default not at all.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether it was received.</returns>
    /// <exception cref="ChannelClosedException">The channel is completed, or was while this waited; nobody has the item.</exception>
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
            if (_isCompleted)
            {
                throw NoSend();
            }

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

        if (isReceived && node.IsRefused)
        {
            throw NoSend();
        }

        return isReceived;
    }

    /// <summary>Receives an item; waits for a sender.</summary>
    /// <exception cref="ChannelClosedException">The channel is completed; the inner exception is what <see cref="Complete"/> was
    /// given.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public T Receive() => Receive(CancellationToken.None);

    /// <inheritdoc cref="Receive()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public T Receive(CancellationToken cancellationToken) => TryReceive(Timeout.InfiniteTimeSpan, cancellationToken, out T? item) ? item : throw NoReceive(_error);

    /// <summary>Receives an item, if somebody sends one in time.</summary>
    /// <param name="timeout">How long to wait at most.</param>
    /// <param name="item">The item.</param>
    /// <returns>Whether somebody did. False at once if the channel is completed.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public bool TryReceive(TimeSpan timeout, [MaybeNullWhen(false)] out T item) => TryReceive(timeout, CancellationToken.None, out item);

    /// <inheritdoc cref="TryReceive(TimeSpan, out T)" path="/*[not(self::param)]"/>
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

            if (timeout == TimeSpan.Zero || _isCompleted)
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

        return TryTakeReceived(node, out item);
    }

    /// <summary>Receives items, one after the other, until the channel is completed.</summary>
    /// <exception cref="ChannelClosedException">The channel was completed with an exception, which is the inner one.</exception>
    public IEnumerable<T> ReceiveAll() => ReceiveAll(CancellationToken.None);

    /// <inheritdoc cref="ReceiveAll()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait for the next item when it is cancelled.</param>
    /// <exception cref="ChannelClosedException">The channel was completed with an exception, which is the inner one.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled; the next item throws it.</exception>
    public IEnumerable<T> ReceiveAll(CancellationToken cancellationToken)
    {
        return new TaskSequence<T>(Items());

        IEnumerable<T> Items()
        {
            while (TryReceive(Timeout.InfiniteTimeSpan, cancellationToken, out T? item))
            {
                yield return item;
            }

            if (_error is { } error)
            {
                throw NoReceive(error);
            }
        }
    }

    /// <summary>Ends the channel: nothing more is sent. Who waits to receive is told; who waits to send fails, and keeps its item.
    /// From any thread; what comes after the first call has no effect.</summary>
    /// <param name="error">Why, for receivers; null for an end that is no error.</param>
    public void Complete(Exception? error = null)
    {
        _room.Touch();
        lock (_room.Gate)
        {
            if (_isCompleted)
            {
                return;
            }

            _error = error;
            _isCompleted = true;
            _sent.Clear();
            _senders.RefuseAll();
            _receivers.WakeAll();
        }
    }

    /// <summary>For whoever wants to send.</summary>
    internal static ChannelClosedException NoSend() => new("The channel is completed; nothing more can be sent. Look at IsCompleted, or complete it only when all senders are done.");

    /// <summary>For whoever wants to receive.</summary>
    internal static ChannelClosedException NoReceive(Exception? error) => new("The channel is completed; there is nothing more to receive. TryReceive tells that without an exception.", error);

    /// <summary>Receives what is there now, without a task.</summary>
    internal bool TryReceiveNow([MaybeNullWhen(false)] out T item)
    {
        _room.Touch();
        lock (_room.Gate)
        {
            if (_returned?.TryDequeue(out item) ?? false)
            {
                return true;
            }

            item = default;
            return _senders.WakeOne() is { } sender && _sent.Remove(sender, out item);
        }
    }

    /// <summary>Hands an item to somebody who waits for one now, without a task.</summary>
    internal bool TrySendNow(T item)
    {
        _room.Touch();
        lock (_room.Gate)
        {
            if (_isCompleted || _receivers.WakeOne() is not { } receiver)
            {
                return false;
            }

            _received.Add(receiver, item);
            return true;
        }
    }

    /// <summary>Lets a wait for several objects be ended by a sender; false if there is one, other than the waiter itself.</summary>
    internal bool TryLinkReceiver(WaitNode node)
    {
        lock (_room.Gate)
        {
            if (_isCompleted || _returned is { Count: > 0 } || _senders.HasOther(node.Waiter))
            {
                return false;
            }

            _receivers.Add(node);
            return true;
        }
    }

    /// <summary>Lets a wait for several objects be ended by a receiver; false if there is one, other than the waiter itself.</summary>
    internal bool TryLinkSender(WaitNode node, T item)
    {
        lock (_room.Gate)
        {
            if (_isCompleted || _receivers.HasOther(node.Waiter))
            {
                return false;
            }

            _senders.Add(node);
            _sent[node] = item;
            return true;
        }
    }

    /// <summary>Takes back either.</summary>
    internal void Unlink(WaitNode node)
    {
        lock (_room.Gate)
        {
            _receivers.Remove(node);
            _senders.Remove(node);
            _sent.Remove(node);
        }
    }

    /// <summary>Takes what a receiver was woken for. False if the channel is completed.</summary>
    internal bool TryTakeReceived(WaitNode node, [MaybeNullWhen(false)] out T item)
    {
        lock (_room.Gate)
        {
            return _received.Remove(node, out item);
        }
    }

    /// <summary>Gives what a receiver was woken for to the next.</summary>
    internal void HandOn(WaitNode node)
    {
        lock (_room.Gate)
        {
            ((IShared)this).HandOn(node, _receivers);
        }
    }

    /// <summary>Describes it and its state, for diagnostics.</summary>
    public override string ToString() => "a channel";
}
