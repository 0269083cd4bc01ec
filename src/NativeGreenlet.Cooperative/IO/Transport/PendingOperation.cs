using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>
/// One direction of an asynchronous source of bytes: the operation that may still be in flight after the task that began it was
/// killed or ran out of time. The operation has a buffer of its own, so it never writes to memory that was given up.
/// </summary>
/// <remarks>One task at a time uses it; who that is, a <see cref="FairMutex"/> decides.</remarks>
internal abstract class PendingOperation
{
    /// <summary>The largest buffer of an operation, in bytes.</summary>
    protected const int LargestBuffer = 64 * 1024;

    private PendingResult? _result; // from the first operation on that is not over at once
    private byte[] _buffer = [];
    private CancellationTokenSource? _cancellation;

    /// <summary>Whether an operation was begun and its result has not been taken.</summary>
    protected bool IsInFlight => _result is { IsInFlight: true };

    /// <summary>The operation in flight.</summary>
    protected PendingResult Result => _result ??= new PendingResult();

    /// <summary>The memory of the operation.</summary>
    protected byte[] Buffer => _buffer;

    /// <summary>Cancels the operation that is begun with it.</summary>
    protected CancellationToken Token => (_cancellation ??= new CancellationTokenSource()).Token;

    /// <summary>Makes the buffer large enough.</summary>
    /// <param name="size">How large, in bytes; no more than <see cref="LargestBuffer"/>.</param>
    protected void Reserve(int size)
    {
        if (_buffer.Length < size)
        {
            _buffer = new byte[Math.Min(LargestBuffer, Math.Max(size, _buffer.Length * 2))];
        }
    }

    /// <summary>Parks until the operation in flight is over, without throwing what it throws. An operation that is not waited for
    /// any longer is cancelled, and has <see cref="HubOptions.ShutdownGrace"/> to end: whoever uses or closes the source next does not
    /// meet it. What it brings after all is for the next caller.</summary>
    /// <param name="what">The operation, with its article.</param>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    /// <param name="wasGivenUp">Whether an earlier caller had given it up before.</param>
    /// <returns>Whether it is over; false if the deadline came first.</returns>
    protected bool TryFinish(string what, long deadline, out bool wasGivenUp)
    {
        wasGivenUp = _cancellation!.IsCancellationRequested;
        RefuseIfWaitedFor();
        if (!Result.IsOver && !TryWait(what, deadline))
        {
            return false;
        }

        if (wasGivenUp)
        {
            _cancellation = null; // the next one can be cancelled again
        }

        return true;
    }

    /// <summary>Waits for the operation in flight in <c>async</c> code.</summary>
    /// <param name="cancellationToken">Ends the wait, and not the operation.</param>
    /// <returns>Whether an earlier caller had given it up before.</returns>
    protected async Task<bool> FinishAsync(CancellationToken cancellationToken)
    {
        RefuseIfWaitedFor();
        await Result.WaitAsync(cancellationToken).ConfigureAwait(false);
        bool wasGivenUp = _cancellation!.IsCancellationRequested;
        if (wasGivenUp)
        {
            _cancellation = null;
        }

        return wasGivenUp;
    }

    private bool TryWait(string what, long deadline)
    {
        Exception? reason = null;
        try
        {
            if (Result.Wait(what, deadline))
            {
                return true;
            }
        }
        catch (Exception exception)
        {
            reason = exception;
        }

        GiveUp(what, reason);
        return false;
    }

    // Apart: it has a closure, which the others shall not pay for.
    private void GiveUp(string what, Exception? reason)
    {
        GreenTask self = Hub.RequireTask();
        Hub.Forget(_cancellation!.CancelAsync()); // its callbacks are the stream's: they may do anything
        reason = Hub.WaitForEnd(self, reason, HubClock.After(Hub.GraceOfThisThread), until => Result.IsOver || Result.Wait(what, until));
        if (reason is not null)
        {
            ExceptionDispatchInfo.Throw(reason);
        }
    }

    private void RefuseIfWaitedFor()
    {
        if (_result is { IsWaitedFor: true })
        {
            throw new InvalidOperationException("Another reader waits for these bytes already. Asynchronous reads take no turns: begin one when the others have ended.");
        }
    }
}
