using NativeGreenlet.Cooperative;
using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Polly;

/// <summary>One execution of a pipeline by a task: its callbacks are tasks of the same run, and the caller parks until it is
/// over.</summary>
/// <typeparam name="T">The type of the result.</typeparam>
internal sealed class GreenExecution<T>
{
    private readonly Func<CancellationToken, T> _callback;
    private readonly RootTask _run;
    private readonly TimedOperation _operation = new();

    private GreenExecution(Func<CancellationToken, T> callback)
    {
        _callback = callback;
        _run = Hub.RequireTask().Run;
    }

    /// <summary>Executes a pipeline in the caller's task.</summary>
    /// <param name="callback">What the pipeline does.</param>
    /// <param name="execute">Begins the pipeline, with what it calls and the token that ends it.</param>
    /// <param name="cancellationToken">Ends it, too.</param>
    /// <returns>The pipeline's result.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What the pipeline threw.</exception>
    public static T Run(Func<CancellationToken, T> callback, Func<Func<CancellationToken, ValueTask<T>>, CancellationToken, ValueTask<T>> execute, CancellationToken cancellationToken)
    {
        GreenExecution<T> execution = new(callback);
        return Hub.Await(token => execution.BeginAsync(execute, token, cancellationToken));
    }

    private Task<T> BeginAsync(Func<Func<CancellationToken, ValueTask<T>>, CancellationToken, ValueTask<T>> execute, CancellationToken token, CancellationToken callers)
    {
        // Its state tells a test time for what the caller waits.
        TaskCompletionSource<T> result = new(_operation, TaskCreationOptions.RunContinuationsAsynchronously);
        _operation.Watch(token);
        _ = PassOnAsync();
        return result.Task;

        async Task PassOnAsync()
        {
            TimedOperation.Current.Value = _operation;
            CancellationTokenSource? both = callers.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(token, callers) : null;
            try
            {
                T value = await execute(CallAsync, both?.Token ?? token).ConfigureAwait(false);
                result.SetResult(value);
            }
            catch (Exception exception)
            {
                result.SetException(exception); // whatever its type: the caller gets the same object
            }
            finally
            {
                both?.Dispose();
            }
        }
    }

    // Called by the pipeline, on any thread, once for each attempt.
    private ValueTask<T> CallAsync(CancellationToken token)
    {
        TaskCompletionSource<T> result = new(); // the pipeline goes on where that is completed: see End
        ExecutionContext? context = ExecutionContext.Capture();
        _operation.BeginBody();
        Action start = context is null // somebody suppressed its flow
            ? () => Start(result, token)
            : () => ExecutionContext.Run(context, _ => Start(result, token), null);
        if (!_run.Loop.PostFor(_run, start))
        {
            End(() => result.TrySetException(new ObjectDisposedException(_run.Hub.Name, "The hub has ended; nothing can run in it any more.")));
        }

        return new ValueTask<T>(result.Task);
    }

    // In the hub.
    private void Start(TaskCompletionSource<T> result, CancellationToken token)
    {
        Exception? failure = null;
        try
        {
            Begin();
        }
        catch (Exception exception)
        {
            failure = exception; // the run ends: it cannot have a task any more
        }

        if (failure is not null)
        {
            End(() => result.TrySetException(failure));
        }

        void Begin()
        {
            token.ThrowIfCancellationRequested();
            T? value = default;
            Exception? error = null;
            GreenTask task = Hub.Spawn(() =>
            {
                try
                {
                    value = _callback(token);
                }
                catch (Exception exception) when (exception is not GreenletExit)
                {
                    error = exception;
                }
            });
            CancellationTokenRegistration registration = token.UnsafeRegister(
                static (state, cancelled) => ((GreenTask)state!).RequestKill(new OperationCanceledException(cancelled)), task);
            task.OnCompleted(ended =>
            {
                registration.Unregister();
                error ??= ended.Exception ?? (ended.IsKilled ? new OperationCanceledException("The task that the pipeline ran in was killed.", token) : null);
                End(() => _ = error is null ? result.TrySetResult(value!) : result.TrySetException(error));
            });
        }
    }

    // The pipeline goes on in here, up to its next wait: a time of a test cannot move before that. With the context of the hub it would
    // go on on the thread pool.
    private void End(Action complete)
    {
        SynchronizationContext? context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            _operation.EndBody();
            complete();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }
}
