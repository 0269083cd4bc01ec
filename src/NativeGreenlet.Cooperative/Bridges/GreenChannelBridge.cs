using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>Connects <see cref="System.Threading.Channels"/> with tasks: green reads and writes, and pumps from and to
/// <see cref="GreenQueue{T}"/> and <see cref="GreenChannel{T}"/>.</summary>
/// <remarks>An item is taken only by a wait that returns it: a wait that is given up takes none. The pumps
/// (<see cref="CopyTo{T}(ChannelReader{T}, GreenQueue{T})"/> and its like) run until the source is complete, and pass that on; start them as
/// tasks. A killed pump completes nothing.</remarks>
/// <example><code>
/// Hub.Run(() =>
/// {
///     Channel&lt;int&gt; channel = Channel.CreateBounded&lt;int&gt;(10);
///     Hub.Spawn(() =>
///     {
///         channel.Writer.Send(42); // waits for room
///         channel.Writer.Complete();
///     });
///     foreach (int item in channel.Reader.ReceiveAll())
///     {
///         Console.WriteLine(item);
///     }
/// });
/// </code></example>
public static class GreenChannelBridge
{
    /// <summary>Takes an item out of a channel; waits for one.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The channel.</param>
    /// <returns>The item.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="reader"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="ChannelClosedException">The channel is complete and empty.</exception>
    public static T Receive<T>(this ChannelReader<T> reader) =>
        TryReceive(reader, out T? item) ? item : throw new ChannelClosedException("The channel is complete and empty. Ask with TryReceive, or enumerate ReceiveAll.");

    /// <inheritdoc cref="Receive{T}(ChannelReader{T})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The channel.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static T Receive<T>(this ChannelReader<T> reader, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Receive(reader);
    }

    /// <summary>Takes an item out of a channel; waits for one.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The channel.</param>
    /// <param name="item">The item.</param>
    /// <returns>Whether there was one; false if the channel is complete and empty.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="reader"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">The error with which the channel was completed.</exception>
    public static bool TryReceive<T>(this ChannelReader<T> reader, [MaybeNullWhen(false)] out T item)
    {
        ArgumentNullException.ThrowIfNull(reader);
        Hub.EnterWait();
        while (!reader.TryRead(out item))
        {
            if (!Hub.Await(reader.WaitToReadAsync))
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc cref="TryReceive{T}(ChannelReader{T}, out T)" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The channel.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <param name="item">The item.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static bool TryReceive<T>(this ChannelReader<T> reader, CancellationToken cancellationToken, [MaybeNullWhen(false)] out T item)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return TryReceive(reader, out item);
    }

    /// <summary>Takes the items of a channel, one after the other, waiting for each, until it is complete and empty.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The channel.</param>
    /// <returns>The items.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="reader"/> is null.</exception>
    public static IEnumerable<T> ReceiveAll<T>(this ChannelReader<T> reader) => ReceiveAll(reader, CancellationToken.None);

    /// <inheritdoc cref="ReceiveAll{T}(ChannelReader{T})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The channel.</param>
    /// <param name="cancellationToken">Ends the wait for the next item when it is cancelled.</param>
    /// <exception cref="ArgumentNullException"><paramref name="reader"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled; the next item throws it.</exception>
    public static IEnumerable<T> ReceiveAll<T>(this ChannelReader<T> reader, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reader);
        return new TaskSequence<T>(Items());

        IEnumerable<T> Items()
        {
            while (TryReceive(reader, cancellationToken, out T? item))
            {
                yield return item;
            }
        }
    }

    /// <summary>Puts an item into a channel; waits for room.</summary>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="writer">The channel.</param>
    /// <param name="item">The item.</param>
    /// <exception cref="ArgumentNullException"><paramref name="writer"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="ChannelClosedException">The channel is complete.</exception>
    public static void Send<T>(this ChannelWriter<T> writer, T item)
    {
        ArgumentNullException.ThrowIfNull(writer);
        Hub.EnterWait();
        while (!writer.TryWrite(item))
        {
            WaitForRoom(writer);
        }
    }

    /// <inheritdoc cref="Send{T}(ChannelWriter{T}, T)" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="writer">The channel.</param>
    /// <param name="item">The item.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void Send<T>(this ChannelWriter<T> writer, T item, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        Send(writer, item);
    }

    /// <summary>Moves the items of a channel into a queue until the channel is complete, and completes the queue then.</summary>
    /// <remarks>A pump that is killed while it waits for room in the queue leaves the item in the channel, if that can be looked into
    /// (<see cref="ChannelReader{T}.CanPeek"/>) and has no other readers; otherwise this item is lost.</remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The channel.</param>
    /// <param name="queue">The queue.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="InvalidOperationException">The queue was completed by another.</exception>
    /// <exception cref="Exception">The error with which the channel was completed; the queue is completed before.</exception>
    public static void CopyTo<T>(this ChannelReader<T> reader, GreenQueue<T> queue)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(queue);
        try
        {
            Pump(reader, queue.Put);
        }
        finally
        {
            if (reader.Completion.IsCompleted)
            {
                queue.Complete();
            }
        }
    }

    /// <inheritdoc cref="CopyTo{T}(ChannelReader{T}, GreenQueue{T})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The channel.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="cancellationToken">Ends the pump when it is cancelled, as a kill would; it completes nothing.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void CopyTo<T>(this ChannelReader<T> reader, GreenQueue<T> queue, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        CopyTo(reader, queue);
    }

    /// <summary>Sends the items of a channel through a green channel, each when it is received, until the first is complete, and
    /// completes the green channel then.</summary>
    /// <inheritdoc cref="CopyTo{T}(ChannelReader{T}, GreenQueue{T})" path="/remarks"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The channel.</param>
    /// <param name="channel">The green channel; it is completed with the error of the first, if that has one.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="ChannelClosedException">The green channel was completed by another.</exception>
    /// <exception cref="Exception">The error with which the channel was completed.</exception>
    public static void CopyTo<T>(this ChannelReader<T> reader, GreenChannel<T> channel)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(channel);
        try
        {
            Pump(reader, channel.Send);
        }
        finally
        {
            if (reader.Completion.IsCompleted)
            {
                channel.Complete(reader.Completion.Exception?.InnerException);
            }
        }
    }

    /// <inheritdoc cref="CopyTo{T}(ChannelReader{T}, GreenChannel{T})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="reader">The channel.</param>
    /// <param name="channel">The green channel; it is completed with the error of the first, if that has one.</param>
    /// <param name="cancellationToken">Ends the pump when it is cancelled, as a kill would; it completes nothing.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void CopyTo<T>(this ChannelReader<T> reader, GreenChannel<T> channel, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        CopyTo(reader, channel);
    }

    /// <summary>Moves what is sent through a green channel into a channel until the first is complete, and completes the channel
    /// then.</summary>
    /// <inheritdoc cref="CopyTo{T}(GreenQueue{T}, ChannelWriter{T})" path="/remarks"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="channel">The green channel.</param>
    /// <param name="writer">The channel; it is completed with the error of the first, if that has one.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="ChannelClosedException">The channel was completed by another.</exception>
    public static void CopyTo<T>(this GreenChannel<T> channel, ChannelWriter<T> writer)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentNullException.ThrowIfNull(writer);
        while (true)
        {
            WaitForRoom(writer);
            T item;
            try
            {
                item = channel.Receive();
            }
            catch (ChannelClosedException closed)
            {
                writer.TryComplete(closed.InnerException);
                return;
            }

            if (!writer.TryWrite(item))
            {
                Send(writer, item); // another has taken the room
            }
        }
    }

    /// <inheritdoc cref="CopyTo{T}(GreenChannel{T}, ChannelWriter{T})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="channel">The green channel.</param>
    /// <param name="writer">The channel; it is completed with the error of the first, if that has one.</param>
    /// <param name="cancellationToken">Ends the pump when it is cancelled, as a kill would; it completes nothing.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void CopyTo<T>(this GreenChannel<T> channel, ChannelWriter<T> writer, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        CopyTo(channel, writer);
    }

    /// <summary>Moves the items of a queue into a channel until the queue is complete, and completes the channel then.</summary>
    /// <remarks>It waits for room in the channel before it takes an item. So a pump that is killed loses none, if nobody else writes to
    /// the channel.</remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="queue">The queue.</param>
    /// <param name="writer">The channel.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="ChannelClosedException">The channel was completed by another.</exception>
    public static void CopyTo<T>(this GreenQueue<T> queue, ChannelWriter<T> writer)
    {
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(writer);
        while (true)
        {
            WaitForRoom(writer);
            if (!queue.TryGet(Timeout.InfiniteTimeSpan, out T? item))
            {
                writer.TryComplete();
                return;
            }

            if (!writer.TryWrite(item))
            {
                Send(writer, item); // another has taken the room
            }
        }
    }

    /// <inheritdoc cref="CopyTo{T}(GreenQueue{T}, ChannelWriter{T})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="queue">The queue.</param>
    /// <param name="writer">The channel.</param>
    /// <param name="cancellationToken">Ends the pump when it is cancelled, as a kill would; it completes nothing.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void CopyTo<T>(this GreenQueue<T> queue, ChannelWriter<T> writer, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        CopyTo(queue, writer);
    }

    private static void Pump<T>(ChannelReader<T> reader, Action<T> put)
    {
        Hub.EnterWait();
        while (true)
        {
            if (reader.CanPeek ? reader.TryPeek(out T? item) : reader.TryRead(out item))
            {
                put(item!);
                if (reader.CanPeek)
                {
                    reader.TryRead(out _);
                }
            }
            else if (!Hub.Await(reader.WaitToReadAsync))
            {
                return;
            }
        }
    }

    private static void WaitForRoom<T>(ChannelWriter<T> writer)
    {
        if (!Hub.Await(writer.WaitToWriteAsync))
        {
            throw new ChannelClosedException("The channel is complete; nothing more can be put in. Send before it is completed.");
        }
    }
}
