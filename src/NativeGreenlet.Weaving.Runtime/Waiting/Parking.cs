using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Waiting;

/// <summary>How twins wait inside a hub.</summary>
internal static class Parking
{
    private const int Yields = 4;
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(10);

    /// <summary>Whether a twin shall call its original because that waits for nothing or will refuse its time.</summary>
    public static bool IsOriginal(int milliseconds) => milliseconds < Timeout.Infinite || !Hub.IsInside;

    /// <summary>Whether a twin shall call its original because the caller is outside a hub or the original will refuse the time.</summary>
    public static bool IsOriginal(TimeSpan time) => !IsValid(time) || !Hub.IsInside;

    /// <summary>Whether .NET takes a time for its waits.</summary>
    public static bool IsValid(TimeSpan time) => time.TotalMilliseconds is >= Timeout.Infinite and <= int.MaxValue;

    /// <summary>A time in milliseconds as a span.</summary>
    public static TimeSpan Time(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    /// <summary>Parks until a task has ended; what it threw is left to the caller.</summary>
    public static void End(Task task)
    {
        if (!task.IsCompleted)
        {
            Hub.AwaitEnd(task, Timeout.InfiniteTimeSpan, CancellationToken.None);
        }
    }

    /// <summary>Parks until a task has ended, but no longer than a time.</summary>
    public static bool End(Task task, TimeSpan timeout, CancellationToken cancellationToken) =>
        task.IsCompleted || (timeout != TimeSpan.Zero && Hub.AwaitEnd(task, timeout, cancellationToken));

    /// <summary>Parks until an operation has ended. One that is given up is cancelled, and its end waited for.</summary>
    [SuppressMessage("Design", "CA1068:CancellationToken parameters must come last", Justification = "The token is given more often than the action.")]
    public static T Run<T>(Func<CancellationToken, Task<T>> operation, CancellationToken cancellationToken = default, Action<T>? whenGivenUp = null)
    {
        if (!cancellationToken.CanBeCanceled)
        {
            return whenGivenUp is null ? Hub.Await(operation) : Hub.Await(operation, whenGivenUp);
        }

        return Hub.Await(WithTokenAsync, whenGivenUp ?? (static _ => { }));

        async Task<T> WithTokenAsync(CancellationToken givenUp)
        {
            using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, givenUp);
            try
            {
                return await operation(both.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException exception) when (exception.CancellationToken == both.Token)
            {
                cancellationToken.ThrowIfCancellationRequested(); // the caller knows its own token
                throw;
            }
        }
    }

    /// <summary>The same without a result.</summary>
    public static void Run(Func<CancellationToken, Task> operation) => Hub.Await(operation);

    /// <summary>The same for no longer than a time of a socket or stream, in milliseconds; 0 and -1 are without limit.</summary>
    public static bool TryRun<T>(Func<CancellationToken, Task<T>> operation, int milliseconds, [MaybeNullWhen(false)] out T result)
    {
        if (milliseconds <= 0)
        {
            result = Hub.Await(operation);
            return true;
        }

        Task<T>? begun = null;
        bool isDone = Hub.Await((Func<CancellationToken, Task>)(token => begun = operation(token)), Time(milliseconds));
        result = isDone ? begun!.Result : default;
        return isDone;
    }

    /// <summary>Tries again and again, and lets others run meanwhile; for waits that .NET has no asynchronous form of.</summary>
    public static bool Until(Func<bool> attempt, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan pause = TimeSpan.FromMilliseconds(1);
        for (int i = 0; ; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (attempt())
            {
                return true;
            }

            TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : timeout - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            if (i < Yields)
            {
                Hub.Yield();
                continue;
            }

            Hub.Sleep(left < pause ? left : pause, cancellationToken);
            pause = pause + pause < s_longestPause ? pause + pause : s_longestPause;
        }
    }

    /// <summary>What a socket throws when its time is up.</summary>
    public static SocketException TimedOut() => new((int)SocketError.TimedOut);
}
