using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Waiting;

/// <summary>Waits for handles of the system, which threads of the pool wait for together.</summary>
internal static class Handles
{
    /// <summary>Waits for one that is not a mutex: whose thread it is does not matter.</summary>
    public static bool Wait(WaitHandle handle, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (handle.WaitOne(0))
        {
            return true;
        }

        return timeout != TimeSpan.Zero && Register(handle, timeout, cancellationToken);
    }

    private static bool Register(WaitHandle handle, TimeSpan timeout, CancellationToken cancellationToken)
    {
        TaskCompletionSource signal = new();
        RegisteredWaitHandle registration = ThreadPool.UnsafeRegisterWaitForSingleObject(
            handle, static (state, _) => ((TaskCompletionSource)state!).TrySetResult(), signal, Timeout.InfiniteTimeSpan, executeOnlyOnce: true);
        bool isTaken = false;
        try
        {
            isTaken = Hub.AwaitEnd(signal.Task, timeout, cancellationToken);
            return isTaken;
        }
        finally
        {
            if (!isTaken)
            {
                GiveUp(handle, registration, signal);
            }

            registration.Unregister(null);
        }
    }

    // A signal that was taken for a wait that is over goes to the next one that waits.
    private static void GiveUp(WaitHandle handle, RegisteredWaitHandle registration, TaskCompletionSource signal)
    {
        ManualResetEvent ended = new(false);
        registration.Unregister(ended);
        ThreadPool.UnsafeRegisterWaitForSingleObject(
            ended,
            (_, _) =>
            {
                ended.Dispose();
                if (!signal.TrySetCanceled())
                {
                    GiveBack(handle);
                }
            },
            null,
            Timeout.InfiniteTimeSpan,
            executeOnlyOnce: true);
    }

    private static void GiveBack(WaitHandle handle)
    {
        try
        {
            switch (handle)
            {
                case AutoResetEvent auto:
                    auto.Set();
                    break;
                case Semaphore semaphore:
                    semaphore.Release();
                    break;
            }
        }
        catch (ObjectDisposedException)
        {
        }
    }
}
