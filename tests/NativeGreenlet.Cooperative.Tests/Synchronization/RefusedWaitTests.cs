using System.Collections.Concurrent;
using NativeGreenlet.Cooperative.IO.Transport;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>Waits that fail, because there is no thread record for the stack, or because something is thrown into it, at the
/// moment when somebody else has handed them what they wait for: nothing is lost.</summary>
public class RefusedWaitTests
{
    [Fact]
    public void A_refused_wait_that_was_woken_meanwhile_has_been_woken() => TryAll((place, _) =>
    {
        GreenTask victim = Hub.Spawn(() =>
        {
            RefuseNext(place.Wake);
            place.Wait();
        });
        Assert.True(victim.Join(InHub.Long), "it hangs");
        Assert.True(victim.IsSuccessful, victim.Exception?.ToString());
        return place.Wakes == Wakes.One;
    });

    [Fact]
    public void A_refused_wait_that_was_not_woken_throws_and_leaves_nothing_behind() => TryAll((place, _) =>
    {
        GreenTask victim = Hub.Spawn(() =>
        {
            RefuseNext(() => { });
            Assert.Throws<GreenletException>(place.Wait);
            Hub.Yield();
        });
        Assert.True(victim.Join(InHub.Long), "it hangs");
        Assert.True(victim.IsSuccessful, victim.Exception?.ToString());
        return true;
    });

    [Fact]
    public void A_wait_that_was_woken_and_then_fails_hands_on_what_it_got() => TryAll((place, isHandedOn) =>
    {
        GreenTask victim = Hub.Spawn(() =>
        {
            FailNext(place.Wake);
            Assert.Throws<InvalidTimeZoneException>(place.Wait);
            Hub.Yield();
        });
        Assert.True(victim.Join(InHub.Long), "it hangs");
        Assert.True(victim.IsSuccessful, victim.Exception?.ToString());
        return place.Wakes == Wakes.One && !isHandedOn;
    });

    [Fact]
    public void A_lock_is_handed_on() => InHub.Run(() =>
    {
        foreach (bool isRefused in new[] { true, false })
        {
            GreenLock gate = new();
            using SemaphoreSlim release = new(0);
            using SemaphoreSlim released = new(0);
            Task owner = Hub.RunAsync(() =>
            {
                gate.Enter();
                released.Release();
                Hub.Await(release.WaitAsync());
                gate.Exit();
                released.Release();
            });
            released.Wait();
            GreenTask victim = Hub.Spawn(() =>
            {
                Action before = () =>
                {
                    release.Release();
                    released.Wait();
                };
                if (isRefused)
                {
                    RefuseNext(before);
                    gate.Enter();
                    Assert.True(gate.IsHeldByCurrentTask);
                    gate.Exit();
                }
                else
                {
                    FailNext(before);
                    Assert.Throws<InvalidTimeZoneException>(gate.Enter);
                    Assert.False(gate.IsHeldByCurrentTask);
                }
            });
            Assert.True(victim.Join(InHub.Long), "it hangs");
            Assert.True(victim.IsSuccessful, victim.Exception?.ToString());
            Assert.True(gate.TryEnter(), "nobody has the lock, and yet it is not free");
            Hub.Await(owner);
        }
    });

    [Fact]
    public void A_signal_of_a_condition_is_handed_on() => InHub.Run(() =>
    {
        GreenCondition condition = new();
        using SemaphoreSlim begins = new(0);
        Task other = Hub.RunAsync(() =>
        {
            using (condition.Gate.EnterScope())
            {
                begins.Release();
                Assert.True(condition.Wait(InHub.Long));
            }
        });
        GreenTask victim = Hub.Spawn(() =>
        {
            using (condition.Gate.EnterScope())
            {
                FailNext(() =>
                {
                    begins.Wait();
                    while (!condition.Gate.TryEnter())
                    {
                        Thread.Yield(); // it does not wait yet
                    }

                    condition.Gate.Exit();
                    condition.Pulse();
                });
                Assert.Throws<InvalidTimeZoneException>(() => condition.Wait());
                Assert.True(condition.Gate.IsHeldByCurrentTask);
            }
        });
        Assert.True(victim.Join(InHub.Long), "it hangs");
        Assert.True(victim.IsSuccessful, victim.Exception?.ToString());
        Hub.Await(other);
    });

    [Fact]
    public void A_mutex_is_handed_on() => InHub.Run(() =>
    {
        FairMutex mutex = new();
        Assert.True(mutex.TryEnter());
        GreenTask refused = Hub.Spawn(() =>
        {
            RefuseNext(mutex.Exit);
            Assert.True(mutex.TryEnter("the mutex", long.MaxValue));
        });
        Assert.True(refused.Join(InHub.Long));
        Assert.True(refused.IsSuccessful, refused.Exception?.ToString());
        Assert.False(mutex.TryEnter());
        GreenTask failing = Hub.Spawn(() =>
        {
            FailNext(mutex.Exit);
            Assert.Throws<InvalidTimeZoneException>(() => mutex.TryEnter("the mutex", long.MaxValue));
        });
        Assert.True(failing.Join(InHub.Long));
        Assert.True(failing.IsSuccessful, failing.Exception?.ToString());
        Assert.True(mutex.TryEnter());
    });

    [Fact]
    public void A_kill_that_meets_a_failing_wait_comes_to_the_next() => InHub.Run(() =>
    {
        GreenTask victim = null!;
        victim = Hub.Spawn(() =>
        {
            FailNext(() => victim.KillHere(new GreenletExit("mine")));
            Assert.Throws<InvalidTimeZoneException>(() => Hub.Sleep(InHub.Long));
            Hub.Sleep(InHub.Long);
        });
        Assert.True(victim.Join(InHub.Long));
        Assert.True(victim.IsKilled);
    });

    [Fact]
    public void A_condition_whose_wait_is_refused_has_the_lock_again() => InHub.Run(() =>
    {
        GreenCondition condition = new();
        using (condition.Gate.EnterScope())
        {
            RefuseNext(() => { });
            Assert.Throws<GreenletException>(() => condition.Wait());
            Assert.True(condition.Gate.IsHeldByCurrentTask);
        }

        Assert.True(condition.Gate.TryEnter());
    });

    [Fact]
    public async Task Refusals_at_random_lose_nothing()
    {
        const int Rounds = 400;
        GreenSemaphore permits = new(0);
        GreenQueue<int> queue = new();
        GreenQueue<int> bounded = new(1);
        GreenChannel<int> channel = new();
        GreenLock gate = new();
        ConcurrentBag<int> got = [];
        int released = 0;
        int taken = 0;
        int put = 0;
        int sent = 0;
        int received = 0;
        int refused = 0;
        int inside = 0;
        bool isOver = false;
        Thread giving = new(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                if (permits.CurrentCount == 0)
                {
                    permits.Release();
                    released++;
                }

                if (queue.Count == 0)
                {
                    queue.Put(put++);
                }

                Thread.Yield();
            }
        });
        giving.Start();
        Task[] hubs = [.. Enumerable.Range(0, 2).Select(hub =>
        {
            Hub own = Hub.Start("refuses");
            return own.InvokeAsync(() =>
            {
                Random random = new(hub);
                GreenTask[] tasks = [.. Enumerable.Range(0, 4).Select(self => Hub.Spawn(() =>
                {
                    for (int i = 0; i < Rounds; i++)
                    {
                        Try(random, () => _ = permits.Wait(InHub.Tick) ? Count(ref taken) : 0);
                        Try(random, () =>
                        {
                            if (queue.TryGet(InHub.Tick, out int item))
                            {
                                got.Add(item);
                            }
                        });
                        Try(random, () => _ = self % 2 == 0 ? bounded.TryPut(1, InHub.Tick) : bounded.TryGet(InHub.Tick, out int _));
                        Try(random, () =>
                        {
                            if (self % 2 == 0)
                            {
                                _ = channel.TrySend(1, InHub.Tick) ? Count(ref sent) : 0;
                            }
                            else
                            {
                                _ = channel.TryReceive(InHub.Tick, out _) ? Count(ref received) : 0;
                            }
                        });
                        Try(random, () =>
                        {
                            if (gate.TryEnter(InHub.Tick))
                            {
                                Assert.Equal(1, Interlocked.Increment(ref inside));
                                _ = Hub.RequireTask().TakeTellWhere();
                                Hub.Yield();
                                Interlocked.Decrement(ref inside);
                                gate.Exit();
                            }
                        });
                    }
                }))];
                Hub.WaitAll(tasks);
                Assert.All(tasks, task => Assert.True(task.IsSuccessful, task.Exception?.ToString()));
            }).ContinueWith(
                done =>
                {
                    own.Dispose();
                    return done;
                },
                TaskScheduler.Default).Unwrap();
        })];
        await Task.WhenAll(hubs).WaitAsync(InHub.Patience);
        Volatile.Write(ref isOver, true);
        giving.Join();
        while (queue.TryGet(out int item))
        {
            got.Add(item);
        }

        Assert.Equal(released, taken + permits.CurrentCount);
        Assert.Equal(Enumerable.Range(0, put), got.Order());
        Assert.Equal(0, queue.Count);
        Assert.Equal(sent, received);
        Assert.InRange(refused, 100, int.MaxValue);
        InHub.Run(() =>
        {
            Assert.True(gate.TryEnter());
            _ = bounded.TryGet(out _);
            Assert.True(bounded.TryPut(1));
            Assert.True(bounded.TryGet(out _));
            Assert.False(channel.TryReceive(TimeSpan.Zero, out _));
        });

        static int Count(ref int counter)
        {
            Interlocked.Increment(ref counter);
            return 0;
        }

        void Try(Random random, Action wait)
        {
            if (random.Next(2) == 0)
            {
                int spin = random.Next(200);
                RefuseNext(() => Thread.SpinWait(spin)); // meanwhile the others may be faster
            }

            try
            {
                wait();
            }
            catch (GreenletException)
            {
                Interlocked.Increment(ref refused);
            }

            _ = Hub.RequireTask().TakeTellWhere();
        }
    }

    private static void RefuseNext(Action before) => Next(before, () => new GreenletException(GreenletError.OutOfStacks, "refused"));

    private static void FailNext(Action before) => Next(before, () => new InvalidTimeZoneException());

    // The last thing before a task leaves its stack.
    private static void Next(Action before, Func<Exception> error) => Hub.RequireTask().TellWhereNext(_ =>
    {
        before();
        throw error();
    });

    // What attempts tell: whether it takes another wake-up for the next that waits.
    private static void TryAll(Func<WaitingPlace, bool, bool> attempt) => InHub.Run(() =>
    {
        int count = 0;
        foreach (WaitingPlace place in WaitingPlaces.Objects().Select(make => make()))
        {
            using (place)
            {
                if (place.Name == "GreenLock")
                {
                    continue; // its owner must wake it: see there
                }

                count++;
                try
                {
                    // What a sender has sent was received; a phase of a barrier is over; a signal or a change is for those who wait then.
                    bool needsAnother = attempt(place, place.Name is not ("GreenChannel.Send" or "GreenSelect, sending")) || place.Name is "GreenBarrier" or "GreenCondition" or "GreenWatch";
                    GreenTask other = Hub.Spawn(place.Wait);
                    Hub.Yield();
                    Hub.Yield();
                    if (needsAnother)
                    {
                        Assert.False(other.IsCompleted, "one wake-up woke two");
                        place.Wake();
                    }

                    Assert.True(other.Join(InHub.Long), "the wake-up was lost");
                    Assert.True(other.IsSuccessful, other.Exception?.ToString());
                }
                catch (Exception exception)
                {
                    Assert.Fail($"{place.Name}: {exception}");
                }
            }
        }

        Assert.InRange(count, 14, int.MaxValue);
    });
}
