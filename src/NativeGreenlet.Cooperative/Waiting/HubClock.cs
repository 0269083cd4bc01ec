using System.Diagnostics;
using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>The time of a hub: monotonic, in units of <see cref="TimeSpan.Ticks"/>. The static members mean that of the caller's
/// hub; outside of hubs, the system's.</summary>
internal sealed class HubClock(TimeProvider provider)
{
    /// <summary>The state of .NET tasks that tasks of hubs complete.</summary>
    public static readonly object Inside = new();

    // Elapsed time is computed in floating point: from a start far away it would not be exact.
    private readonly long _start = provider.GetTimestamp();

    /// <summary>Whether it is the system's time, by which the thread itself can sleep.</summary>
    public bool IsSystem { get; } = provider == TimeProvider.System;

    /// <summary>Whether it is the time of a provider.</summary>
    public bool IsOf(TimeProvider other) => provider == other;

    /// <summary>The caller's time.</summary>
    public static long Now => HubLoop.OfThisThreadOrNull is { } here ? here.Clock.Time : SystemTime;

    /// <summary>The time now.</summary>
    public long Time => IsSystem ? SystemTime : provider.GetElapsedTime(_start, provider.GetTimestamp()).Ticks;

    private static long SystemTime => Stopwatch.GetElapsedTime(0).Ticks;

    /// <summary>When a span from now on ends, for the caller; <see cref="long.MaxValue"/> for one that does not.</summary>
    public static long After(TimeSpan span) => span == Timeout.InfiniteTimeSpan ? long.MaxValue : Add(Now, span);

    /// <summary>When a span from now on ends; <see cref="long.MaxValue"/> for one that does not.</summary>
    public long In(TimeSpan span) => span == Timeout.InfiniteTimeSpan ? long.MaxValue : Add(Time, span);

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

    private static long Add(long now, TimeSpan span) => span.Ticks > long.MaxValue - now ? long.MaxValue : now + span.Ticks;
}
