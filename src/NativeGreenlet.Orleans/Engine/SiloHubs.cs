using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Orleans.Turns;
using Orleans;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Runtime.Diagnostics;

namespace NativeGreenlet.Orleans.Engine;

/// <summary>The hubs of a silo: begun before its grains, ended after them.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The silo's life cycle ends them.")]
internal sealed class SiloHubs(IServiceProvider services, IOptions<OrleansGreenletOptions> options) : ILifecycleParticipant<ISiloLifecycle>, IObserver<GrainLifecycleEvents.LifecycleEvent>
{
    private readonly ConditionalWeakTable<IGrainContext, ActivationTurns> _turns = [];
    private readonly TimeSpan _grace = options.Value.DeactivationGrace;
    private HubPool? _pool;
    private SiloHub[] _hubs = [];
    private IDisposable? _events;
    private Meter? _meter;
    private uint _next;

    /// <summary>The hubs; none before the start.</summary>
    public IReadOnlyList<SiloHub> Hubs => _hubs;

    /// <summary>Those of the silo of an activation.</summary>
    public static SiloHubs Of(IGrainContext context) => context.ActivationServices.GetService<SiloHubs>()
        ?? throw new InvalidOperationException("The silo of this grain has no greenlets. Add them: siloBuilder.AddGreenlets().");

    public void Participate(ISiloLifecycle lifecycle) => lifecycle.Subscribe(nameof(SiloHubs), ServiceLifecycleStage.RuntimeInitialize, StartAsync, StopAsync);

    /// <summary>The turns of an activation. Called in one of them.</summary>
    public ActivationTurns TurnsOf(IGrainContext context) => _turns.TryGetValue(context, out ActivationTurns? turns) ? turns : AddTurns(context);

    void IObserver<GrainLifecycleEvents.LifecycleEvent>.OnCompleted()
    {
    }

    void IObserver<GrainLifecycleEvents.LifecycleEvent>.OnError(Exception error)
    {
    }

    // Of all silos in the process. It has no effect on those that are not this one's.
    void IObserver<GrainLifecycleEvents.LifecycleEvent>.OnNext(GrainLifecycleEvents.LifecycleEvent value)
    {
        if (value is GrainLifecycleEvents.Deactivating deactivating && _turns.TryGetValue(value.GrainContext, out ActivationTurns? turns))
        {
            turns.KillAfter(_grace, deactivating.Reason);
        }
    }

    private ActivationTurns AddTurns(IGrainContext context)
    {
        if (_hubs.Length == 0)
        {
            throw new InvalidOperationException("The silo has not started, or has stopped: it has no hubs.");
        }

        return _turns.GetValue(context, Create);

        ActivationTurns Create(IGrainContext activation) => new(activation, _hubs[Interlocked.Increment(ref _next) % (uint)_hubs.Length]);
    }

    private Task StartAsync(CancellationToken cancellationToken)
    {
        OrleansInternals.Check(services);
        GrainMethods.Check(services.GetRequiredService<IOptions<GrainTypeOptions>>().Value.Classes);
        _pool = new HubPool(options.Value.Hub, options.Value.HubCount);
        _hubs = [.. _pool.Hubs.Select(static hub => new SiloHub(hub))];
        _events = GrainLifecycleEvents.AllEvents.Subscribe(this);
        AddInstruments(services.GetRequiredService<IMeterFactory>());
        return Task.CompletedTask;
    }

    private async Task StopAsync(CancellationToken cancellationToken)
    {
        _events?.Dispose();
        _meter?.Dispose();
        if (_pool is { } pool)
        {
            await pool.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void AddInstruments(IMeterFactory factory)
    {
        _meter = factory.Create("NativeGreenlet.Orleans");
        _meter.CreateObservableUpDownCounter("nativegreenlet.orleans.hubs", () => _hubs.Length, "{hub}", "Hubs of the silo.");
        _meter.CreateObservableUpDownCounter("nativegreenlet.orleans.calls", () => PerHub(static hub => hub.Calls), "{call}", "Calls of grains that go on.");
        _meter.CreateObservableCounter("nativegreenlet.orleans.slices", () => PerHub(static hub => hub.Slices), "{slice}", "Turns of activations that a hub had.");
        _meter.CreateObservableCounter("nativegreenlet.orleans.aside", () => PerHub(static hub => hub.Aside), "{slice}", "Turns that a task was put aside for, because another had it.");
        _meter.CreateObservableCounter("nativegreenlet.orleans.requested", () => PerHub(static hub => hub.Requested), "{turn}", "Work items that were queued to get a turn.");
        _meter.CreateObservableCounter("nativegreenlet.orleans.held", () => PerHub(static hub => hub.Held), "{turn}", "Turns for which a thread of the pool was blocked: the last resort.");
    }

    private IEnumerable<Measurement<long>> PerHub(Func<SiloHub, long> figure) =>
        _hubs.Select(hub => new Measurement<long>(figure(hub), new KeyValuePair<string, object?>("nativegreenlet.hub.name", hub.Hub.Name)));
}
