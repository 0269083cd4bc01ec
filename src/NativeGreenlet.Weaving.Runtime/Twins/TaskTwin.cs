using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Task"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Task))]
[StackTraceHidden]
public static class TaskTwin
{
    public static void Wait(Task self)
    {
        if (!self.IsCompleted && Hub.IsInside)
        {
            Parking.End(self);
        }

        self.Wait();
    }

    public static bool Wait(Task self, int millisecondsTimeout) => Wait(self, millisecondsTimeout, CancellationToken.None);

    public static bool Wait(Task self, TimeSpan timeout) =>
        self.IsCompleted || Parking.IsOriginal(timeout) ? self.Wait(timeout) : Parking.End(self, timeout, CancellationToken.None) && self.Wait(timeout);

    public static void Wait(Task self, CancellationToken cancellationToken)
    {
        if (!self.IsCompleted && Hub.IsInside)
        {
            Parking.End(self, Timeout.InfiniteTimeSpan, cancellationToken);
        }

        self.Wait(cancellationToken);
    }

    public static bool Wait(Task self, int millisecondsTimeout, CancellationToken cancellationToken) =>
        self.IsCompleted || Parking.IsOriginal(millisecondsTimeout)
            ? self.Wait(millisecondsTimeout, cancellationToken)
            : Parking.End(self, Parking.Time(millisecondsTimeout), cancellationToken) && self.Wait(millisecondsTimeout, cancellationToken);

    public static bool Wait(Task self, TimeSpan timeout, CancellationToken cancellationToken) =>
        self.IsCompleted || Parking.IsOriginal(timeout)
            ? self.Wait(timeout, cancellationToken)
            : Parking.End(self, timeout, cancellationToken) && self.Wait(timeout, cancellationToken);

    public static void WaitAll(params Task[] tasks)
    {
        if (Hub.IsInside)
        {
            EndAll(tasks, Timeout.InfiniteTimeSpan, CancellationToken.None);
        }

        Task.WaitAll(tasks);
    }

    public static void WaitAll(params ReadOnlySpan<Task> tasks)
    {
        if (Hub.IsInside)
        {
            EndAll(tasks.ToArray(), Timeout.InfiniteTimeSpan, CancellationToken.None);
        }

        Task.WaitAll(tasks);
    }

    public static void WaitAll(IEnumerable<Task> tasks, CancellationToken cancellationToken)
    {
        if (!Hub.IsInside || tasks is null)
        {
            Task.WaitAll(tasks!, cancellationToken);
            return;
        }

        Task[] all = [.. tasks];
        EndAll(all, Timeout.InfiniteTimeSpan, cancellationToken);
        Task.WaitAll(all, cancellationToken);
    }

    public static void WaitAll(Task[] tasks, CancellationToken cancellationToken)
    {
        if (Hub.IsInside)
        {
            EndAll(tasks, Timeout.InfiniteTimeSpan, cancellationToken);
        }

        Task.WaitAll(tasks, cancellationToken);
    }

    public static bool WaitAll(Task[] tasks, int millisecondsTimeout) => WaitAll(tasks, millisecondsTimeout, CancellationToken.None);

    public static bool WaitAll(Task[] tasks, TimeSpan timeout) =>
        Parking.IsOriginal(timeout) ? Task.WaitAll(tasks, timeout) : EndAll(tasks, timeout, CancellationToken.None) && Task.WaitAll(tasks, timeout);

    public static bool WaitAll(Task[] tasks, int millisecondsTimeout, CancellationToken cancellationToken) =>
        Parking.IsOriginal(millisecondsTimeout)
            ? Task.WaitAll(tasks, millisecondsTimeout, cancellationToken)
            : EndAll(tasks, Parking.Time(millisecondsTimeout), cancellationToken) && Task.WaitAll(tasks, millisecondsTimeout, cancellationToken);

    public static int WaitAny(params Task[] tasks) => WaitAny(tasks, Timeout.Infinite, CancellationToken.None);

    public static int WaitAny(Task[] tasks, CancellationToken cancellationToken) => WaitAny(tasks, Timeout.Infinite, cancellationToken);

    public static int WaitAny(Task[] tasks, int millisecondsTimeout) => WaitAny(tasks, millisecondsTimeout, CancellationToken.None);

    public static int WaitAny(Task[] tasks, TimeSpan timeout)
    {
        if (Parking.IsOriginal(timeout) || !CanPark(tasks))
        {
            return Task.WaitAny(tasks, timeout);
        }

        return EndAny(tasks, timeout, CancellationToken.None) ? Task.WaitAny(tasks) : -1;
    }

    public static int WaitAny(Task[] tasks, int millisecondsTimeout, CancellationToken cancellationToken)
    {
        if (Parking.IsOriginal(millisecondsTimeout) || !CanPark(tasks))
        {
            return Task.WaitAny(tasks, millisecondsTimeout, cancellationToken);
        }

        return EndAny(tasks, Parking.Time(millisecondsTimeout), cancellationToken) ? Task.WaitAny(tasks, cancellationToken) : -1;
    }

    // What the original refuses it shall refuse.
    private static bool CanPark(Task[] tasks) => tasks is { Length: > 0 } && Array.TrueForAll(tasks, task => task is not null);

    private static bool EndAny(Task[] tasks, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (Array.Exists(tasks, task => task.IsCompleted))
        {
            return true;
        }

        using CancellationTokenSource leaving = new(); // so that nothing stays behind at tasks that go on
        Task<Task> first = Task.WhenAny(Array.ConvertAll(tasks, task => task.WaitAsync(leaving.Token)));
        bool isEnded = Parking.End(first, timeout, cancellationToken);
        leaving.Cancel();
        return isEnded || Array.Exists(tasks, task => task.IsCompleted);
    }

    private static bool EndAll(Task[] tasks, TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (!CanPark(tasks))
        {
            return true;
        }

        long start = Stopwatch.GetTimestamp();
        foreach (Task task in tasks)
        {
            TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? timeout : TimeSpan.FromTicks(Math.Max(0, (timeout - Stopwatch.GetElapsedTime(start)).Ticks));
            if (!Parking.End(task, left, cancellationToken))
            {
                return false;
            }
        }

        return true;
    }
}
