namespace NativeGreenlet.Cooperative;

/// <summary>
/// Something had to wait, and the caller is not inside a hub. It would have blocked the thread; that is refused.
/// </summary>
/// <example><code>
/// try
/// {
///     Hub.Sleep(TimeSpan.FromSeconds(1)); // there is no hub on this thread
/// }
/// catch (MissingHubException)
/// {
///     Hub.Run(() =&gt; Hub.Sleep(TimeSpan.FromSeconds(1)));
/// }
/// </code></example>
public class MissingHubException : InvalidOperationException
{
    /// <summary>Creates the exception.</summary>
    public MissingHubException()
        : base("This has to wait, and there is no hub here. Call it inside Hub.Run(() => ...) or Hub.RunAsync(() => ...).")
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">What happened and what to do about it.</param>
    public MissingHubException(string? message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    /// <param name="message">What happened and what to do about it.</param>
    /// <param name="innerException">The cause.</param>
    public MissingHubException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
