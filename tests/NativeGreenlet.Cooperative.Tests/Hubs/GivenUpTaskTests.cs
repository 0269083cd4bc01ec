using NativeGreenlet.Cooperative.IO.Transport;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Tests.Synchronization;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Tasks that do not end although they are killed, and are given up: nothing that they wait for is lost with them when their hub
/// ends, and they do not keep it from its end.</summary>
public class GivenUpTaskTests
{
    private static readonly HubOptions s_impatient = new() { ShutdownGrace = InHub.Tick * 5 };

    [Fact]
    public void Who_wakes_one_after_its_hub_has_ended_wakes_another() => InHub.Run(() =>
    {
        foreach (WaitingPlace place in Places())
        {
            using (place)
            {
                Leave(place.Wait, whenGivenUp: () => { });
                GreenTask other = StartWaiting(place.Wait);
                Assert.False(other.IsCompleted, $"{place.Name}: it did not wait");
                place.Wake();
                Join(other, place.Name);
            }
        }
    });

    /// <summary>Between the moment at which it is given up and the end of the hub, by another thread.</summary>
    [Fact]
    public void What_it_was_handed_when_its_hub_ended_goes_to_another() => InHub.Run(() =>
    {
        int count = 0;
        foreach (WaitingPlace place in Places())
        {
            using (place)
            {
                // What a sender has sent was received; a phase of a barrier is over.
                if (place.Name is "GreenChannel.Send" or "GreenSelect, sending" or "GreenBarrier")
                {
                    continue;
                }

                count++;
                Task other = null!;
                Leave(place.Wait, whenGivenUp: () =>
                {
                    // It has waited since it was killed for the last time; the other comes after it.
                    using SemaphoreSlim waits = new(0);
                    other = Hub.RunAsync(() =>
                    {
                        GreenTask task = StartWaiting(place.Wait);
                        waits.Release();
                        Join(task, place.Name);
                    });
                    Hub.Await(waits.WaitAsync());
                    place.Wake();
                });
                Hub.Await(other);
            }
        }

        Assert.InRange(count, 12, int.MaxValue);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_lock_that_it_was_handed_goes_to_another(bool isSelected) => InHub.Run(() =>
    {
        GreenLock gate = new();
        GreenEvent release = new();
        using SemaphoreSlim released = new(0);
        GreenTask owner = Hub.Spawn(() =>
        {
            gate.Enter();
            release.Wait();
            gate.Exit();
            released.Release();
        });
        Hub.Yield();
        Leave(
            isSelected ? () => new GreenSelect().Enter(gate).Run() : gate.Enter,
            whenGivenUp: () =>
            {
                release.Set();
                released.Wait();
            });
        Join(owner, "the owner");
        Assert.True(gate.TryEnter(), "nobody has the lock, and yet it is not free");
    });

    [Fact]
    public void A_mutex_that_it_was_handed_goes_to_another() => InHub.Run(() =>
    {
        FairMutex mutex = new();
        Assert.True(mutex.TryEnter());
        Leave(() => mutex.TryEnter("the mutex", long.MaxValue), whenGivenUp: mutex.Exit);
        Assert.True(mutex.TryEnter());
    });

    /// <summary>As one whose wait is ended by a kill has not.</summary>
    [Fact]
    public void It_has_not_arrived_at_a_barrier() => InHub.Run(() =>
    {
        GreenBarrier barrier = new(2);
        Leave(barrier.SignalAndWait, whenGivenUp: () => { });
        Assert.Equal(2, barrier.ParticipantsRemaining);
        GreenTask[] both = [Hub.Spawn(barrier.SignalAndWait), Hub.Spawn(barrier.SignalAndWait)];
        Array.ForEach(both, task => Join(task, "the barrier"));
        Assert.Equal(1, barrier.CurrentPhase);
    });

    [Fact]
    public void Its_hub_ends_although_it_yields_for_ever()
    {
        InHub.Run(
            () =>
            {
                InHub.Unhandled();
                Hub.Spawn(() => Stubbornly(Hub.Yield, isEndless: true));
                Hub.Yield();
            },
            s_impatient);
        InHub.OnThread(() =>
        {
            using HubPool pool = new(s_impatient, 1) { OnHubStarted = hub => hub.UnhandledException += (_, _) => { } };
            pool.RunAsync(() =>
            {
                Hub.Spawn(() => Stubbornly(Hub.Yield, isEndless: true));
                Hub.Yield();
            }).Wait();
        });
    }

    /// <summary>As long as the hub goes on, so does the task: it may only be slow.</summary>
    [Fact]
    public void It_may_end_late_in_a_hub_that_goes_on() => InHub.OnThread(() =>
    {
        GreenSemaphore permits = new(0);
        using HubPool pool = new(s_impatient, 1) { OnHubStarted = hub => hub.UnhandledException += (_, _) => { } };
        using SemaphoreSlim hasEnded = new(0);
        pool.RunAsync(() =>
        {
            Hub.Spawn(() =>
            {
                Stubbornly(permits.Wait);
                hasEnded.Release();
            });
            Hub.Yield();
        }).Wait();
        permits.Release();
        Assert.True(hasEnded.Wait(InHub.Long));
        Assert.Equal(0, permits.CurrentCount);
    });

    private static IEnumerable<WaitingPlace> Places() => WaitingPlaces.Objects().Select(make => make())
        .Where(place => place is { Wakes: Wakes.One, Name: not "GreenLock" } or { Name: "GreenBarrier" or "GreenCondition" });

    // A task that no kill ends waits somewhere, is given up, and its hub ends.
    private static void Leave(Action wait, Action whenGivenUp)
    {
        HubPool pool = new(s_impatient, 1)
        {
            // Another thread wakes it, and the hub does not look for what that sends it any more.
            OnHubStarted = hub => hub.UnhandledException += (_, e) => _ = e.Task?.Name == "stubborn" ? OnAnotherThread(whenGivenUp) : 0,
        };
        GreenTask? stubborn = null;
        Task run = pool.RunAsync(() =>
        {
            GreenTask task = Hub.Spawn(() => Stubbornly(wait));
            task.Name = "stubborn";
            while (task.Waiter.WaitsFor is null)
            {
                Hub.Yield();
            }

            Volatile.Write(ref stubborn, task);
            Hub.Sleep(Timeout.InfiniteTimeSpan);
        });
        InHub.Until(() => Volatile.Read(ref stubborn) is not null);
        pool.Dispose();
        Assert.True(run.IsCompleted);
        Assert.True(stubborn!.IsCompleted && !stubborn.IsSuccessful);
    }

    private static int OnAnotherThread(Action action)
    {
        InHub.Run(action);
        return 1;
    }

    private static void Stubbornly(Action wait, bool isEndless = false)
    {
        bool isOver = false;
        while (!isOver || isEndless)
        {
            try
            {
                wait();
                isOver = true;
            }
            catch (GreenletExit)
            {
            }
        }
    }

    private static GreenTask StartWaiting(Action wait)
    {
        GreenTask task = Hub.Spawn(wait);
        while (task is { IsCompleted: false, Waiter.WaitsFor: null })
        {
            Hub.Yield();
        }

        return task;
    }

    private static void Join(GreenTask task, string name)
    {
        Assert.True(task.Join(InHub.Long), $"{name}: what the task was handed is lost");
        Assert.True(task.IsSuccessful, $"{name}: {task.Exception}");
    }
}
