namespace NativeGreenlet.Cooperative;

/// <summary>Thrown out of a wait when a <see cref="GreenTimeout"/> around it is due.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenTimeout limit = new(TimeSpan.FromSeconds(1));
///     try
///     {
///         Hub.Sleep(TimeSpan.FromSeconds(2));
///     }
///     catch (GreenTimeoutException exception) when (exception.Timeout == limit)
///     {
///         Console.WriteLine("given up after a second"); // and not by a timeout around this one
///     }
///     finally
///     {
///         limit.Dispose();
///     }
/// });
/// </code></example>
public class GreenTimeoutException : TimeoutException
{
    /// <summary>Creates the exception.</summary>
    public GreenTimeoutException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">What took too long.</param>
    public GreenTimeoutException(string? message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    /// <param name="message">What took too long.</param>
    /// <param name="innerException">The cause.</param>
    public GreenTimeoutException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal GreenTimeoutException(GreenTimeout timeout)
        : base($"It took longer than {timeout.Time}.")
    {
        Timeout = timeout;
    }

    /// <summary>Gets the timeout whose exception this is: a handler takes only its own, as in <c>catch (GreenTimeoutException e) when (e.Timeout ==
    /// mine)</c>.</summary>
    public GreenTimeout? Timeout { get; }
}
