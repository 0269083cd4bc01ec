using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>The writes of an asynchronous sink of bytes, one at a time. After a write that was given up the next one throws, unless
/// all of it was sent after all.</summary>
/// <param name="write">Begins a write of all bytes: the <c>WriteAsync</c> of a stream, for example.</param>
internal sealed class PendingWrite(Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write) : PendingOperation
{
    private const string What = "a write";

    private bool _isCutOff; // what was given up has more pieces than the one in flight

    /// <summary>Whether a write was given up, and the next one has not been told.</summary>
    public bool IsGivenUp => IsInFlight;

    /// <summary>Writes all bytes, in pieces.</summary>
    /// <param name="source">The bytes.</param>
    /// <param name="deadline">When to give up all of it, by <see cref="HubClock"/>.</param>
    /// <exception cref="IOException">An earlier write was given up.</exception>
    public TransportResult Write(ReadOnlySpan<byte> source, long deadline)
    {
        int count = source.Length;
        if (count == 0)
        {
            return TransportResult.Done();
        }

        TransportResult result = FinishEarlier(deadline);
        while (result.Status == TransportStatus.Done && !source.IsEmpty)
        {
            ReadOnlySpan<byte> piece = source[..Math.Min(source.Length, LargestBuffer)];
            source = source[piece.Length..];
            Reserve(piece.Length);
            piece.CopyTo(Buffer);
            _isCutOff = !source.IsEmpty; // should this piece be given up
            result = Perform(write, Buffer.AsMemory(0, piece.Length), deadline);
        }

        if (result.Status == TransportStatus.Failed)
        {
            _isCutOff = false; // the next one is told by what it tries itself
        }

        return result.Status == TransportStatus.Done ? TransportResult.Done(count) : result;
    }

    /// <summary>Flushes.</summary>
    /// <param name="flush">Begins it, with no bytes.</param>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    /// <exception cref="IOException">An earlier write was given up.</exception>
    public TransportResult Flush(Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> flush, long deadline)
    {
        TransportResult result = FinishEarlier(deadline);
        return result.Status == TransportStatus.Done ? Perform(flush, default, deadline) : result;
    }

    // What is in flight here was given up.
    private TransportResult FinishEarlier(long deadline)
    {
        Exception? error = null;
        if (IsInFlight)
        {
            if (!TryFinish(What, deadline, out _))
            {
                return TransportResult.TimedOut;
            }

            error = Result.Error;
            Result.Discard();
        }

        bool isIncomplete = _isCutOff || error is not null;
        _isCutOff = false;
        return isIncomplete ? throw TransportResult.Incomplete(error) : TransportResult.Done();
    }

    private TransportResult Perform(Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> operation, ReadOnlyMemory<byte> bytes, long deadline)
    {
        using (WithoutContext.Begin())
        {
            try
            {
                ValueTask begun = operation(bytes, Token);
                if (begun.IsCompleted)
                {
                    begun.GetAwaiter().GetResult();
                    return TransportResult.Done();
                }

                Result.Start(begun);
            }
            catch (Exception exception)
            {
                return TransportResult.Failed(exception);
            }
        }

        if (!TryFinish(What, deadline, out _))
        {
            return TransportResult.TimedOut;
        }

        Exception? error = Result.Error;
        Result.Discard();
        return error is null ? TransportResult.Done() : TransportResult.Failed(error);
    }
}
