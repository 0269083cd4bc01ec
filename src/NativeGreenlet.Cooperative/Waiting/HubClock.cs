using System.Diagnostics;

namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>The hubs' time: monotonic, in units of <see cref="TimeSpan.Ticks"/>.</summary>
internal static class HubClock
{
    public static long Now => Stopwatch.GetElapsedTime(0).Ticks;

    /// <summary>When a span from now on ends; <see cref="long.MaxValue"/> for one that does not.</summary>
    public static long After(TimeSpan span)
    {
        if (span == Timeout.InfiniteTimeSpan)
        {
            return long.MaxValue;
        }

        long now = Now;
        return span.Ticks > long.MaxValue - now ? long.MaxValue : now + span.Ticks;
    }

    /// <summary>How long it is until a time: not negative; <see cref="Timeout.InfiniteTimeSpan"/> for <see cref="long.MaxValue"/>.</summary>
    public static TimeSpan Until(long time) => time == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromTicks(Math.Max(0, time - Now));

    /// <summary>Refuses negative spans other than <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    public static void Check(TimeSpan span, string parameter)
    {
        if (span < TimeSpan.Zero && span != Timeout.InfiniteTimeSpan)
        {
            throw new ArgumentOutOfRangeException(parameter, span, "A time must not be negative; Timeout.InfiniteTimeSpan stands for no limit.");
        }
    }
}
