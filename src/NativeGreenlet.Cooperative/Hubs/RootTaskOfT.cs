namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>A main task that was asked for from outside of its hub, by <c>async</c> code that waits for its result.</summary>
/// <typeparam name="T">The type of the result; of a main task without one, any.</typeparam>
internal sealed class RootTask<T> : RootTask
{
    private readonly TaskCompletionSource<T> _result; // its state tells by which time it goes on
    private readonly CancellationToken _cancellationToken;
    private CancellationTokenRegistration _registration;

    private RootTask(HubLoop loop, GreenTask main, CancellationToken cancellationToken)
        : base(loop, main)
    {
        _cancellationToken = cancellationToken;
        _result = new TaskCompletionSource<T>(loop.Clock, TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public override bool CanBeCanceled => _cancellationToken.CanBeCanceled;

    /// <summary>Starts one; from any thread.</summary>
    /// <param name="loop">Where.</param>
    /// <param name="main">The main task.</param>
    /// <param name="cancellationToken">Makes the wait that it is in, or its next one, throw an
    /// <see cref="OperationCanceledException"/>.</param>
    /// <returns>A task that completes when it has ended, and all that it spawned.</returns>
    public static Task<T> StartAsync(HubLoop loop, GreenTask main, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(cancellationToken);
        }

        RootTask<T> root = new(loop, main, cancellationToken);
        main.CaptureContext(loop);
        loop.Begin(root);
        return root._result.Task;
    }

    public override bool TryBegin()
    {
        if (Loop.HasEnded || Loop.IsStopping)
        {
            Loop.EndPendingRun();
            _result.TrySetException(new ObjectDisposedException(Loop.Hub.Name, "The hub has ended."));
            return false;
        }

        if (_cancellationToken.IsCancellationRequested)
        {
            Loop.EndPendingRun();
            _result.TrySetCanceled(_cancellationToken);
            return false;
        }

        base.TryBegin();
        if (_cancellationToken.CanBeCanceled)
        {
            _registration = _cancellationToken.UnsafeRegister(static state => ((RootTask<T>)state!).Cancel(), this);
        }

        return true;
    }

    private protected override void OnEnded()
    {
        Loop.EndPendingRun();
        _registration.Unregister();
        if (Main.IsCompleted)
        {
            Main.PassOn(_result, Main is GreenTask<T> { IsSuccessful: true, IsKilled: false } withResult ? withResult.TakeResult() : default!);
        }
        else
        {
            _result.TrySetException(GivenUp(Main));
        }
    }

    // From any thread.
    private void Cancel()
    {
        if (_result.Task.IsCompleted)
        {
            return;
        }

        OperationCanceledException exception = new(_cancellationToken);
        if (Context is null)
        {
            Main.RequestKill(exception);
        }
        else
        {
            // The main task may wait for what others of its tasks do, and these may never park.
            Loop.TryPostUrgently(() => Main.KillHere(exception));
        }
    }
}
