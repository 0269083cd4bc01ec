namespace NativeGreenlet;

/// <summary>
/// A greenlet could not be started, switched to or changed. What it concerns is as it was before the call.
/// Mirrors <c>greenlet.error</c>.
/// </summary>
/// <example><code>
/// Greenlet child = new(() =&gt; { });
/// Greenlet grandchild = new(() =&gt; { }, child);
/// try
/// {
///     child.Parent = grandchild;
/// }
/// catch (GreenletException exception)
/// {
///     Console.WriteLine($"{exception.Reason}: {exception.Message}"); // CyclicParent: ...
/// }
/// </code></example>
public class GreenletException : InvalidOperationException
{
    /// <summary>Creates the exception without a message of its own.</summary>
    public GreenletException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">What happened and what to do about it.</param>
    public GreenletException(string? message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    /// <param name="message">What happened and what to do about it.</param>
    /// <param name="innerException">The cause.</param>
    public GreenletException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates the exception with a reason, a message and, if there is one, its cause.</summary>
    /// <param name="reason">The reason, by which a program can decide what to do.</param>
    /// <param name="message">What happened and what to do about it.</param>
    /// <param name="innerException">The cause.</param>
    public GreenletException(GreenletError reason, string? message, Exception? innerException = null)
        : base(message, innerException)
    {
        Reason = reason;
    }

    /// <summary>Gets the reason, by which a program can decide what to do.</summary>
    public GreenletError Reason { get; }
}
