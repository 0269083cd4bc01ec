using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <content>Waits for operations that are cancelled, and waited for, when the task gives up.</content>
public sealed partial class Hub
{
    private const int MostInterruptions = 16;

    /// <summary>
    /// Begins an asynchronous operation and waits for it. If the wait is given up, by a kill, a timeout, or the cancellation
    /// of the run, the operation is cancelled, its end is waited for, and only then does the exception leave: so nothing
    /// uses a connection that a <c>using</c> around the call disposes of.
    /// </summary>
    /// <remarks>
    /// <para>The wait for the end lasts <see cref="HubOptions.ShutdownGrace"/> at most; an operation that ignores its token is left
    /// behind then, as <see cref="Await(Task)"/> leaves one behind at once. Callbacks of the token run on the thread pool.</para>
    /// <para>The operation need not end by an error: whatever it brings after it was cancelled is dropped. See
    /// <see cref="Await{T}(Func{CancellationToken, Task{T}}, Action{T})"/> for a result that must be disposed of.</para>
    /// </remarks>
    /// <param name="operation">Begins it, with the token that cancels it. Called once, in the caller's task, and not at all if
    /// the task is to be killed already.</param>
    /// <exception cref="ArgumentNullException"><paramref name="operation"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What the operation threw: the same object, with the stack trace of the operation and of the
    /// caller.</exception>
    /// <example><code>
    /// using NpgsqlCommand command = new("select pg_sleep(1)", connection);
    /// Hub.Await(command.ExecuteNonQueryAsync);
    /// Hub.Await(token => stream.WriteAsync(bytes, token));
    /// </code></example>
    public static void Await(Func<CancellationToken, Task> operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        Perform(operation, long.MaxValue, GraceOfThisThread).GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Await(Func{CancellationToken, Task})" path="/*[not(self::param)]"/>
    /// <param name="operation">Begins it, with the token that cancels it. Called once, in the caller's task, and not at all if the caller's token is cancelled already.</param>
    /// <param name="cancellationToken">Gives the wait up when it is cancelled: the operation is cancelled by the token that it got, and its end waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void Await(Func<CancellationToken, Task> operation, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        Await(operation);
    }

    /// <inheritdoc cref="Await(Func{CancellationToken, Task})" path="/*[not(self::typeparam or self::returns)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <returns>The operation's result.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="operation"/> is null.</exception>
    public static T Await<T>(Func<CancellationToken, Task<T>> operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        return ((Task<T>)Perform(operation, long.MaxValue, GraceOfThisThread)).GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Await{T}(Func{CancellationToken, Task{T}})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="operation">Begins it, with the token that cancels it. Called once, in the caller's task, and not at all if the caller's token is cancelled already.</param>
    /// <param name="cancellationToken">Gives the wait up when it is cancelled: the operation is cancelled by the token that it got, and its end waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static T Await<T>(Func<CancellationToken, Task<T>> operation, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Await(operation);
    }

    /// <inheritdoc cref="Await(Func{CancellationToken, Task})"/>
    /// <exception cref="ArgumentNullException"><paramref name="operation"/> is null.</exception>
    [OverloadResolutionPriority(-1)] // an async lambda is a task's
    public static void Await(Func<CancellationToken, ValueTask> operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        Perform(token => operation(token).AsTask(), long.MaxValue, GraceOfThisThread).GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Await(Func{CancellationToken, ValueTask})" path="/*[not(self::param)]"/>
    /// <param name="operation">Begins it, with the token that cancels it. Called once, in the caller's task, and not at all if the caller's token is cancelled already.</param>
    /// <param name="cancellationToken">Gives the wait up when it is cancelled: the operation is cancelled by the token that it got, and its end waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    [OverloadResolutionPriority(-1)]
    public static void Await(Func<CancellationToken, ValueTask> operation, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        Await(operation);
    }

    /// <inheritdoc cref="Await{T}(Func{CancellationToken, Task{T}})"/>
    /// <exception cref="ArgumentNullException"><paramref name="operation"/> is null.</exception>
    [OverloadResolutionPriority(-1)]
    public static T Await<T>(Func<CancellationToken, ValueTask<T>> operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        return ((Task<T>)Perform(token => operation(token).AsTask(), long.MaxValue, GraceOfThisThread)).GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Await{T}(Func{CancellationToken, ValueTask{T}})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="operation">Begins it, with the token that cancels it. Called once, in the caller's task, and not at all if the caller's token is cancelled already.</param>
    /// <param name="cancellationToken">Gives the wait up when it is cancelled: the operation is cancelled by the token that it got, and its end waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    [OverloadResolutionPriority(-1)]
    public static T Await<T>(Func<CancellationToken, ValueTask<T>> operation, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Await(operation);
    }

    /// <summary>Waits as <see cref="Await{T}(Func{CancellationToken, Task{T}})"/> does, for an operation whose result must not be lost: a
    /// connection, a file.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="operation">Begins it, with the token that cancels it.</param>
    /// <param name="whenGivenUp">Gets the result if the operation succeeded although the wait for it was given up; called on a
    /// thread of the pool. It must not throw.</param>
    /// <returns>The operation's result.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="operation"/> or <paramref name="whenGivenUp"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What the operation threw.</exception>
    /// <example><code>
    /// using NpgsqlConnection connection = Hub.Await(token => source.OpenConnectionAsync(token).AsTask(), late => late.Dispose());
    /// </code></example>
    public static T Await<T>(Func<CancellationToken, Task<T>> operation, Action<T> whenGivenUp)
    {
        ArgumentNullException.ThrowIfNull(operation);
        ArgumentNullException.ThrowIfNull(whenGivenUp);
        return TryAwait(operation, Timeout.InfiniteTimeSpan, whenGivenUp, GraceOfThisThread, out T? result) ? result : throw new UnreachableException();
    }

    /// <inheritdoc cref="Await{T}(Func{CancellationToken, Task{T}}, Action{T})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="operation">Begins it, with the token that cancels it.</param>
    /// <param name="whenGivenUp">Gets the result if the operation succeeded although the wait for it was given up; called on a
    /// thread of the pool. It must not throw.</param>
    /// <param name="cancellationToken">Gives the wait up when it is cancelled: the operation is cancelled by the token that it got, and its end waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static T Await<T>(Func<CancellationToken, Task<T>> operation, Action<T> whenGivenUp, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Await(operation, whenGivenUp);
    }

    /// <summary>Waits as <see cref="Await(Func{CancellationToken, Task})"/> does, but no longer than a time: then, too, the operation is
    /// cancelled and its end waited for.</summary>
    /// <param name="operation">Begins it, with the token that cancels it.</param>
    /// <param name="timeout">The time.</param>
    /// <returns>Whether it completed: in the time, or after all when it was cancelled.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="operation"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What the operation threw before the time was up.</exception>
    /// <example><code>
    /// if (!Hub.Await(token => socket.ConnectAsync(address, token).AsTask(), TimeSpan.FromSeconds(1)))
    /// {
    ///     Console.WriteLine("It took too long.");
    /// }
    /// </code></example>
    public static bool Await(Func<CancellationToken, Task> operation, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(operation);
        HubClock.Check(timeout, nameof(timeout));
        return IsDone(Perform(operation, HubClock.After(timeout), GraceOfThisThread, out bool isGivenUp), isGivenUp);
    }

    /// <inheritdoc cref="Await(Func{CancellationToken, Task}, TimeSpan)" path="/*[not(self::param)]"/>
    /// <param name="operation">Begins it, with the token that cancels it.</param>
    /// <param name="timeout">The time.</param>
    /// <param name="cancellationToken">Gives the wait up when it is cancelled: the operation is cancelled by the token that it got, and its end waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static bool Await(Func<CancellationToken, Task> operation, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return Await(operation, timeout);
    }

    /// <summary>The same of one with a result.</summary>
    /// <param name="operation">Begins it.</param>
    /// <param name="timeout">The time.</param>
    /// <param name="whenGivenUp">Gets a result that comes too late.</param>
    /// <param name="grace">How long its end is waited for when it was cancelled.</param>
    /// <param name="result">The result.</param>
    internal static bool TryAwait<T>(Func<CancellationToken, Task<T>> operation, TimeSpan timeout, Action<T>? whenGivenUp, TimeSpan grace, [MaybeNullWhen(false)] out T result)
    {
        Task<T>? begun = null;
        bool isTaken = false;
        result = default;
        try
        {
            Task task = Perform(token => begun = operation(token), HubClock.After(timeout), grace, out bool isGivenUp);
            isTaken = IsDone(task, isGivenUp);
            if (isTaken)
            {
                result = ((Task<T>)task).GetAwaiter().GetResult();
            }

            return isTaken;
        }
        finally
        {
            if (!isTaken && begun is not null && whenGivenUp is not null)
            {
                _ = begun.ContinueWith(
                    late => whenGivenUp(late.Result),
                    CancellationToken.None,
                    TaskContinuationOptions.OnlyOnRanToCompletion,
                    TaskScheduler.Default);
            }
        }
    }

    // What it threw counts only if it was not given up before: else it is the answer to that.
    private static bool IsDone(Task task, bool isGivenUp)
    {
        if (isGivenUp)
        {
            return task.IsCompletedSuccessfully;
        }

        task.GetAwaiter().GetResult();
        return true;
    }

    private static Task Perform(Func<CancellationToken, Task> operation, long due, TimeSpan grace) => Perform(operation, due, grace, out _);

    // Returns when the operation has ended, or the time is up and it has been given its chance to end.
    private static Task Perform(Func<CancellationToken, Task> operation, long due, TimeSpan grace, out bool isGivenUp)
    {
        GreenTask self = RequireTask();
        self.ThrowPending();
        isGivenUp = false;
        CancellationTokenSource cancellation = new();
        Task task = operation(cancellation.Token) ?? throw new InvalidOperationException("The operation returned no task.");
        Exception? reason = null;
        if (!task.IsCompleted)
        {
            try
            {
                isGivenUp = !ParkFor(self, task, due);
            }
            catch (Exception exception)
            {
                reason = exception; // the task itself cannot throw here: this is what ends the wait
                isGivenUp = true;
            }
        }

        if (isGivenUp)
        {
            reason = GiveUp(self, task, cancellation, reason, grace);
        }
        else
        {
            cancellation.Dispose();
        }

        if (reason is not null)
        {
            ExceptionDispatchInfo.Throw(reason);
        }

        return task;
    }

    // Apart: it has a closure, which the others shall not pay for.
    private static Exception? GiveUp(GreenTask self, Task task, CancellationTokenSource cancellation, Exception? reason, TimeSpan grace)
    {
        // Its callbacks may do anything, send a request to cancel by another connection, for example.
        Forget(cancellation.CancelAsync());
        reason = WaitForEnd(self, reason, HubClock.After(grace), until => task.IsCompleted || ParkFor(self, task, until));
        Forget(task); // what it throws is the answer to the cancellation
        return reason;
    }

    /// <summary>Waits for the end of what was given up, and cancelled. What else would end this wait is kept: of all
    /// reasons the one that reaches farthest is returned.</summary>
    /// <param name="self">The caller.</param>
    /// <param name="reason">Why it was given up; null if the time was up.</param>
    /// <param name="due">How long at most, by <see cref="HubClock"/>.</param>
    /// <param name="tryWait">Waits once, until then. Whether it has ended.</param>
    internal static Exception? WaitForEnd(GreenTask self, Exception? reason, long due, Func<long, bool> tryWait)
    {
        // Who cannot park at all is told that at once, each time.
        for (int i = 0; i < MostInterruptions && HubClock.Now < due && !self.Loop.HasEnded; i++)
        {
            try
            {
                if (tryWait(due))
                {
                    break;
                }
            }
            catch (Exception exception)
            {
                reason = reason is null || self.ReachOf(exception) > self.ReachOf(reason) ? exception : reason;
            }
        }

        return reason;
    }
}
