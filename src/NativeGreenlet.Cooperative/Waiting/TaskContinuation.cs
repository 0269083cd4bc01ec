using System.Runtime.CompilerServices;

namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>
/// One wait for a .NET task that can be given up without leaving anything behind: a task that goes on for days may be
/// waited for, with a time limit, as often as one likes.
/// </summary>
/// <remarks>.NET can take a continuation out again, as <see cref="Task.WaitAsync(CancellationToken)"/> does, but has no public
/// method for it. Where that method is not there, <see cref="Task.WaitAsync(CancellationToken)"/> itself is used, which
/// allocates more.</remarks>
internal readonly struct TaskContinuation : IDisposable
{
    // Tasks whose exception is taken when they fail: once for each, however often it was given up.
    private static readonly ConditionalWeakTable<Task, object> s_forgotten = [];

    private static bool? s_canRemove;

    private readonly Task _task;
    private readonly Action _continuation;
    private readonly CancellationTokenSource? _leaving;

    public TaskContinuation(Task task, Action continuation)
    {
        _task = task;
        _continuation = continuation;
        _leaving = CanRemove ? null : new CancellationTokenSource();
    }

    /// <summary>Whether continuations can be removed. Set by tests.</summary>
    public static bool CanRemove
    {
        get => s_canRemove ??= TryRemove(new TaskCompletionSource().Task, static () => { });
        set => s_canRemove = value;
    }

    /// <summary>Nobody waits for a task any more: its exception is nobody's.</summary>
    public static void Forget(Task task)
    {
        if (task.IsCompleted)
        {
            _ = task.Exception;
        }
        else if (s_forgotten.TryAdd(task, s_forgotten))
        {
            _ = task.ContinueWith(
                static ended => _ = ended.Exception,
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
        }
    }

    /// <summary>Lets the task call the continuation when it completes.</summary>
    public void Register()
    {
        Task task = _leaving is null ? _task : _task.WaitAsync(_leaving.Token);
        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(_continuation);
    }

    /// <summary>The task shall not call it any more; it still may, if it is just completing.</summary>
    public void GiveUp()
    {
        if (_leaving is not null)
        {
            _leaving.Cancel();
        }
        else
        {
            Remove(_task, _continuation);
        }

        Forget(_task);
    }

    public void Dispose() => _leaving?.Dispose();

    private static bool TryRemove(Task task, Action continuation)
    {
        try
        {
            Remove(task, continuation);
            return true;
        }
        catch (MissingMethodException)
        {
            return false; // another version of the core library: the public way then
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "RemoveContinuation")]
    private static extern void Remove(Task task, object continuation);
}
