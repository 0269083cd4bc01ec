using System.Runtime.ExceptionServices;

namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>
/// An operation in flight which a task waits for, and which the next one may wait for when that gives up. Used again for
/// each operation: neither the operation nor a wait for it allocates anything.
/// </summary>
/// <remarks>Its result is taken out of the value task by the thread that completes it, so nothing is left unobserved if
/// nobody asks any more. Only one task at a time uses it.</remarks>
internal sealed class PendingResult
{
    private static readonly object s_over = new();

    private readonly Action _complete;
    private ValueTask<int> _operation;
    private ValueTask _action;
    private object? _waiting; // nobody, who waits, or s_over
    private int _result;
    private ExceptionDispatchInfo? _error;

    public PendingResult()
    {
        _complete = Complete;
    }

    /// <summary>Whether an operation was started and its result has not been taken.</summary>
    public bool IsInFlight { get; private set; }

    /// <summary>What the operation threw. Only when it is over.</summary>
    public Exception? Error => _error?.SourceException;

    /// <summary>Whether the operation has ended.</summary>
    public bool IsOver => Volatile.Read(ref _waiting) == s_over;

    /// <summary>Whether somebody waits; nobody else may then.</summary>
    public bool IsWaitedFor => Volatile.Read(ref _waiting) is { } waiting && waiting != s_over;

    public void Start(ValueTask<int> operation)
    {
        Begin();
        _operation = operation;
        operation.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_complete);
    }

    /// <summary>The same of one without a result.</summary>
    public void Start(ValueTask action)
    {
        Begin();
        _action = action;
        action.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_complete);
    }

    /// <summary>Parks until it is over. False if the time is up.</summary>
    /// <param name="what">For people.</param>
    /// <param name="due">The time limit, by <see cref="HubClock"/>.</param>
    public bool Wait(string what, long due)
    {
        Waiter waiter = Hub.RequireTask().Waiter;
        AwaitContinuation continuation = waiter.TakeContinuation(what);
        bool isOver = false;
        try
        {
            if (Interlocked.CompareExchange(ref _waiting, continuation, null) is null)
            {
                isOver = waiter.Park(due, isExternal: true);
            }
            else
            {
                waiter.Abandon(); // it is over
                isOver = true;
            }
        }
        finally
        {
            // Who gives up takes itself out. If it is too late for that, the continuation is going to be called.
            if (isOver || Interlocked.CompareExchange(ref _waiting, null, continuation) == continuation)
            {
                waiter.SpareContinuation = continuation;
            }
        }

        return isOver;
    }

    /// <summary>The same for <c>async</c> code.</summary>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref _waiting, over, null) is not null)
        {
            return;
        }

        try
        {
            await over.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.CompareExchange(ref _waiting, null, over);
        }
    }

    /// <summary>The result of the operation, which is over, or what it threw.</summary>
    public int Take()
    {
        ExceptionDispatchInfo? error = _error;
        Discard();
        error?.Throw();
        return _result;
    }

    /// <summary>Nobody wants the result of the operation, which is over.</summary>
    public void Discard()
    {
        _error = null;
        IsInFlight = false;
    }

    private void Begin()
    {
        IsInFlight = true;
        _waiting = null;
    }

    // On the thread that completes the operation. After the exchange the next operation may begin.
    private void Complete()
    {
        try
        {
            if (_action != default)
            {
                _action.GetAwaiter().GetResult();
            }
            else
            {
                _result = _operation.GetAwaiter().GetResult();
            }
        }
        catch (Exception exception)
        {
            _error = ExceptionDispatchInfo.Capture(exception);
        }

        _operation = default;
        _action = default;
        switch (Interlocked.Exchange(ref _waiting, s_over))
        {
            case AwaitContinuation continuation:
                continuation.Invoke();
                break;

            case TaskCompletionSource source:
                source.TrySetResult();
                break;
        }
    }
}
