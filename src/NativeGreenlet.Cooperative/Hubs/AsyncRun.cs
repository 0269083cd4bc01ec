namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>
/// A run whose main task calls a function that returns a .NET task, and lasts until that has completed. The function may
/// wait as tasks do, and its continuations come back to the hub, so that they may, too.
/// </summary>
/// <remarks>It never ends before the function's task: what that uses is not taken away from under it. Deadlocks are not
/// looked for: others can reach what it waits for.</remarks>
internal sealed class AsyncRun : GreenTask, IRunOwner
{
    private Func<Task>? _function;
    private readonly TaskCompletionSource _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HubRun _run;
    private CancellationTokenRegistration _registration;
    private bool _isWaiting; // only for the function's task

    private AsyncRun(Hub hub, Func<Task> function, CancellationToken cancellation)
        : base(null)
    {
        _function = function;
        _run = new HubRun(hub, this, this, hasContext: true);
        Cancellation = cancellation;
    }

    public CancellationToken Cancellation { get; }

    /// <summary>Starts one; from any thread.</summary>
    /// <param name="hub">Where.</param>
    /// <param name="function">What to call.</param>
    /// <param name="cancellation">Makes the wait that its tasks are in, or the next one, throw an
    /// <see cref="OperationCanceledException"/>.</param>
    /// <returns>A task that is faulted by what the function threw, also by an <see cref="OperationCanceledException"/>: it is
    /// the same object.</returns>
    public static Task StartAsync(Hub hub, Func<Task> function, CancellationToken cancellation)
    {
        AsyncRun run = new(hub, function, cancellation);
        hub.Begin(run._run);
        return run._result.Task;
    }

    public void HasBegun()
    {
        if (Cancellation.CanBeCanceled)
        {
            _registration = Cancellation.UnsafeRegister(static state => ((AsyncRun)state!).Cancel(), this);
        }
    }

    private void Cancel()
    {
        if (!_result.Task.IsCompleted)
        {
            _run.Hub.TryPostUrgently(Abort);
        }
    }

    // Tasks that the function spawned end with it, as always. Its unstarted continuations must run: it would never end.
    private void Abort()
    {
        bool isDelivered = false;
        foreach (GreenTask task in _run.Tasks.ToArray())
        {
            if (task == this ? !_isWaiting : task.IsContinuation && task.HasStarted)
            {
                task.KillHere(new OperationCanceledException(Cancellation));
                isDelivered = true;
            }
        }

        if (!isDelivered)
        {
            _run.Context!.Undelivered = new OperationCanceledException(Cancellation);
        }
    }

    private protected override void Execute()
    {
        Func<Task> function = _function!;
        DropBody();
        Task task = function();
        _isWaiting = true;
        if (!task.IsCompleted && TakePending() is { } pending)
        {
            _run.Context!.Undelivered = pending;
        }

        while (!task.IsCompleted && !TryWaitFor(task))
        {
        }

        task.GetAwaiter().GetResult();
    }

    private protected override void DropBody() => _function = null;

    // False if the wait was ended by something else: a kill, or a timeout that was begun before an await.
    private bool TryWaitFor(Task task)
    {
        try
        {
            return Hub.ParkFor(this, task);
        }
        catch (Exception) when (!_run.Hub.HasEnded)
        {
            return false;
        }
    }

    public void WasRefused(Exception reason) => _result.TrySetException(reason);

    public void HasEnded()
    {
        _run.Hub.EndPendingRun();
        _registration.Unregister();
        if (!IsCompleted)
        {
            _result.TrySetException(HubRun.GivenUp(this));
        }
        else if ((Exit ?? Exception) is { } exception)
        {
            _result.TrySetException(exception);
        }
        else
        {
            _result.TrySetResult();
        }
    }
}
