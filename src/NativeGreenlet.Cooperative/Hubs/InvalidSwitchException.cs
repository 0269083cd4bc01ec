namespace NativeGreenlet.Cooperative;

/// <summary>
/// A waiting greenlet was continued by something other than its hub.
/// </summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     Greenlet waiting = null!;
///     Hub.Spawn(() =&gt;
///     {
///         waiting = Greenlet.Current;
///         try
///         {
///             Hub.Sleep(TimeSpan.FromSeconds(1));
///         }
///         catch (InvalidSwitchException)
///         {
///             Console.WriteLine("continued by somebody else, before the time was over");
///         }
///     });
///     Hub.Yield(); // it sleeps now
///     Hub.Current.Post(() =&gt; waiting.Switch());
/// });
/// </code></example>
public class InvalidSwitchException : InvalidOperationException
{
    /// <summary>Creates the exception.</summary>
    public InvalidSwitchException()
        : base("A waiting greenlet was continued by something other than its hub.")
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">What happened and what to do about it.</param>
    public InvalidSwitchException(string? message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    /// <param name="message">What happened and what to do about it.</param>
    /// <param name="innerException">The cause.</param>
    public InvalidSwitchException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
