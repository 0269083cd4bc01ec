using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Several bodies for one result: who is not needed is killed, and has ended when the call returns.</summary>
public class RaceTests
{
    [Fact]
    public void The_first_success_kills_and_joins_the_rest() => InHub.Run(() =>
    {
        int ended = 0;
        int slow() => Guarded(() => Hub.Sleep(InHub.Long * 10), () => ended++);
        int failing() => throw new FormatException();
        Assert.Equal(3, GreenNursery.FirstSuccess(slow, failing, () => { Hub.Sleep(InHub.Tick); return 3; }, slow));
        Assert.Equal(2, ended); // their finally blocks wait, too
    });

    [Fact]
    public void If_all_fail_every_exception_is_told() => InHub.Run(() =>
    {
        AggregateException all = Assert.Throws<AggregateException>(() => GreenNursery.FirstSuccess<int>(
            () => { Hub.Yield(); throw new FormatException(); },
            () => throw new NotSupportedException(),
            () => throw new GreenletExit()));
        Assert.Equal([typeof(FormatException), typeof(NotSupportedException), typeof(GreenTaskKilledException)], all.InnerExceptions.Select(each => each.GetType()));
    });

    [Fact]
    public void The_first_result_may_be_an_exception() => InHub.Run(() =>
    {
        int ended = 0;
        int slow() => Guarded(() => Hub.Sleep(InHub.Long * 10), () => ended++);
        Assert.Throws<FormatException>(() => GreenNursery.First(slow, () => throw new FormatException()));
        Assert.Equal(5, GreenNursery.First(slow, () => 5));
        Assert.Throws<GreenTaskKilledException>(() => GreenNursery.First(slow, () => throw new GreenletExit()));
        Assert.Equal(3, ended);
    });

    [Fact]
    public void All_or_the_first_failure() => InHub.Run(() =>
    {
        int ended = 0;
        int slow() => Guarded(() => Hub.Sleep(InHub.Long * 10), () => ended++);
        Assert.Equal([1, 2], GreenNursery.All(() => { Hub.Sleep(InHub.Tick); return 1; }, () => 2));
        Assert.Empty(GreenNursery.All(Array.Empty<Func<int>>()));
        Assert.Throws<FormatException>(() => GreenNursery.All(slow, () => throw new FormatException(), slow));
        Assert.Equal(2, ended);
        Assert.Throws<GreenTaskKilledException>(() => GreenNursery.All(slow, () => throw new GreenletExit()));
        Assert.Equal(3, ended);
    });

    [Fact]
    public void A_time_a_token_and_a_kill_end_all() => InHub.RunInTestTime(() =>
    {
        int ended = 0;
        Func<int>[] bodies = [.. Enumerable.Repeat<Func<int>>(() => Guarded(() => Hub.Sleep(InHub.Long * 10), () => ended++), 2)];
        foreach (Action<TimeSpan, CancellationToken> race in (Action<TimeSpan, CancellationToken>[])
            [
                (time, token) => GreenNursery.FirstSuccess(bodies, time, token),
                (time, token) => GreenNursery.First(bodies, time, token),
                (time, token) => GreenNursery.All(bodies, time, token),
            ])
        {
            ended = 0;
            Assert.Throws<TimeoutException>(() => race(InHub.Tick, CancellationToken.None));
            Assert.Equal(2, ended);
            using CancellationTokenSource source = new();
            GreenTask waiter = Hub.Spawn(() => Assert.Throws<OperationCanceledException>(() => race(Timeout.InfiniteTimeSpan, source.Token)));
            Hub.Sleep(InHub.Tick);
            source.Cancel();
            waiter.Join();
            Assert.Null(waiter.Exception);
            Assert.Equal(4, ended);
            Assert.Throws<OperationCanceledException>(() => race(Timeout.InfiniteTimeSpan, source.Token)); // nobody begins
            GreenTask killed = Hub.Spawn(() => race(Timeout.InfiniteTimeSpan, CancellationToken.None));
            Hub.Sleep(InHub.Tick);
            killed.Kill();
            Assert.True(killed.IsKilled);
            Assert.Equal(6, ended);
        }
    });

    [Fact]
    public void Asynchronous_bodies() => InHub.Run(() =>
    {
        static async Task<int> after(int result)
        {
            await Task.Delay(result);
            return result;
        }

        // It waits in the hub, so that a kill ends it, however slow the machine is.
        Func<Task<int>> endless = async () =>
        {
            await Task.Yield();
            Hub.Sleep(InHub.Long * 10);
            return 20;
        };
        Func<Task<int>>[] bodies = [() => after(1), endless];
        Assert.Equal(1, GreenNursery.FirstSuccess(bodies));
        Assert.Equal(1, GreenNursery.First(bodies));
        Assert.Equal([3, 1], GreenNursery.All(() => after(3), () => after(1)));
        Assert.Equal(2, GreenNursery.First(endless, async () => await after(2)));
        Assert.Throws<TimeoutException>(() => GreenNursery.All([endless], InHub.Tick * 10, CancellationToken.None));
    });

    [Fact]
    public void Bad_input_gets_a_sentence() => InHub.Run(() =>
    {
        Assert.Contains("no body", Assert.Throws<ArgumentException>(() => GreenNursery.First(Array.Empty<Func<int>>())).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => GreenNursery.All<int>([null!]));
        Assert.Throws<ArgumentNullException>(() => GreenNursery.FirstSuccess((IEnumerable<Func<int>>)null!));
    });

    // Its end takes a moment.
    private static int Guarded(Action body, Action end)
    {
        try
        {
            body();
            return 0;
        }
        finally
        {
            Hub.Yield();
            end();
        }
    }
}
