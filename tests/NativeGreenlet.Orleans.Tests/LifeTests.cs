using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using NativeGreenlet.Orleans.Engine;
using NativeGreenlet.Orleans.Tests.Grains;
using NativeGreenlet.Orleans.Tests.Infrastructure;
using Orleans.Runtime;

namespace NativeGreenlet.Orleans.Tests;

/// <summary>Deactivations and the end of a silo.</summary>
public class LifeTests
{
    [Fact]
    public async Task A_deactivation_kills_what_waits_after_its_grace()
    {
        TestSilo silo = new(static builder => builder.AddGreenlets(static options => options.DeactivationGrace = TimeSpan.FromMilliseconds(50)));
        await silo.InitializeAsync();
        string key = Guid.NewGuid().ToString();
        IProbe probe = silo.Grains.GetGrain<IProbe>(1);
        Task waiting = probe.WaitForEver(key);
        await Signals.Of(key + " waits").WaitAsync(TestSilo.Long);
        await probe.Leave(); // gets in between
        OrleansException exception = await Assert.ThrowsAsync<OrleansException>(() => waiting.WaitAsync(TestSilo.Long));
        Assert.Contains("still waited", exception.Message, StringComparison.Ordinal);
        await Signals.Of(key + " cleaned").WaitAsync(TestSilo.Long);
        Assert.Equal(1, await probe.Increment(onGreenlet: true).WaitAsync(TestSilo.Long)); // a new activation
        await silo.DisposeAsync();
    }

    [Fact]
    public async Task A_call_that_asks_for_the_deactivation_and_ends_in_time_is_not_killed()
    {
        TestSilo silo = new(static builder => builder.AddGreenlets());
        await silo.InitializeAsync();
        IProbe probe = silo.Grains.GetGrain<IProbe>(1);
        Assert.Equal(1, await probe.Increment(onGreenlet: true));
        await probe.Leave();
        Assert.Equal(1, await probe.Increment(onGreenlet: true));
        await silo.DisposeAsync();
    }

    [Fact]
    public async Task A_silo_that_stops_kills_what_waits_and_ends_its_hubs()
    {
        TestSilo silo = new(static builder => builder.AddGreenlets(static options => options.DeactivationGrace = TimeSpan.FromMilliseconds(50)));
        await silo.InitializeAsync();
        SiloHubs hubs = silo.Services.GetRequiredService<SiloHubs>();
        string[] keys = [.. Enumerable.Range(0, 20).Select(static _ => Guid.NewGuid().ToString())];
        Task[] waiting = [.. keys.Select((key, number) => silo.Grains.GetGrain<IProbe>(number).WaitForEver(key))];
        await Task.WhenAll(keys.Select(static key => Signals.Of(key + " waits"))).WaitAsync(TestSilo.Long);
        await silo.DisposeAsync().AsTask().WaitAsync(TestSilo.Long);
        await Task.WhenAll(keys.Select(static key => Signals.Of(key + " cleaned"))).WaitAsync(TestSilo.Long);
        Assert.All(waiting, static each => Assert.True(each.IsFaulted || each.IsCanceled));
        foreach (SiloHub hub in hubs.Hubs)
        {
            Assert.Throws<ObjectDisposedException>(() => hub.Hub.Post(static () => { }));
        }
    }

    [Fact]
    public async Task The_load_of_the_hubs_is_among_the_metrics()
    {
        TestSilo silo = new(static builder => builder.AddGreenlets(static options => options.HubCount = 3));
        await silo.InitializeAsync();
        string key = Guid.NewGuid().ToString();
        Task waiting = silo.Grains.GetGrain<IProbe>(1).WaitForEver(key);
        await Signals.Of(key + " waits").WaitAsync(TestSilo.Long);
        Dictionary<string, long> figures = [];
        using MeterListener listener = new();
        IMeterFactory factory = silo.Services.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Meter.Name == "NativeGreenlet.Orleans" && instrument.Meter.Scope == factory)
            {
                own.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => figures[instrument.Name] = figures.GetValueOrDefault(instrument.Name) + value);
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => figures[instrument.Name] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(3, figures["nativegreenlet.orleans.hubs"]);
        Assert.Equal(1, figures["nativegreenlet.orleans.calls"]);
        Assert.InRange(figures["nativegreenlet.orleans.slices"], 1, long.MaxValue);
        Signals.Set(key + " go on");
        await waiting;
        await silo.DisposeAsync();
    }
}
