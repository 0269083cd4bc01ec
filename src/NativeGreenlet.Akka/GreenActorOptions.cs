using Akka.Actor;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka;

/// <summary>Says how the hubs of an actor system are: <see cref="GreenActors.UseHubs(ActorSystem, GreenActorOptions)"/>.</summary>
/// <example><code>
/// ActorSystem system = ActorSystem.Create("bank");
/// system.UseHubs(new GreenActorOptions { Hubs = 2 });
/// </code></example>
public sealed class GreenActorOptions
{
    /// <summary>Gets how many hubs there are, each with a thread of its own; null for one for each processor. An actor stays on
    /// one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is set to a number that is not positive.</exception>
    public int? Hubs
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value ?? 1, nameof(value));
            field = value;
        }
    }

    /// <summary>Gets how long an actor that is stopped or restarted waits for the <c>finally</c> blocks of the handler that it has killed;
    /// five seconds unless it is set. After that it goes on without it, and says so in its log.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is set to a negative time.</exception>
    public TimeSpan StopGrace
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero, nameof(value));
            field = value;
        }
    } = TimeSpan.FromSeconds(5);

    /// <summary>Gets what is done with the options of the hubs before these start. They look for no deadlocks unless it is set here: messages
    /// come from everywhere.</summary>
    public Action<HubOptions>? ConfigureHubs { get; init; }
}
