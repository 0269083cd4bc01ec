namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>A run whose main task calls a function, for <c>async</c> code that waits for the result.</summary>
internal sealed class InvokedRun<T> : IRunOwner
{
    private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly GreenTask<T> _main;
    private readonly HubRun _run;
    private CancellationTokenRegistration _registration;

    private InvokedRun(Hub hub, Func<T> main, CancellationToken cancellation)
    {
        _main = new GreenTask<T>(main);
        _run = new HubRun(hub, _main, this);
        Cancellation = cancellation;
    }

    public CancellationToken Cancellation { get; }

    /// <summary>Starts one; from any thread.</summary>
    /// <param name="hub">Where.</param>
    /// <param name="main">The function.</param>
    /// <param name="cancellation">Makes its next wait throw an <see cref="OperationCanceledException"/>.</param>
    public static Task<T> StartAsync(Hub hub, Func<T> main, CancellationToken cancellation)
    {
        InvokedRun<T> run = new(hub, main, cancellation);
        hub.Begin(run._run);
        return run._result.Task;
    }

    public void HasBegun()
    {
        if (Cancellation.CanBeCanceled)
        {
            _registration = Cancellation.UnsafeRegister(static state => ((InvokedRun<T>)state!).Cancel(), this);
        }
    }

    public void WasRefused(Exception reason)
    {
        if (reason is OperationCanceledException)
        {
            _result.TrySetCanceled(Cancellation);
        }
        else
        {
            _result.TrySetException(reason);
        }
    }

    public void HasEnded()
    {
        _run.Hub.EndPendingRun();
        _registration.Unregister();
        if (_main.IsCompleted)
        {
            _main.PassOn(_result);
        }
        else
        {
            _result.TrySetException(HubRun.GivenUp(_main));
        }
    }

    private void Cancel()
    {
        if (!_result.Task.IsCompleted)
        {
            _main.RequestKill(new OperationCanceledException(Cancellation));
        }
    }
}
