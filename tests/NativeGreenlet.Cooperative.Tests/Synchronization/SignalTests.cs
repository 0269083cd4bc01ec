using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>A signal for one task, once.</summary>
public class SignalTests
{
    private const int Rounds = 20_000;

    [Fact]
    public void One_that_is_set_lets_go_on_at_once_and_for_ever() => InHub.Run(() =>
    {
        GreenSignal signal = new();
        Assert.False(signal.IsSet);
        Assert.False(signal.Wait(TimeSpan.Zero));
        Assert.Equal("a signal", signal.ToString());
        signal.Set();
        signal.Set();

        signal.Wait();
        Assert.True(signal.Wait(TimeSpan.Zero));
        Assert.True(signal.IsSet);
        Assert.Equal("a signal (set)", signal.ToString());
    });

    [Fact]
    public void A_wait_that_was_given_up_may_begin_again() => InHub.Run(() =>
    {
        GreenSignal signal = new();
        Assert.False(signal.Wait(InHub.Tick));
        using CancellationTokenSource source = new(InHub.Tick);
        Assert.Equal(source.Token, Assert.Throws<OperationCanceledException>(() => signal.Wait(source.Token)).CancellationToken);
        GreenTask killed = Hub.Spawn(signal.Wait);
        Hub.Yield();
        Assert.True(killed.Kill(timeout: InHub.Patience));

        GreenTask<bool> task = Hub.Spawn(() => signal.Wait(InHub.Patience));
        Hub.Yield();
        signal.Set();
        Assert.True(task.Result);
    });

    [Fact]
    public void A_second_task_is_refused_and_changes_nothing() => InHub.Run(() =>
    {
        GreenSignal signal = new();
        GreenTask first = Hub.Spawn(signal.Wait);
        Hub.Yield();
        Assert.Throws<InvalidOperationException>(signal.Wait);
        Hub.Yield(); // the caller can wait for something else
        signal.Set();
        Assert.True(first.Join(InHub.Patience));
    });

    [Fact]
    public void Outside_a_hub_nobody_waits() => Assert.Throws<MissingHubException>(new GreenSignal().Wait);

    [Fact]
    public void A_wait_for_it_is_no_deadlock()
    {
        int suspicions = 0;
        GreenSignal signal = new();
        using Timer timer = new(_ => signal.Set(), null, TimeSpan.FromMilliseconds(500), Timeout.InfiniteTimeSpan);
        Hub.Run(
            () =>
            {
                Hub.Current.DeadlockSuspected += (_, _) => suspicions++;
                signal.Wait();
            },
            new HubOptions { DeadlockPatience = TimeSpan.FromMilliseconds(20) });
        Assert.Equal(0, suspicions);
    }

    // Whoever sets it looks for who waits while that looks whether it is set.
    [Fact]
    public void No_wake_up_is_lost() => InHub.Run(() =>
    {
        GreenSignal? current = null;
        bool isOver = false;
        Thread setter = new(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                Interlocked.Exchange(ref current, null)?.Set();
            }
        });
        setter.Start();
        try
        {
            for (int i = 0; i < Rounds; i++)
            {
                GreenSignal signal = new();
                Volatile.Write(ref current, signal);
                if (i % 3 == 0)
                {
                    signal.Wait(TimeSpan.FromTicks(i % 100)); // too short, mostly
                }

                Assert.True(signal.Wait(InHub.Patience), $"round {i}");
            }
        }
        finally
        {
            Volatile.Write(ref isOver, true);
            setter.Join();
        }
    });
}
