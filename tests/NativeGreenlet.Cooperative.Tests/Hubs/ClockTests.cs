using Microsoft.Extensions.Time.Testing;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>A hub whose time is a test's: nothing is due before the test says so, and then at once.</summary>
public class ClockTests
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    [Fact]
    public void A_sleep_ends_when_its_time_has_come_and_not_before()
    {
        FakeTimeProvider time = new();
        InHub.Run(
            () =>
            {
                List<string> order = [];
                GreenTask late = Hub.Spawn(() => Sleep(2 * s_hour, "late"));
                GreenTask early = Hub.Spawn(() => Sleep(s_hour, "early"));
                GreenTask started = Hub.SpawnLater(s_hour, () => order.Add("started"));
                Hub.Yield();
                time.Advance(s_hour - TimeSpan.FromTicks(1));
                Hub.Yield();
                Hub.Yield();
                Assert.Empty(order);
                time.Advance(TimeSpan.FromTicks(1));
                Hub.WaitAll(early, started);
                Assert.Equal(["early", "started"], order.Order());
                Assert.False(late.IsCompleted);
                time.Advance(s_hour);
                late.Join();
                Assert.Equal("late", order[^1]);

                void Sleep(TimeSpan span, string name)
                {
                    Hub.Sleep(span);
                    order.Add(name);
                }
            },
            new HubOptions { TimeProvider = time });
    }

    [Fact]
    public void Every_time_limit_counts_by_it()
    {
        FakeTimeProvider time = new();
        InHub.Run(
            () =>
            {
                GreenEvent never = new();
                GreenQueue<int> empty = new();
                GreenLock gate = new();
                GreenTask holder = Hub.Spawn(() =>
                {
                    gate.Enter();
                    Hub.Sleep(Timeout.InfiniteTimeSpan);
                });
                TaskCompletionSource source = new();
                Hub.Yield();
                GreenTask<bool>[] waits =
                [
                    Hub.Spawn(() => never.Wait(s_hour)),
                    Hub.Spawn(() => empty.TryGet(s_hour, out _)),
                    Hub.Spawn(() => gate.TryEnter(s_hour)),
                    Hub.Spawn(() => holder.Join(s_hour)),
                    Hub.Spawn(() => Hub.Await(source.Task, s_hour)),
                    Hub.Spawn(() => Hub.Await(token => Task.Delay(Timeout.Infinite, token), s_hour)),
                    Hub.Spawn(() => GreenTimeout.TryRun(s_hour, () => never.Wait())),
                    Hub.Spawn(() => Hub.Wait([never], s_hour).Count != 0),
                ];
                Hub.Yield();
                time.Advance(s_hour - TimeSpan.FromMilliseconds(1));
                Hub.Yield();
                Hub.Yield();
                Assert.All(waits, wait => Assert.False(wait.IsCompleted));
                time.Advance(TimeSpan.FromMilliseconds(1));
                Assert.All(waits, wait => Assert.False(wait.Result));
            },
            new HubOptions { TimeProvider = time });
    }

    /// <summary>The hub sleeps, on a bell or in the poller, and is woken by the time that another thread moves forward.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hub_that_sleeps_is_woken_by_its_time(bool hasPoller)
    {
        FakeTimeProvider time = new();
        using Hub hub = new(new HubOptions { Name = "fake", TimeProvider = time });
        for (int i = 0; i < 200; i++)
        {
            TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
            Task sleeping = hub.InvokeAsync(() =>
            {
                _ = hasPoller ? Hub.Current.Poller : null;
                begun.SetResult();
                Hub.Sleep(s_hour);
            });
            await begun.Task;

            // It may not sleep yet: then the time moves while it sets its alarm. What is added is no more than it asked for.
            while (!sleeping.IsCompleted)
            {
                time.Advance(s_hour);
                await Task.WhenAny(sleeping, Task.Delay(1));
            }

            await sleeping;
        }
    }

    /// <summary>The alarm counts from when it is set. What of the time goes by just before is not added to the wait.</summary>
    [Fact]
    public async Task A_step_of_time_that_comes_while_the_hub_sets_its_alarm_is_not_lost()
    {
        SteppingTimeProvider time = new(s_hour);
        using Hub hub = new(new HubOptions { TimeProvider = time });
        await hub.InvokeAsync(() => Hub.Sleep(s_hour)).WaitAsync(InHub.Patience);
    }

    [Fact]
    public void Hubs_without_options_have_the_time_of_the_system() => InHub.Run(() =>
    {
        Assert.Same(TimeProvider.System, Hub.Current.Loop.Options.TimeProvider);
        Assert.True(Hub.Current.Loop.Clock.IsSystem);
    });

    [Fact]
    public void A_hub_keeps_the_options_it_was_given()
    {
        HubOptions options = new() { ShutdownGrace = TimeSpan.FromSeconds(3), Name = "mine" };
        using Hub hub = new(options);
        options.ShutdownGrace = TimeSpan.FromSeconds(4);
        Assert.Equal(TimeSpan.FromSeconds(3), hub.Loop.Options.ShutdownGrace);
        Assert.Equal("mine", hub.Name);
        Assert.Equal(0, hub.ThreadId); // its thread is started when it is needed
        Assert.Throws<ArgumentNullException>(() => options.TimeProvider = null!);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.DeadlockPatience = TimeSpan.FromTicks(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.ShutdownGrace = TimeSpan.FromTicks(-1));
    }

    // Goes on by one step just before the first timer is set.
    private sealed class SteppingTimeProvider(TimeSpan step) : FakeTimeProvider
    {
        private bool _hasStepped;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new SteppingTimer(this, base.CreateTimer(callback, state, dueTime, period));

        private void Step()
        {
            if (!_hasStepped)
            {
                _hasStepped = true;
                Advance(step);
            }
        }

        private sealed class SteppingTimer(SteppingTimeProvider provider, ITimer timer) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                provider.Step();
                return timer.Change(dueTime, period);
            }

            public void Dispose() => timer.Dispose();

            public ValueTask DisposeAsync() => timer.DisposeAsync();
        }
    }
}
