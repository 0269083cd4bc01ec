namespace NativeGreenlet.Cooperative;

/// <summary>
/// A callback that runs in the hub itself had to wait: nobody could continue it.
/// </summary>
/// <example><code>
/// Hub.Run(() =&gt; Hub.Current.Post(() =&gt;
/// {
///     try
///     {
///         Hub.Sleep(TimeSpan.FromSeconds(1)); // callbacks run between tasks: they cannot wait
///     }
///     catch (BlockingSwitchOutException)
///     {
///         _ = Hub.Current.InvokeAsync(() =&gt; Hub.Sleep(TimeSpan.FromSeconds(1))); // tasks can
///     }
/// }));
/// </code></example>
public class BlockingSwitchOutException : InvalidOperationException
{
    /// <summary>Creates the exception.</summary>
    public BlockingSwitchOutException()
        : base("A callback that runs in the hub must not wait. Let it start a task: Hub.Spawn(() => ...).")
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">What happened and what to do about it.</param>
    public BlockingSwitchOutException(string? message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    /// <param name="message">What happened and what to do about it.</param>
    /// <param name="innerException">The cause.</param>
    public BlockingSwitchOutException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
