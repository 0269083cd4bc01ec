using System.Diagnostics.CodeAnalysis;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Waits until a channel of .NET may have something, or is completed, and leaves no wait there.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "It is disposed of at the end of the wait.")]
internal sealed class PossibleLink
{
    private readonly ExternalLink _link = new();
    private CancellationTokenSource? _leaving;
    private Task<bool>? _wait;

    /// <summary>Whether the channel is completed.</summary>
    public bool IsOver { get; private set; }

    /// <summary>What it was completed with.</summary>
    public Exception? Error { get; private set; }

    /// <summary>The channel is completed.</summary>
    public bool End(Task completion)
    {
        Error = completion.Exception?.InnerException;
        IsOver = true;
        return true;
    }

    /// <summary>Begins the wait; false if there may be something, or the channel is completed.</summary>
    public bool TryLink(Func<CancellationToken, ValueTask<bool>> wait, WaitNode node)
    {
        CancellationTokenSource leaving = new();
        _wait = wait(leaving.Token).AsTask();
        _leaving = leaving;
        if (_wait.IsCompleted)
        {
            Leave();
            return false;
        }

        _link.Link(_wait, node);
        return true;
    }

    /// <summary>Whether the channel is known to be completed without a wait.</summary>
    public bool IsOverNow(Func<CancellationToken, ValueTask<bool>> wait)
    {
        if (!IsOver)
        {
            _leaving = new CancellationTokenSource();
            _wait = wait(_leaving.Token).AsTask();
            Leave();
        }

        return IsOver;
    }

    /// <summary>Ends the wait.</summary>
    public void Unlink()
    {
        _link.Unlink();
        Leave();
    }

    private void Leave()
    {
        Task<bool> wait = _wait!;
        _wait = null;
        if (wait.IsCompletedSuccessfully)
        {
            IsOver |= !wait.Result;
        }
        else if (wait.IsFaulted)
        {
            IsOver = true;
            Error = wait.Exception.InnerException;
        }
        else
        {
            _leaving!.Cancel();
            TaskContinuation.Forget(wait);
        }

        _leaving!.Dispose();
        _leaving = null;
    }
}
