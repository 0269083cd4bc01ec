using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Orleans;

/// <summary>Says how the hubs of a silo behave. See
/// <see cref="GreenletSiloBuilderExtensions.AddGreenlets(global::Orleans.Hosting.ISiloBuilder, Action{OrleansGreenletOptions})"/>.</summary>
/// <example><code>
/// siloBuilder.AddGreenlets(options =>
/// {
///     options.HubCount = 4;
///     options.DeactivationGrace = TimeSpan.FromSeconds(2);
/// });
/// </code></example>
public sealed class OrleansGreenletOptions
{
    /// <summary>Gets or sets how many hubs the silo has, each with a thread; null for one for each processor. All calls of an activation run in
    /// one of them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is set to a number that is not positive.</exception>
    public int? HubCount
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value ?? 1, nameof(value));
            field = value;
        }
    }

    /// <summary>Gets how the hubs behave. What they wait for is outside of them mostly, so they look for no deadlocks unless
    /// <see cref="HubOptions.DeadlockPatience"/> is set.</summary>
    public HubOptions Hub { get; } = new() { Name = "silo hub", DeadlockPatience = Timeout.InfiniteTimeSpan };

    /// <summary>Gets or sets how long calls that go on when a deactivation begins, be it that the silo stops, may go on. What waits then is
    /// killed: an exception leaves its wait, and its <c>finally</c> blocks run. Ten seconds unless it is set;
    /// <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is set to a negative time.</exception>
    public TimeSpan DeactivationGrace
    {
        get;
        set
        {
            if (value != Timeout.InfiniteTimeSpan)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero, nameof(value));
            }

            field = value;
        }
    } = TimeSpan.FromSeconds(10);
}
