namespace NativeGreenlet;

/// <summary>An exception that left a greenlet while it was being killed, so that nobody could receive it.</summary>
public sealed class UnobservedGreenletExceptionEventArgs : EventArgs
{
    internal UnobservedGreenletExceptionEventArgs(Greenlet greenlet, Exception exception)
    {
        Greenlet = greenlet;
        Exception = exception;
    }

    /// <summary>The greenlet that was being killed.</summary>
    public Greenlet Greenlet { get; }

    /// <summary>
    /// What left it; or a <see cref="GreenletException"/> if it swallowed the <see cref="GreenletExit"/> and suspended
    /// itself again, in which case it is still alive.
    /// </summary>
    public Exception Exception { get; }
}
