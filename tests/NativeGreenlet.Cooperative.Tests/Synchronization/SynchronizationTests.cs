using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>Events, queues, channels, semaphores, locks, pools, nurseries: what each promises.</summary>
public class SynchronizationTests
{
    [Fact]
    public void An_event_wakes_all_that_wait() => InHub.Run(() =>
    {
        GreenEvent signal = new();
        int woken = 0;
        GreenTask[] tasks = [.. Enumerable.Range(0, 5).Select(_ => Hub.Spawn(() =>
        {
            signal.Wait();
            woken++;
        }))];
        Hub.Yield();
        Assert.Equal(0, woken);
        Assert.False(signal.Wait(InHub.Tick));
        signal.Set();
        Hub.WaitAll(tasks);
        Assert.Equal(5, woken);
        Assert.True(signal.Wait(TimeSpan.Zero));
        signal.Reset();
        Assert.False(signal.Wait(TimeSpan.Zero));
    });

    [Fact]
    public void A_completion_source_completes_once() => InHub.Run(() =>
    {
        GreenCompletionSource<int> source = new();
        Task<int> early = source.Task;
        GreenTask<int> waiting = Hub.Spawn(() => source.Result);
        Hub.Yield();
        Assert.Throws<TimeoutException>(() => source.Get(InHub.Tick));
        source.SetResult(4);
        Assert.False(source.TrySetResult(5));
        Assert.Throws<InvalidOperationException>(() => source.SetException(new InvalidTimeZoneException()));
        Assert.Equal((4, 4, 4), (waiting.Result, Hub.Await(early), Hub.Await(source.Task)));
        GreenCompletionSource<int> failing = new();
        failing.SetException(new InvalidTimeZoneException());
        Assert.Throws<InvalidTimeZoneException>(() => failing.Result);
        Assert.Throws<InvalidTimeZoneException>(() => Hub.Await(failing.Task));
    });

    [Fact]
    public void A_bounded_queue_holds_its_putters_back() => InHub.Run(() =>
    {
        GreenQueue<int> queue = new(2);
        List<string> order = [];
        GreenTask producer = Hub.Spawn(() =>
        {
            for (int i = 0; i < 4; i++)
            {
                queue.Put(i);
                order.Add($"put {i}");
            }

            queue.Complete();
        });
        Hub.Yield();
        Assert.Equal(["put 0", "put 1"], order);
        Assert.False(queue.TryPut(9));
        Assert.False(queue.TryPut(9, InHub.Tick));
        Assert.Equal([0, 1, 2, 3], queue.GetAll());
        producer.Join();
        Assert.Throws<InvalidOperationException>(() => queue.Get());
        Assert.Throws<InvalidOperationException>(() => queue.Put(1));
        Assert.False(queue.Join(TimeSpan.Zero));
        GreenTask joined = Hub.Spawn(() => queue.Join());
        Hub.Yield();
        for (int i = 0; i < 4; i++)
        {
            queue.TaskDone();
        }

        joined.Join();
        Assert.Throws<InvalidOperationException>(queue.TaskDone);
    });

    [Fact]
    public void A_woken_getter_keeps_its_item() => InHub.Run(() =>
    {
        GreenQueue<int> queue = new();
        GreenTask<int> first = Hub.Spawn(() => queue.Get());
        Hub.Yield();
        queue.Put(1);
        Assert.False(queue.TryGet(out _)); // it is first's, who has not run yet
        queue.Put(2);
        Assert.True(queue.TryGet(out int _));
        _ = first.Result;
        Assert.Equal(0, queue.Count);
        Assert.Throws<TimeoutException>(() => queue.Get(InHub.Tick));
    });

    [Fact]
    public void A_priority_queue_gives_the_smallest_first() => InHub.Run(() =>
    {
        GreenPriorityQueue<string> queue = new(comparer: StringComparer.OrdinalIgnoreCase);
        foreach (string item in new[] { "c", "a", "B", "A" })
        {
            queue.Put(item);
        }

        queue.Complete();
        Assert.Equal(["a", "A", "B", "c"], queue.GetAll());
    });

    [Fact]
    public void A_channel_is_a_rendezvous() => InHub.Run(() =>
    {
        GreenChannel<int> channel = new();
        List<string> order = [];
        GreenTask sender = Hub.Spawn(() =>
        {
            channel.Send(1);
            order.Add("sent 1");
            channel.Send(2);
            order.Add("sent 2");
        });
        Hub.Yield();
        Assert.Empty(order);
        Assert.Equal(1, channel.Receive());
        Assert.Equal(2, channel.Receive());
        sender.Join();
        Assert.Equal(["sent 1", "sent 2"], order);
        Assert.False(channel.TrySend(3, InHub.Tick));
        Assert.False(channel.TryReceive(InHub.Tick, out _)); // 3 is withdrawn
    });

    [Fact]
    public void A_semaphore_hands_its_permits_on_in_order() => InHub.Run(() =>
    {
        GreenSemaphore semaphore = new(1, 2);
        semaphore.Wait();
        List<int> order = [];
        GreenTask[] tasks = [.. Enumerable.Range(0, 4).Select(i => Hub.Spawn(() =>
        {
            semaphore.Wait();
            order.Add(i);
            semaphore.Release();
        }))];
        Hub.Yield();
        tasks[1].Kill();
        semaphore.Release();
        Assert.False(semaphore.Wait(TimeSpan.Zero)); // not past those who wait
        Hub.WaitAll(tasks);
        Assert.Equal([0, 2, 3], order);
        Assert.Equal(1, semaphore.CurrentCount);
        Assert.Throws<SemaphoreFullException>(() => semaphore.Release(2));
    });

    [Fact]
    public void A_lock_belongs_to_a_task() => InHub.Run(() =>
    {
        GreenLock gate = new();
        int inside = 0;
        GreenTask[] tasks = [.. Enumerable.Range(0, 10).Select(_ => Hub.Spawn(() =>
        {
            using (gate.EnterScope())
            using (gate.EnterScope())
            {
                Assert.Equal(1, ++inside);
                Hub.Sleep(InHub.Tick);
                inside--;
            }
        }))];
        Hub.Yield();
        Assert.False(gate.IsHeldByCurrentTask);
        Assert.False(gate.TryEnter());
        Assert.Throws<SynchronizationLockException>(gate.Exit);
        Hub.WaitAll(tasks);
        Assert.All(tasks, task => Assert.True(task.IsSuccessful, task.Exception?.ToString()));
        Assert.True(gate.TryEnter());
    });

    [Fact]
    public void A_pool_limits_and_maps() => InHub.Run(() =>
    {
        GreenPool pool = new(3);
        int running = 0;
        int most = 0;
        IReadOnlyList<int> results = pool.Map(Enumerable.Range(0, 20), i =>
        {
            most = Math.Max(most, ++running);
            Hub.Sleep(InHub.Tick * (i % 3));
            running--;
            return i * i;
        });
        Assert.Equal(Enumerable.Range(0, 20).Select(i => i * i), results);
        Assert.Equal(3, most);
        Assert.Throws<InvalidTimeZoneException>(() => pool.Map([1, 2, 3], int (_) => throw new InvalidTimeZoneException()));
        Assert.True(pool.Join());
        for (int i = 0; i < 3; i++)
        {
            pool.Spawn(() => Hub.Sleep(InHub.Long));
        }

        Assert.Equal((0, 3), (pool.FreeCount, pool.Count));
        Assert.False(pool.Join(InHub.Tick));
        Assert.True(pool.Kill());
        Assert.Equal((3, 0), (pool.FreeCount, pool.Count));
    });

    [Fact]
    public void A_nursery_leaves_no_child_behind() => InHub.Run(() =>
    {
        var heard = InHub.Unhandled();
        int ended = 0;
        GreenNursery.Run(nursery =>
        {
            nursery.Spawn(() =>
            {
                Hub.Sleep(InHub.Tick);
                nursery.Spawn(() => ended++);
            });
        });
        Assert.Equal(1, ended);

        GreenTask? sibling = null;
        Assert.Throws<InvalidTimeZoneException>(() => GreenNursery.Run(nursery =>
        {
            sibling = nursery.Spawn(() => Hub.Sleep(InHub.Long));
            nursery.Spawn(() => throw new InvalidTimeZoneException());
        }));
        Assert.True(sibling!.IsKilled);

        Assert.Throws<NotFiniteNumberException>(() => GreenNursery.Run(nursery =>
        {
            sibling = nursery.Spawn(() => Hub.Sleep(InHub.Long));
            Hub.Yield();
            throw new NotFiniteNumberException();
        }));
        Assert.True(sibling.IsKilled);

        GreenTask killed = Hub.Spawn(() => GreenNursery.Run(nursery => sibling = nursery.Spawn(() => Hub.Sleep(InHub.Long))));
        Hub.Yield();
        Hub.Yield();
        killed.Kill();
        Assert.True(killed.IsKilled && sibling.IsKilled);
        Assert.Empty(heard);
    });

    [Fact]
    public void A_nursery_throws_what_failed_first_and_what_left_its_scope_before_all() => InHub.Run(() =>
    {
        Assert.Throws<InvalidTimeZoneException>(() => GreenNursery.Run(nursery =>
        {
            nursery.Spawn(() =>
            {
                try
                {
                    Hub.Sleep(InHub.Long);
                }
                catch (GreenletExit)
                {
                    throw new NotFiniteNumberException(); // killed because of the other, it fails, too
                }
            });
            nursery.Spawn(() => throw new InvalidTimeZoneException());
        }));

        GreenNursery? closed = null;
        Assert.Throws<NotFiniteNumberException>(() => GreenNursery.Run(nursery =>
        {
            closed = nursery;
            GreenTask child = nursery.Spawn(() => throw new InvalidTimeZoneException());
            Hub.Yield();
            Assert.NotNull(child.Exception);
            throw new NotFiniteNumberException();
        }));
        Assert.Throws<ObjectDisposedException>(() => closed!.Spawn(() => { }));
        Assert.Equal(0, closed!.Count);
    });

    [Fact]
    public void A_wake_up_is_not_lost_on_a_waiter_that_was_just_killed() => InHub.Run(() =>
    {
        GreenSemaphore semaphore = new(0);
        GreenQueue<int> queue = new();
        GreenChannel<int> channel = new();
        (Action Wait, Action Wake)[] kinds = [(semaphore.Wait, () => semaphore.Release()), (() => queue.Get(), () => queue.Put(1)), (() => channel.Receive(), () => channel.TrySend(1))];
        foreach ((Action wait, Action wake) in kinds)
        {
            GreenTask killed = Hub.Spawn(wait);
            GreenTask next = Hub.Spawn(wait);
            Hub.Yield();
            killed.Kill(timeout: TimeSpan.Zero); // it is still the first in the queue
            wake();
            Assert.True(next.Join(InHub.Long), "the wake-up was lost");
            Assert.True(killed.IsKilled);
        }
    });
}
