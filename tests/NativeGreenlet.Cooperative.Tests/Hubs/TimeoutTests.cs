using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Timeouts, alone and nested.</summary>
public class TimeoutTests
{
    [Fact]
    public void A_timeout_silences_only_itself() => InHub.Run(() =>
    {
        Assert.False(GreenTimeout.TryRun(InHub.Tick, () => Hub.Sleep(InHub.Long)));
        Assert.True(GreenTimeout.TryRun(InHub.Long, () => Hub.Sleep(InHub.Tick)));
        bool innerReturned = false;
        Assert.False(GreenTimeout.TryRun(InHub.Tick, () =>
        {
            _ = GreenTimeout.TryRun(InHub.Long, () => Hub.Sleep(InHub.Long));
            innerReturned = true;
        }));
        Assert.False(innerReturned); // the outer one's exception went through the inner one
    });

    [Fact]
    public void A_timeout_throws_its_own_exception() => InHub.Run(() =>
    {
        using GreenTimeout outer = new(InHub.Long);
        GreenTimeoutException exception = Assert.Throws<GreenTimeoutException>(() =>
        {
            using GreenTimeout mine = new(InHub.Tick);
            Hub.Sleep(InHub.Long);
        });
        Assert.NotSame(outer, exception.Timeout);
        Assert.True(exception.Timeout!.IsExpired && exception.Timeout.Owns(exception) && !outer.IsExpired);
        Assert.Throws<InvalidTimeZoneException>(() =>
        {
            using GreenTimeout mine = new(InHub.Tick, new InvalidTimeZoneException());
            Hub.Sleep(InHub.Long);
        });
        Assert.Throws<GreenTimeoutException>(() => GreenTimeout.Run(InHub.Tick, () => Hub.Await(new TaskCompletionSource<int>().Task)));
    });

    [Fact]
    public void One_that_is_over_throws_nothing() => InHub.Run(() =>
    {
        using (new GreenTimeout(InHub.Tick))
        {
            Thread.Sleep(20); // due, but nothing waits
        }

        Hub.Yield();
        GreenEvent signal = new();
        Hub.Spawn(() =>
        {
            signal.Set();
            Thread.Sleep(600); // due, but the wait is over already
        });
        using (new GreenTimeout(TimeSpan.FromMilliseconds(500)))
        {
            signal.Wait();
        }

        Hub.Sleep(InHub.Tick * 30);
    });

    [Fact]
    public void One_that_was_due_while_nothing_waited_throws_at_the_next_wait() => InHub.Run(() =>
    {
        GreenEvent signal = new();
        Hub.Spawn(() =>
        {
            signal.Set();
            Thread.Sleep(600);
        });
        using GreenTimeout timeout = new(TimeSpan.FromMilliseconds(500));
        signal.Wait(); // over before the time is
        GreenTimeoutException exception = Assert.Throws<GreenTimeoutException>((Action)YieldForEver);
        Assert.Same(timeout, exception.Timeout);

        static void YieldForEver()
        {
            while (true)
            {
                Hub.Yield();
            }
        }
    });
}
