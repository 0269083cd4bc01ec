using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>The hubs of an actor system. They start with the first actor that is on them, and end when the system has
/// terminated.</summary>
internal sealed class ActorHubs
{
    private static readonly ConditionalWeakTable<ActorSystem, ActorHubs> s_all = [];

    private readonly ActorSystem _system;
    private readonly Lock _lock = new();
    private GreenActorOptions _options = new();
    private volatile ActorHub[]? _hubs;

    private ActorHubs(ActorSystem system) => _system = system;

    /// <summary>How long a stopped actor waits for the end of its handler.</summary>
    public TimeSpan StopGrace => _options.StopGrace;

    /// <summary>Gets the hubs of a system.</summary>
    public static ActorHubs Of(ActorSystem system) => s_all.GetValue(system, static system => new ActorHubs(system));

    /// <summary>Says how they shall be, before they start.</summary>
    /// <exception cref="InvalidOperationException">They have started.</exception>
    public void Configure(GreenActorOptions options)
    {
        lock (_lock)
        {
            if (_hubs is not null)
            {
                throw new InvalidOperationException("The hubs of this actor system have started. Call UseHubs right after ActorSystem.Create, before the first actor on hubs is made.");
            }

            _options = options;
        }
    }

    /// <summary>Runs a mailbox on the hub of its actor. From any thread.</summary>
    public void Execute(IRunnable run)
    {
        ActorHub[] hubs = _hubs ?? Start();
        if (hubs.Length == 0 || !hubs[(uint)RuntimeHelpers.GetHashCode(run) % (uint)hubs.Length].TryExecute(run))
        {
            // The system has terminated: what is left is system messages that nobody waits for.
            ThreadPool.UnsafeQueueUserWorkItem(run, preferLocal: false);
        }
    }

    private ActorHub[] Start()
    {
        lock (_lock)
        {
            if (_hubs is { } started)
            {
                return started;
            }

            HubOptions options = new()
            {
                Name = $"{_system.Name} hub",
                DeadlockPatience = Timeout.InfiniteTimeSpan, // messages come from everywhere
            };
            _options.ConfigureHubs?.Invoke(options);
            HubPool pool = new(options, _options.Hubs) { OnHubStarted = hub => hub.UnhandledException += Log };
            ActorHub[] hubs = [.. pool.Hubs.Select(static hub => new ActorHub(hub))];
            _hubs = hubs;
            _ = EndAsync(pool);
            return hubs;
        }
    }

    private void Log(object? sender, HubUnhandledExceptionEventArgs told) =>
        _system.EventStream.Publish(new Error(told.Exception, ((Hub)sender!).Name, typeof(ActorHubs), $"{told.Task?.ToString() ?? "A callback"} ended with an exception that nobody waits for."));

    private async Task EndAsync(HubPool pool)
    {
        await _system.WhenTerminated.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        _hubs = [];
        await pool.DisposeAsync().ConfigureAwait(false);
    }
}
