using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Waits inside of native code that keeps pointers into the stack: they block the hub's thread, and nothing breaks.</summary>
public class PinnedTests
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(20);

    [Fact]
    public void A_wait_inside_a_type_load_ends_and_other_tasks_keep_their_order()
    {
        List<int> order = [];
        int number = 0;
        Hub.Run(() =>
        {
            GreenTask loading = Hub.Spawn(() => number = LoadedType.Use(() =>
            {
                Hub.Sleep(s_short);
                Hub.Await(Task.Delay(s_short));
                Hub.Yield();
            }));
            GreenTask[] others = [.. Enumerable.Range(0, 10).Select(i => Hub.Spawn(() =>
            {
                order.Add(i);
                Hub.Yield();
                order.Add(i + 10);
            }))];
            loading.Join();
            Hub.WaitAll(others);
        });

        Assert.Equal(42, number);
        Assert.Equal(Enumerable.Range(0, 20), order);
    }

    [Fact]
    public void A_wait_inside_a_type_load_has_its_time_limit()
    {
        bool hasTimedOut = false;
        int number = Hub.Run(() => LoadedType.Use(() =>
        {
            using GreenTimeout timeout = new(s_short);
            try
            {
                Hub.Await(new TaskCompletionSource().Task);
            }
            catch (GreenTimeoutException)
            {
                hasTimedOut = true;
            }
        }));

        Assert.True(hasTimedOut);
        Assert.Equal(42, number);
    }

    [Fact]
    public void The_watchdog_tells_which_method_pins()
    {
        using HubWatchdog watchdog = new(s_short);
        TaskCompletionSource<HubBlockedEventArgs> told = new(TaskCreationOptions.RunContinuationsAsynchronously);
        watchdog.Blocked += (_, arguments) =>
        {
            if (arguments.PinnedBy is not null || GreenletRuntime.Backend == GreenletBackend.Threads)
            {
                told.TrySetResult(arguments);
            }
        };
        watchdog.Start();

        int number = Hub.Run(() => LoadedType.Use(() => Hub.Await(GreenletRuntime.Backend == GreenletBackend.Threads ? Task.CompletedTask : told.Task.WaitAsync(InHub.Patience))));

        Assert.Equal(42, number);
        if (GreenletRuntime.Backend != GreenletBackend.Threads)
        {
            Assert.Contains("Load", told.Task.Result.PinnedBy, StringComparison.Ordinal);
        }
    }
}
