using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>The reads of an asynchronous source of bytes, one at a time. What a read brings that was given up is not lost: the next
/// read gets it.</summary>
/// <param name="read">Begins a read: the <c>ReadAsync</c> of a stream, for example.</param>
internal sealed class PendingRead(Func<Memory<byte>, CancellationToken, ValueTask<int>> read) : PendingOperation
{
    private const string What = "a read";

    private int _from;
    private int _count;

    /// <summary>Whether an earlier read left bytes in the buffer.</summary>
    public bool HasBytes => _count != 0;

    /// <summary>Whether an earlier read left bytes, or is still in flight.</summary>
    public bool HasLeftovers => HasBytes || IsInFlight;

    /// <summary>Whether asynchronous code waits for a read that was given up.</summary>
    public bool IsWaitedFor => IsInFlight && Result.IsWaitedFor;

    /// <summary>Whether a read was given up, and what it ended with has not been asked for.</summary>
    public bool IsGivenUp => IsInFlight;

    /// <summary>Hands out what an earlier read has left, or else reads.</summary>
    /// <param name="destination">Gets the bytes.</param>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    public TransportResult Read(Span<byte> destination, long deadline)
    {
        if (_count == 0 && !destination.IsEmpty)
        {
            TransportResult filled = Fill(Math.Min(destination.Length, LargestBuffer), deadline);
            if (filled.Status != TransportStatus.Done)
            {
                return filled;
            }
        }

        return TransportResult.Done(Take(destination));
    }

    /// <summary>Copies what an earlier read has left, and leaves it where it is.</summary>
    /// <param name="destination">Gets the bytes.</param>
    /// <returns>How many bytes.</returns>
    public int Peek(Span<byte> destination)
    {
        int count = Math.Min(_count, destination.Length);
        Buffer.AsSpan(_from, count).CopyTo(destination);
        return count;
    }

    /// <summary>Waits until a read that was given up has ended: then what it brings counts as left. One that asynchronous code
    /// waits for is that code's.</summary>
    public TransportResult Settle()
    {
        if (!IsInFlight || IsWaitedFor)
        {
            return TransportResult.Done();
        }

        // It was cancelled: that is soon.
        TransportResult result = Finish(long.MaxValue, out bool isEmpty);
        return isEmpty ? TransportResult.Done() : result;
    }

    /// <summary>Hands out, to asynchronous code, what an earlier read has left.</summary>
    /// <param name="destination">Gets the bytes.</param>
    /// <param name="cancellationToken">Ends the wait for a read that is still in flight.</param>
    /// <returns>The number of bytes: 0 if nothing was left after all.</returns>
    public async Task<TransportResult> ReadLeftoversAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (IsInFlight)
        {
            bool wasGivenUp = await FinishAsync(cancellationToken).ConfigureAwait(false);
            TransportResult ended = TakeResult(wasGivenUp, out _);
            if (ended.Status != TransportStatus.Done)
            {
                return ended;
            }
        }

        return TransportResult.Done(Take(destination.Span));
    }

    private int Take(Span<byte> destination)
    {
        int count = Peek(destination);
        _from += count;
        _count -= count;
        return count;
    }

    // Its result is the number of bytes in the buffer.
    private TransportResult Fill(int wanted, long deadline)
    {
        while (true)
        {
            if (!IsInFlight)
            {
                Reserve(wanted);
                using (WithoutContext.Begin())
                {
                    try
                    {
                        ValueTask<int> begun = read(Buffer.AsMemory(0, wanted), Token);
                        if (begun.IsCompleted)
                        {
                            return Filled(begun.GetAwaiter().GetResult());
                        }

                        Result.Start(begun);
                    }
                    catch (Exception exception)
                    {
                        return TransportResult.Failed(exception);
                    }
                }
            }

            TransportResult result = Finish(deadline, out bool isEmpty);
            if (!isEmpty)
            {
                return result;
            }
        }
    }

    private TransportResult Finish(long deadline, out bool isEmpty)
    {
        isEmpty = false;
        return TryFinish(What, deadline, out bool wasGivenUp) ? TakeResult(wasGivenUp, out isEmpty) : TransportResult.TimedOut;
    }

    // Empty: it was cancelled for an earlier caller before it brought something.
    private TransportResult TakeResult(bool wasGivenUp, out bool isEmpty)
    {
        isEmpty = wasGivenUp && Result.Error is OperationCanceledException;
        if (Result.Error is null)
        {
            return Filled(Result.Take());
        }

        Exception error = Result.Error;
        Result.Discard();
        return isEmpty ? TransportResult.Done() : TransportResult.Failed(error);
    }

    private TransportResult Filled(int count)
    {
        _from = 0;
        _count = count;
        return TransportResult.Done(count);
    }
}
