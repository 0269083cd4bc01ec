using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative.Tasks;

/// <summary>
/// A token around several waits of the current task, which need not know it: when it is cancelled, the task's wait, or its next
/// one, throws an <see cref="OperationCanceledException"/> with that token, once. It ends the waits as a kill or a
/// <see cref="GreenTimeout"/> does, so what is waited for gives up in the same way.
/// </summary>
/// <remarks>Nothing of it is left on the token after <see cref="Dispose"/>.</remarks>
internal sealed class CancellationLimit : IWaitLimit, IDisposable
{
    private static readonly Action<object?> s_cancel = state => ((CancellationLimit)state!).Cancel();

    private readonly GreenTask _task;
    private readonly CancellationToken _token;
    private readonly CancellationTokenRegistration _registration;
    private OperationCanceledException? _exception;
    private bool _isDelivered;
    private bool _isOver;

    private CancellationLimit(GreenTask task, CancellationToken cancellationToken)
    {
        _task = task;
        _token = cancellationToken;
        _registration = cancellationToken.UnsafeRegister(s_cancel, this);
        Outer = task.Limits;
        task.Limits = this;
    }

    /// <inheritdoc/>
    public IWaitLimit? Outer { get; set; }

    /// <inheritdoc/>
    public bool IsRunning => !_isDelivered && !_isOver;

    /// <summary>What a call with a token begins with: the caller is thrown what it has not got yet, or that the token is cancelled.
    /// Null, and nothing was allocated, if it never can be.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static CancellationLimit? Enter(CancellationToken cancellationToken)
    {
        GreenTask task = Hub.EnterWait();
        cancellationToken.ThrowIfCancellationRequested();
        return cancellationToken.CanBeCanceled ? new CancellationLimit(task, cancellationToken) : null;
    }

    /// <inheritdoc/>
    public bool Owns(Exception exception) => exception == _exception;

    /// <inheritdoc/>
    public void Pend() => _isDelivered = false;

    /// <inheritdoc/>
    public void ThrowPending()
    {
        // Asked of the token itself: a task that never parks keeps the hub from what is posted.
        if (!_isDelivered && _token.IsCancellationRequested)
        {
            _isDelivered = true;
            throw _exception ??= new OperationCanceledException(_token);
        }
    }

    /// <summary>Ends it: what it could not throw yet is forgotten.</summary>
    public void Dispose()
    {
        _isOver = true;
        _registration.Unregister(); // not Dispose: that would wait for another thread
        _task.Remove(this);
    }

    // On the thread that cancels.
    private void Cancel()
    {
        if (HubLoop.OfThisThreadOrNull == _task.Loop)
        {
            End();
        }
        else
        {
            _task.Loop.TryPost(End);
        }
    }

    // In the hub's thread. If the task is in no wait, its next one asks the token.
    private void End()
    {
        _task.Loop.AssertIsHere();
        if (!_isOver && !_isDelivered)
        {
            _exception ??= new OperationCanceledException(_token);
            _isDelivered = _task.Waiter.TryThrow(_exception);
        }
    }
}
