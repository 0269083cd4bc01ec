using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Tests.Infrastructure;

/// <summary>Another thread, which does what it is told step by step, so that a test decides in which order things
/// happen on two threads.</summary>
internal sealed class Worker : IDisposable
{
    private readonly BlockingCollection<Action> _steps = [];
    private readonly Thread _thread;

    public Worker()
    {
        _thread = new Thread(() =>
        {
            while (TakeStep())
            {
            }
        })
        {
            IsBackground = true,
            Name = "worker",
        };
        _thread.UnsafeStart();
    }

    public int ThreadId => _thread.ManagedThreadId;

    /// <summary>Runs a step there and waits for it; throws what it throws.</summary>
    public void Do(Action step) => Do<object?>(() =>
    {
        step();
        return null;
    });

    public T Do<T>(Func<T> step)
    {
        Task<T> task = Begin(step);
        return ((IAsyncResult)task).AsyncWaitHandle.WaitOne(OnThread.Patience)
            ? task.GetAwaiter().GetResult()
            : throw new TimeoutException("A step of another thread did not end.");
    }

    /// <summary>Runs a step there and does not wait for it.</summary>
    public Task<T> Begin<T>(Func<T> step)
    {
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _steps.Add(() =>
        {
            try
            {
                done.SetResult(step());
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        });
        return done.Task;
    }

    /// <summary>Ends the thread.</summary>
    public void Dispose()
    {
        if (_steps.IsAddingCompleted)
        {
            return;
        }

        _steps.CompleteAdding();
        if (!_thread.Join(OnThread.Patience))
        {
            throw new TimeoutException("A thread of the test did not end.");
        }

        _steps.Dispose();
    }

    // Apart, so that no local variable of the loop keeps alive what a step referred to.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeStep()
    {
        if (!_steps.TryTake(out Action? step, Timeout.Infinite))
        {
            return false;
        }

        step();
        return true;
    }
}
