namespace NativeGreenlet.Cooperative;

/// <summary>
/// Every task of a run waits, and certainly nothing can wake any of them (<see cref="HubOptions.DeadlockPatience"/> says when that is
/// certain). Thrown in the main task, whose wait it ends. In woven code also: tasks wait for locks of each other; thrown in one of them.
/// </summary>
/// <example><code>
/// try
/// {
///     Hub.Run(() =&gt; new GreenEvent().Wait()); // nobody can set it
/// }
/// catch (GreenDeadlockException exception)
/// {
///     Console.Error.WriteLine(string.Join('\n', exception.Waiters));
/// }
/// </code></example>
public class GreenDeadlockException : InvalidOperationException
{
    /// <summary>Creates the exception.</summary>
    public GreenDeadlockException()
        : base("Every task waits for another.")
    {
        Waiters = [];
    }

    /// <summary>Creates the exception with a message.</summary>
    /// <param name="message">What happened and what to do about it.</param>
    public GreenDeadlockException(string? message)
        : base(message)
    {
        Waiters = [];
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    /// <param name="message">What happened and what to do about it.</param>
    /// <param name="innerException">The cause.</param>
    public GreenDeadlockException(string? message, Exception? innerException)
        : base(message, innerException)
    {
        Waiters = [];
    }

    internal GreenDeadlockException(IReadOnlyList<string> waiters)
        : base($"Deadlock: every task waits, and nothing is left that could wake one.{string.Concat(waiters.Select(waiter => $"{Environment.NewLine}  {waiter}"))}")
    {
        Waiters = waiters;
    }

    internal GreenDeadlockException(string message, IReadOnlyList<string> waiters)
        : base(message)
    {
        Waiters = waiters;
    }

    /// <summary>Gets each task that waits, and for what; where woven code waits for locks, with its stack trace.</summary>
    public IReadOnlyList<string> Waiters { get; }
}
