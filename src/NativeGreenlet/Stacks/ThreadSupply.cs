namespace NativeGreenlet.Stacks;

/// <summary>Starts threads that the library itself needs.</summary>
internal static class ThreadSupply
{
    /// <summary>Starts a thread without the caller's execution context.</summary>
    /// <exception cref="GreenletException">The system gives no more threads now. Nothing was changed, so that it can be tried
    /// again.</exception>
    public static void Start(Thread thread)
    {
        try
        {
            thread.UnsafeStart();
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            throw new GreenletException(GreenletError.OutOfStacks, "The system gives no more threads for greenlets (ulimit -u, pids limit of the control group).", exception);
        }
    }
}
