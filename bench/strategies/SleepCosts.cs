using System.Diagnostics;
using System.Globalization;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Strategies;

/// <summary>What timers cost tasks: so many sleep at once, and are woken, expire, are cancelled or killed. Tasks that wait for an event
/// without a timer are the control.</summary>
internal static class SleepCosts
{
    private const double PerTask = 50e-6; // seconds that a task has to begin, before all expire
    private static readonly TimeSpan s_long = TimeSpan.FromHours(1);

    /// <summary>Nanoseconds for each of the tasks. <c>begin</c>: spawned, begun and parked, without a timer; <c>timed</c>: with one;
    /// <c>wake</c>: woken and ended, without a timer; <c>untimed</c>: the same, and a timer is taken out; <c>expire</c>: its time comes and it ends;
    /// <c>cancel</c>: what a token's <c>Cancel</c> takes, <c>unwind</c>: and until they have ended by the exception; <c>kill</c>: killed and ended.</summary>
    public static string Measure(int count) => Hub.Run(() =>
    {
        Run(Math.Min(count, 10_000)); // compiles
        double[] values = Run(count);
        string[] names = ["begin", "wake", "timed", "untimed", "expire", "cancel", "unwind", "kill"];
        return string.Join(' ', names.Zip(values, (name, value) => string.Create(CultureInfo.InvariantCulture, $"{name} {value:F0}")));
    });

    private static double[] Run(int count)
    {
        GreenEvent plain = new();
        (GreenTask[] tasks, double begin) = Begin(count, plain.Wait);
        double wake = Time(count, () => End(tasks, plain.Set));

        GreenEvent timedEvent = new();
        (tasks, double timed) = Begin(count, () => timedEvent.Wait(s_long));
        double untimed = Time(count, () => End(tasks, timedEvent.Set));

        long start = Stopwatch.GetTimestamp();
        TimeSpan delay = TimeSpan.FromSeconds(1 + (count * PerTask));
        (tasks, _) = Begin(count, () => Hub.Sleep(delay - Stopwatch.GetElapsedTime(start)));
        if (Stopwatch.GetElapsedTime(start) >= delay)
        {
            throw new InvalidOperationException($"{count} tasks take longer to begin than {delay}.");
        }

        End(tasks, () => { });
        double expire = (Stopwatch.GetElapsedTime(start) - delay).TotalNanoseconds / count;

        using CancellationTokenSource source = new();
        (tasks, _) = Begin(count, () => SleepUntilCanceled(source.Token));
        double cancel = Time(count, source.Cancel);
        double unwind = Time(count, () => End(tasks, () => { }));

        GreenPool pool = new(count);
        for (int i = 0; i < count; i++)
        {
            _ = pool.Spawn(() => Hub.Sleep(s_long));
        }

        Hub.Yield();
        double kill = Time(count, () => pool.Kill());
        return [begin, wake, timed, untimed, expire, cancel, unwind, kill];
    }

    private static (GreenTask[] Tasks, double Nanoseconds) Begin(int count, Action body)
    {
        GreenTask[] tasks = new GreenTask[count];
        double taken = Time(count, () =>
        {
            for (int i = 0; i < count; i++)
            {
                tasks[i] = Hub.Spawn(body);
            }

            Hub.Yield(); // all have begun
        });
        return (tasks, taken);
    }

    private static void End(GreenTask[] tasks, Action end)
    {
        end();
        Array.ForEach(tasks, task => task.Join());
    }

    private static void SleepUntilCanceled(CancellationToken token)
    {
        try
        {
            Hub.Sleep(s_long, token);
        }
        catch (OperationCanceledException)
        {
        }
    }

    private static double Time(int count, Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / count;
    }
}
