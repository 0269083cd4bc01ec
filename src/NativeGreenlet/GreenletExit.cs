namespace NativeGreenlet;

/// <summary>
/// Ends a greenlet. Raised inside it by <see cref="Greenlet.Throw(Exception?)"/> without an argument, by
/// <see cref="Greenlet.Dispose"/>, and when a suspended greenlet has become unreachable. A greenlet that does not
/// catch it, or a type derived from it, ends without an error: its parent receives the exception object as the result
/// of the switch it was waiting in. Mirrors <c>GreenletExit</c>.
/// </summary>
/// <example><code>
/// Greenlet worker = new(() =&gt;
/// {
///     try
///     {
///         Greenlet.Current.Parent!.Switch();
///     }
///     catch (GreenletExit)
///     {
///         Console.WriteLine("killed");
///         throw; // so that it ends
///     }
/// });
/// worker.Switch();
/// worker.Throw(); // raises GreenletExit in it
/// </code></example>
public class GreenletExit : OperationCanceledException
{
    /// <summary>Creates the exception.</summary>
    public GreenletExit()
        : base("The greenlet was asked to exit.")
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">Why the greenlet is to exit.</param>
    public GreenletExit(string? message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    /// <param name="message">Why the greenlet is to exit.</param>
    /// <param name="innerException">The cause.</param>
    public GreenletExit(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
