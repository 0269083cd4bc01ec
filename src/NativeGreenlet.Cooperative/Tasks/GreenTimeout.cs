using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// A limit for how long the current task may take until this is disposed of: when it is due, the task's wait, or its next
/// one, throws.
/// </summary>
/// <remarks>Timeouts may be nested. Each has an exception of its own, and <see cref="TryRun(TimeSpan, Action)"/> silences that one only: the
/// exception of an outer timeout goes through.</remarks>
/// <example><code>
/// using (new GreenTimeout(TimeSpan.FromSeconds(1)))
/// {
///     reply = stream.Read(buffer); // GreenTimeoutException if it takes longer
/// }
/// </code></example>
public sealed class GreenTimeout : IWaitLimit, IDisposable
{
    private readonly GreenTask _task;
    private readonly CallbackTimer _timer;
    private Exception? _exception;
    private IWaitLimit? _outer;
    private bool _isPending;

    /// <summary>Begins it.</summary>
    /// <param name="timeout">The time; <see cref="Timeout.InfiniteTimeSpan"/> is never due.</param>
    /// <param name="exception">What to throw; null stands for a <see cref="GreenTimeoutException"/>.</param>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public GreenTimeout(TimeSpan timeout, Exception? exception = null)
    {
        HubClock.Check(timeout, nameof(timeout));
        _task = Hub.RequireTask();
        _exception = exception;
        Time = timeout;
        _outer = _task.Limits;
        _task.Limits = this;
        _timer = new CallbackTimer(Expire);
        _task.Loop.Timers.Add(_timer, _task.Loop.Clock.In(timeout));
    }

    /// <summary>Gets the time.</summary>
    public TimeSpan Time { get; }

    /// <summary>Gets a value indicating whether the time was up before this was disposed of.</summary>
    public bool IsExpired { get; private set; }

    /// <inheritdoc/>
    IWaitLimit? IWaitLimit.Outer
    {
        get => _outer;
        set => _outer = value;
    }

    /// <summary>Gets a value indicating whether it will be due.</summary>
    bool IWaitLimit.IsRunning => _timer.Index >= 0;

    /// <summary>Does something within a time.</summary>
    /// <param name="timeout">The time.</param>
    /// <param name="action">What to do.</param>
    /// <returns>False if the time was up first. Any other exception, that of another timeout too, is thrown.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="action"/> is null.</exception>
    public static bool TryRun(TimeSpan timeout, Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        using GreenTimeout limit = new(timeout);
        try
        {
            action();
            return true;
        }
        catch (GreenTimeoutException exception) when (exception.Timeout == limit)
        {
            return false;
        }
    }

    /// <summary>Does something within a time.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="timeout">The time.</param>
    /// <param name="function">What to do.</param>
    /// <returns>Its result.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="function"/> is null.</exception>
    /// <exception cref="GreenTimeoutException">The time was up first.</exception>
    public static T Run<T>(TimeSpan timeout, Func<T> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        using GreenTimeout limit = new(timeout);
        return function();
    }

    /// <summary>Does something that throws within a time.</summary>
    /// <param name="timeout">The time.</param>
    /// <param name="action">What to do.</param>
    /// <returns>False if the time was up first.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="action"/> is null.</exception>
    [OverloadResolutionPriority(2)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static bool TryRun(TimeSpan timeout, Func<Never> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        return TryRun(timeout, new Action(() => action()));
    }

    /// <summary>Refuses an asynchronous action: nobody would wait for what it returns.</summary>
    /// <param name="timeout">The time.</param>
    /// <param name="action">The action.</param>
    /// <returns>Never.</returns>
    /// <exception cref="NotSupportedException">Always.</exception>
    [Obsolete("GreenTimeout ends waits in the hub, not an await. Wait inside by Hub.Await(token => ..., timeout), or give what is awaited a token.", error: true)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static bool TryRun(TimeSpan timeout, Func<Task> action) => throw new NotSupportedException("GreenTimeout ends waits in the hub, not an await.");

    /// <summary>Does something that throws within a time.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="timeout">The time.</param>
    /// <param name="function">What to do.</param>
    /// <returns>Never.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="function"/> is null.</exception>
    [OverloadResolutionPriority(2)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static T Run<T>(TimeSpan timeout, Func<Never?> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Run(timeout, new Func<T>(() =>
        {
            function();
            return default!;
        }));
    }

    /// <summary>Refuses an asynchronous function: nobody would wait for what it returns.</summary>
    /// <param name="timeout">The time.</param>
    /// <param name="function">The function.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    [Obsolete("GreenTimeout ends waits in the hub, not an await. Wait inside by Hub.Await(token => ..., timeout), or give what is awaited a token.", error: true)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static void Run(TimeSpan timeout, Func<Task> function) => throw new NotSupportedException("GreenTimeout ends waits in the hub, not an await.");

    /// <inheritdoc cref="Run(TimeSpan, Func{Task})" path="/*[not(self::typeparam or self::returns)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <returns>Never.</returns>
    [Obsolete("GreenTimeout ends waits in the hub, not an await. Wait inside by Hub.Await(token => ..., timeout), or give what is awaited a token.", error: true)]
    [OverloadResolutionPriority(1)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    public static T Run<T>(TimeSpan timeout, Func<Task<T>?> function) => throw new NotSupportedException("GreenTimeout ends waits in the hub, not an await.");

    /// <summary>Tells whether an exception is the one that this timeout threw.</summary>
    /// <param name="exception">The exception.</param>
    public bool Owns(Exception exception) => exception is not null && exception == _exception;

    /// <summary>Ends it: it will not be due any more, and what it could not throw yet is forgotten.</summary>
    public void Dispose()
    {
        _isPending = false;
        _task.Loop.Timers.Remove(_timer);
        _task.Remove(this);
    }

    /// <summary>At the beginning of a wait: throws what is due.</summary>
    void IWaitLimit.ThrowPending()
    {
        // A task that never parks keeps the hub from its timers.
        if (_timer.Index >= 0 && _timer.Due <= _task.Loop.Clock.Time)
        {
            _task.Loop.Timers.Remove(_timer);
            Expire();
        }

        if (_isPending)
        {
            _isPending = false;
            ExceptionDispatchInfo.Throw(_exception!);
        }
    }

    /// <summary>A wait should have thrown its exception, and did not return to do it: the next one does.</summary>
    void IWaitLimit.Pend() => _isPending = true;

    private void Expire()
    {
        IsExpired = true;
        _exception ??= new GreenTimeoutException(this);
        _isPending = !_task.Waiter.TryThrow(_exception);
    }
}
