namespace NativeGreenlet;

/// <summary>An exception that left a greenlet while it was being killed, so that nobody could receive it.</summary>
/// <example><code>
/// Greenlet.UnobservedException += (_, e) =&gt; Console.Error.WriteLine($"{e.Greenlet} failed while it was killed: {e.Exception}");
/// </code></example>
public sealed class UnobservedGreenletExceptionEventArgs : EventArgs
{
    internal UnobservedGreenletExceptionEventArgs(Greenlet greenlet, Exception exception)
    {
        Greenlet = greenlet;
        Exception = exception;
    }

    /// <summary>Gets the greenlet that was being killed.</summary>
    public Greenlet Greenlet { get; }

    /// <summary>
    /// Gets what left it; or a <see cref="GreenletException"/> if it swallowed the <see cref="GreenletExit"/> and suspended
    /// itself again, in which case it is still alive.
    /// </summary>
    public Exception Exception { get; }
}
