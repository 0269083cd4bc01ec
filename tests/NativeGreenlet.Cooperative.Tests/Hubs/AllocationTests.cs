using NativeGreenlet.Common;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>What hot paths allocate: nothing.</summary>
public class AllocationTests
{
    [UnfrozenFact("a freeze allocates")]
    public void Yield_sleep_and_await_of_what_is_complete_allocate_nothing() => InHub.Run(() =>
    {
        if (GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            return; // each greenlet counts for itself there
        }

        Task<int> complete = Task.FromResult(1);
        GreenTask other = Hub.Spawn(() =>
        {
            while (true)
            {
                Hub.Yield();
            }
        });
        long least = long.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 2000; i++)
            {
                Hub.Yield();
                _ = Hub.Await(complete);
                if (i % 200 == 0)
                {
                    Hub.Sleep(TimeSpan.FromTicks(1));
                }
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        other.Kill();
    });

    // A run of one task, as of a request. What many a task never needs is made when it is needed: its ticket for queues, the queue of its
    // continuations, a list of the run's tasks.
    [UnfrozenFact("a freeze allocates")]
    public void A_main_task_that_waits_for_nothing_allocates_at_most_1100_bytes() => InHub.Run(() =>
    {
        if (GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            return; // each greenlet counts for itself there
        }

        const int Runs = 500;
        Hub hub = Hub.Current;
        Func<Task> body = static () => Task.CompletedTask;
        long least = long.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Runs; i++)
            {
                Hub.Await(hub.InvokeAsync(body));
            }

            least = Math.Min(least, (GC.GetAllocatedBytesForCurrentThread() - before) / Runs);
        }

        Assert.InRange(least, 1, 1100);
    });
}
