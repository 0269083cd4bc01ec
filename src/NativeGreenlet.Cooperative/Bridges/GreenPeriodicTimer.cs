using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>Lets a task wait for ticks at regular times: <see cref="PeriodicTimer"/> in the hub's own time
/// (<see cref="HubOptions.TimeProvider"/>), without a .NET timer and without a .NET task for each tick.</summary>
/// <remarks>Ticks that nobody waited for are one: who comes late gets it at once, and the next one at its regular time. Use it in one
/// hub.</remarks>
/// <example><code>
/// Hub.Run(() =>
/// {
///     using GreenPeriodicTimer timer = new(TimeSpan.FromSeconds(1));
///     for (int i = 0; i != 3 &amp;&amp; timer.WaitForNextTick(); i++)
///     {
///         Console.WriteLine(i);
///     }
/// });
/// </code></example>
public sealed class GreenPeriodicTimer : IDisposable
{
    private readonly GreenEvent _ended = new();
    private long _due;

    /// <summary>Starts a timer. Its first tick comes after one period.</summary>
    /// <param name="period">The time from one tick to the next.</param>
    /// <exception cref="ArgumentOutOfRangeException">The period is not positive.</exception>
    public GreenPeriodicTimer(TimeSpan period)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        Period = period;
        _due = HubClock.After(period);
    }

    /// <summary>Gets the time from one tick to the next.</summary>
    public TimeSpan Period { get; }

    /// <summary>Waits for the next tick.</summary>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>Whether there was one; false if the timer was disposed of.</returns>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool WaitForNextTick(CancellationToken cancellationToken = default)
    {
        Hub.RequireTask();
        if (_ended.Wait(HubClock.Until(_due), cancellationToken))
        {
            return false;
        }

        if (_due != long.MaxValue)
        {
            _due += (Math.Max(0, HubClock.Now - _due) / Period.Ticks * Period.Ticks) + Period.Ticks;
        }

        return true;
    }

    /// <summary>Ends the timer: waits return false, now and later.</summary>
    public void Dispose() => _ended.Set();
}
