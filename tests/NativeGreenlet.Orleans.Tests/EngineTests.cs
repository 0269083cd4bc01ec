using NativeGreenlet.Orleans.Tests.Grains;
using NativeGreenlet.Orleans.Tests.Infrastructure;
using Orleans.Runtime;

namespace NativeGreenlet.Orleans.Tests;

/// <summary>Timers, reminders, streams, storage and transactions, in blocking style.</summary>
public class EngineTests(TestSilo silo) : IClassFixture<TestSilo>
{
    private static long s_next;

    [Fact]
    public async Task A_body_runs_in_turns_of_the_grain() => Assert.Equal("ActivationTaskScheduler", await New().RunBody());

    [Fact]
    public async Task A_timer_waits_in_blocking_style()
    {
        string key = Guid.NewGuid().ToString();
        await New().Tick(key, 5);
        await Signals.Of(key).WaitAsync(TestSilo.Long);
    }

    [Fact]
    public async Task A_reminder_comes_and_is_given_back()
    {
        string key = Guid.NewGuid().ToString();
        await New().Remind(key);
        await Signals.Of(key).WaitAsync(TestSilo.Long);
    }

    [Fact]
    public async Task Items_of_a_stream_come_in_their_order()
    {
        string key = Guid.NewGuid().ToString();
        Guid stream = Guid.NewGuid();
        await New().Subscribe(stream, key);
        await New().Send(stream, 10);
        await Signals.Of(key).WaitAsync(TestSilo.Long);
    }

    [Fact]
    public async Task State_is_written_and_read()
    {
        ICallbacks grain = New();
        Assert.Equal(0, await grain.Store(3));
        Assert.Equal(3, await grain.Store(4));
    }

    [Fact]
    public async Task A_transaction_is_whole_or_not_at_all()
    {
        IPurse first = silo.Grains.GetGrain<IPurse>(1);
        IPurse second = silo.Grains.GetGrain<IPurse>(2);
        IPurse mover = silo.Grains.GetGrain<IPurse>(3);
        await first.Add(10).WaitAsync(TestSilo.Long);
        await mover.Move(first, second, 4, isToFail: false).WaitAsync(TestSilo.Long);
        await Assert.ThrowsAnyAsync<OrleansException>(() => mover.Move(first, second, 4, isToFail: true).WaitAsync(TestSilo.Long));
        Assert.Equal(6, await first.Read().WaitAsync(TestSilo.Long));
        Assert.Equal(4, await second.Read().WaitAsync(TestSilo.Long));
    }

    private ICallbacks New() => silo.Grains.GetGrain<ICallbacks>(Interlocked.Increment(ref s_next));
}
