using System.Runtime.ExceptionServices;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>Starts the thread of a hub.</summary>
internal static class HubThread
{
    /// <summary>Starts a thread and returns when the hub is there.</summary>
    /// <param name="loop">What the thread runs, to its end.</param>
    /// <param name="name">The thread's name.</param>
    /// <exception cref="OutOfMemoryException">There is no thread.</exception>
    public static void Start(HubLoop loop, string name)
    {
        using SemaphoreSlim hasEntered = new(0);
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            bool runs = TryEnter(loop, out failure);
            hasEntered.Release();
            if (runs)
            {
                RunToTheEnd(loop);
            }
        })
        {
            IsBackground = true,
            Name = name,
        };
        thread.UnsafeStart();
        WaitUninterrupted(hasEntered);
        failure?.Throw();
    }

    // On its new thread, where nobody could catch what is thrown.
    private static bool TryEnter(HubLoop loop, out ExceptionDispatchInfo? failure)
    {
        failure = null;
        try
        {
            loop.Enter();
            return true;
        }
        catch (Exception exception)
        {
            failure = ExceptionDispatchInfo.Capture(exception);
        }

        loop.Leave();
        return false;
    }

    private static void RunToTheEnd(HubLoop loop)
    {
        try
        {
            loop.Run();
        }
        finally
        {
            loop.Leave();
        }
    }

    private static void WaitUninterrupted(SemaphoreSlim semaphore)
    {
        bool isInterrupted = false;
        while (!TryWait())
        {
            isInterrupted = true;
        }

        if (isInterrupted)
        {
            Thread.CurrentThread.Interrupt(); // it is for what the caller waits for next
        }

        bool TryWait()
        {
            try
            {
                semaphore.Wait();
                return true;
            }
            catch (ThreadInterruptedException)
            {
                return false;
            }
        }
    }
}
