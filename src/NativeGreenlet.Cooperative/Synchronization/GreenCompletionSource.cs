using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>A result that will be there some day, or an exception. Tasks of any hub wait for it; any thread may set it,
/// once.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenCompletionSource&lt;int&gt; answer = new();
///     Hub.Spawn(() =&gt; answer.SetResult(42));
///     Console.WriteLine(answer.Get()); // waits until it is set
/// });
/// </code></example>
/// <typeparam name="T">The type of the result.</typeparam>
public sealed class GreenCompletionSource<T> : IGreenWaitable, IShared
{
    private readonly WaitRoom _room;
    private readonly WaitQueue _waiters = new();
    private T _value = default!;
    private ExceptionDispatchInfo? _error;
    private volatile bool _isCompleted;
    private TaskCompletionSource<T>? _asTask;

    /// <summary>Creates a source without a result.</summary>
    public GreenCompletionSource()
    {
        _room = new WaitRoom(this);
    }

    /// <summary>Gets a value indicating whether it has a result or an exception.</summary>
    public bool IsCompleted => _isCompleted;

    /// <summary>Waits for the result; throws the exception if it has one.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and there is no result.</exception>
    [SuppressMessage("Design", "CA1065:Do not raise exceptions in unexpected locations", Justification = "As Task<T>.Result.")]
    public T Result => Get();

    /// <summary>Gets the same as a .NET task.</summary>
    public Task<T> Task
    {
        get
        {
            _room.Touch();
            TaskCompletionSource<T> source;
            lock (_room.Gate)
            {
                source = _asTask ??= new TaskCompletionSource<T>(HubClock.Inside, TaskCreationOptions.RunContinuationsAsynchronously);
            }

            if (_isCompleted)
            {
                PassOn(source);
            }

            return source.Task;
        }
    }

    bool IGreenWaitable.IsReady => _isCompleted;

    WaitRoom IShared.Room => _room;

    /// <summary>Sets the result and wakes all that wait.</summary>
    /// <param name="value">The result.</param>
    /// <exception cref="InvalidOperationException">It has one.</exception>
    public void SetResult(T value) => Require(TrySetResult(value));

    /// <summary>Sets an exception and wakes all that wait.</summary>
    /// <param name="exception">The exception.</param>
    /// <exception cref="InvalidOperationException">It has a result.</exception>
    public void SetException(Exception exception) => Require(TrySetException(exception));

    /// <summary>Sets the result, if it has none.</summary>
    /// <param name="value">The result.</param>
    /// <returns>Whether it had none.</returns>
    public bool TrySetResult(T value) => TryComplete(value, null);

    /// <summary>Sets an exception, if it has no result.</summary>
    /// <param name="exception">The exception.</param>
    /// <returns>Whether it had none.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="exception"/> is null.</exception>
    public bool TrySetException(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return TryComplete(default!, ExceptionDispatchInfo.Capture(exception));
    }

    /// <summary>Sets an <see cref="OperationCanceledException"/>, if it has no result.</summary>
    /// <returns>Whether it had none.</returns>
    public bool TryCancel() => TrySetException(new OperationCanceledException());

    /// <inheritdoc cref="Result"/>
    public T Get() => Get(CancellationToken.None);

    /// <inheritdoc cref="Result" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public T Get(CancellationToken cancellationToken)
    {
        Wait(Timeout.InfiniteTimeSpan, cancellationToken);
        _error?.Throw();
        return _value;
    }

    /// <summary>Waits for the result; throws the exception if it has one.</summary>
    /// <param name="timeout">How long at most.</param>
    /// <exception cref="TimeoutException">It took longer.</exception>
    public T Get(TimeSpan timeout) => Get(timeout, CancellationToken.None);

    /// <summary>Waits for the result; throws the exception if it has one.</summary>
    /// <param name="timeout">How long at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="TimeoutException">It took longer.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public T Get(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (!Wait(timeout, cancellationToken))
        {
            throw new TimeoutException($"There was no result within {timeout}.");
        }

        _error?.Throw();
        return _value;
    }

    /// <summary>Waits until there is a result or an exception, which is not thrown here.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and there is no result.</exception>
    public void Wait() => Wait(Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public void Wait(CancellationToken cancellationToken) => Wait(Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long at most.</param>
    /// <returns>Whether there is.</returns>
    public bool Wait(TimeSpan timeout) => Wait(timeout, CancellationToken.None);

    /// <inheritdoc cref="Wait()" path="/*[not(self::param)]"/>
    /// <param name="timeout">How long at most.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether there is.</returns>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken)
    {
        HubClock.Check(timeout, nameof(timeout));
        _room.EnterWait(cancellationToken);
        if (_isCompleted || timeout == TimeSpan.Zero)
        {
            return _isCompleted;
        }

        Waiter waiter = Hub.RequireTask().Waiter;
        lock (_room.Gate)
        {
            if (_isCompleted)
            {
                return true;
            }

            _room.Enqueue(waiter, _waiters);
        }

        return _room.Park(waiter, _waiters, HubClock.After(timeout), cancellationToken);
    }

    /// <summary>Describes it and its state, for diagnostics.</summary>
    public override string ToString() => $"a result of type {typeof(T).Name}";

    bool IGreenWaitable.TryLink(WaitNode node)
    {
        lock (_room.Gate)
        {
            if (_isCompleted)
            {
                return false;
            }

            _waiters.Add(node);
            return true;
        }
    }

    void IGreenWaitable.Unlink(WaitNode node)
    {
        lock (_room.Gate)
        {
            _waiters.Remove(node);
        }
    }

    private static void Require(bool isSet)
    {
        if (!isSet)
        {
            throw new InvalidOperationException("There is a result already.");
        }
    }

    private bool TryComplete(T value, ExceptionDispatchInfo? error)
    {
        _room.Touch();
        TaskCompletionSource<T>? source;
        lock (_room.Gate)
        {
            if (_isCompleted)
            {
                return false;
            }

            _value = value;
            _error = error;
            _isCompleted = true;
            source = _asTask;
            _waiters.WakeAll();
        }

        if (source is not null)
        {
            PassOn(source);
        }

        return true;
    }

    private void PassOn(TaskCompletionSource<T> source)
    {
        switch (_error?.SourceException)
        {
            case null:
                source.TrySetResult(_value);
                break;
            case OperationCanceledException canceled:
                source.TrySetCanceled(canceled.CancellationToken);
                break;
            case var exception:
                source.TrySetException(exception);
                break;
        }
    }
}
