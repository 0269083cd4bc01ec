namespace NativeGreenlet.Cooperative;

/// <summary>
/// Thrown by <see cref="GreenTask{T}.Result"/> if the task was killed: there is no result. It is an error like any other in the
/// task that asked, where <see cref="GreenletExit"/> would end that, too, without a word.
/// </summary>
/// <example><code>
/// try
/// {
///     total += part.Result;
/// }
/// catch (GreenTaskKilledException exception)
/// {
///     Console.WriteLine($"without {exception.Task}");
/// }
/// </code></example>
public class GreenTaskKilledException : Exception
{
    /// <summary>Creates the exception.</summary>
    public GreenTaskKilledException()
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">Which task was killed.</param>
    public GreenTaskKilledException(string? message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    /// <param name="message">Which task was killed.</param>
    /// <param name="innerException">What it was killed by.</param>
    public GreenTaskKilledException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal GreenTaskKilledException(GreenTask task, GreenletExit exit)
        : base($"{task}: there is no result.", exit)
    {
        Task = task;
    }

    /// <summary>Gets the task that was killed.</summary>
    public GreenTask? Task { get; }
}
