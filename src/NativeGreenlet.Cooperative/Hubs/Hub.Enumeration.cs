using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <content>Waits for the items of asynchronous sequences.</content>
public sealed partial class Hub
{
    /// <summary>
    /// Enumerates an asynchronous sequence in a task: <c>await foreach</c> written as <c>foreach</c>. The task waits for each
    /// item, and no thread is blocked.
    /// </summary>
    /// <remarks>
    /// <para>The sequence gets a token. It is cancelled when the wait for an item is given up, by a kill, a timeout or the
    /// cancellation of the run; the end of that item is waited for, for <see cref="HubOptions.ShutdownGrace"/> at most, and only then is
    /// the enumerator disposed of and does the exception leave. Leaving the loop by <c>break</c> or an exception disposes of the
    /// enumerator, too, and waits for that. An item that comes after all when the wait was given up is dropped.</para>
    /// <para>The sequence runs as it does in other <c>async</c> code: on the hub's thread until its first <c>await</c>, and on the
    /// thread pool after it.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The sequence. Its enumerator is made when the enumeration begins.</param>
    /// <returns>The items. Enumerate them in one task.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="source"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub; the first item throws it.</exception>
    /// <exception cref="Exception">What the sequence threw; the next item throws it.</exception>
    /// <example><code>
    /// foreach (string line in Hub.Enumerate(File.ReadLinesAsync("greeting.txt")))
    /// {
    ///     Console.WriteLine(line);
    /// }
    /// </code></example>
    public static IEnumerable<T> Enumerate<T>(IAsyncEnumerable<T> source) => Enumerate(source, CancellationToken.None);

    /// <inheritdoc cref="Enumerate{T}(IAsyncEnumerable{T})" path="/*[not(self::param or self::typeparam)]"/>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The sequence. Its enumerator is made when the enumeration begins.</param>
    /// <param name="cancellationToken">Gives up the wait for an item when it is cancelled: the sequence's own token is cancelled then,
    /// and the end of that item waited for.</param>
    /// <exception cref="ArgumentNullException"><paramref name="source"/> is null.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled; the next item throws it.</exception>
    public static IEnumerable<T> Enumerate<T>(IAsyncEnumerable<T> source, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new TaskSequence<T>(EnumerateHere(source, cancellationToken));
    }

    private static IEnumerable<T> EnumerateHere<T>(IAsyncEnumerable<T> source, CancellationToken cancellationToken)
    {
        EnterWait();
        cancellationToken.ThrowIfCancellationRequested();
        CancellationTokenSource cancellation = new(); // without a timer: nothing to dispose of while something may still use it
        IAsyncEnumerator<T> items = source.GetAsyncEnumerator(cancellation.Token);
        Task? pending = null;
        try
        {
            while (MoveNext(items, cancellation, cancellationToken, ref pending))
            {
                yield return items.Current;
            }
        }
        finally
        {
            DisposeOf(items, pending);
        }
    }

    // What is still under way when this throws is left in pending: the enumerator must not be disposed of before its end.
    private static bool MoveNext<T>(IAsyncEnumerator<T> items, CancellationTokenSource cancellation, CancellationToken cancellationToken, ref Task? pending)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        GreenTask self = RequireTask();
        ValueTask<bool> next = items.MoveNextAsync();
        if (next.IsCompleted)
        {
            return next.GetAwaiter().GetResult();
        }

        Task<bool> task = next.AsTask();
        pending = task;
        Exception? reason = ParkUntilEnd(self, task);
        if (reason is not null)
        {
            ExceptionDispatchInfo.Throw(GiveUp(self, task, cancellation, reason, GraceOfThisThread)!);
        }

        pending = null;
        return task.GetAwaiter().GetResult();
    }

    // Begun in any case. A kill does not end the wait for it at once: what the sequence uses is in use until then.
    private static void DisposeOf<T>(IAsyncEnumerator<T> items, Task? pending)
    {
        if (pending is { IsCompleted: false })
        {
            _ = pending.ContinueWith(_ => Forget(items.DisposeAsync().AsTask()), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            return;
        }

        ValueTask disposal = items.DisposeAsync();
        if (disposal.IsCompleted)
        {
            disposal.GetAwaiter().GetResult();
            return;
        }

        Task task = disposal.AsTask();
        if (HubLoop.OfThisThreadOrNull?.CurrentTask is not { } self)
        {
            Forget(task); // nobody here can wait
            return;
        }

        if (ParkUntilEnd(self, task) is { } reason)
        {
            reason = WaitForEnd(self, reason, HubClock.After(GraceOfThisThread), until => task.IsCompleted || ParkFor(self, task, until));
            Forget(task);
            ExceptionDispatchInfo.Throw(reason!);
        }

        task.GetAwaiter().GetResult();
    }

    // What ended the wait before the task was complete; null if that has ended.
    private static Exception? ParkUntilEnd(GreenTask self, Task task)
    {
        try
        {
            ParkFor(self, task);
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }
}
