using System.Diagnostics;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>The token of a wait, at every wait that takes one.</summary>
public class CancellationTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60);

    private const int Rounds = 20_000;
    private const int LeastRounds = 500;
    private static readonly TimeSpan s_raceTime = TimeSpan.FromSeconds(5); // on a busy machine

    // What waits, made anew; none of them ends unless its token is cancelled or its task killed.
    private static readonly Dictionary<string, Func<Action<CancellationToken>>> s_waits = new()
    {
        ["GreenEvent.Wait"] = () => new GreenEvent().Wait,
        ["GreenEvent.Wait, time"] = () => token => new GreenEvent().Wait(s_long, token),
        ["GreenCountdown.Wait"] = () => new GreenCountdown(1).Wait,
        ["GreenCountdown.Wait, time"] = () => token => new GreenCountdown(1).Wait(s_long, token),
        ["GreenSemaphore.Wait"] = () => new GreenSemaphore(0).Wait,
        ["GreenSemaphore.Wait, time"] = () => token => new GreenSemaphore(0).Wait(s_long, token),
        ["GreenLock.Enter"] = () => HeldLock().Enter,
        ["GreenLock.TryEnter"] = () => OnHeldLock((gate, token) => gate.TryEnter(s_long, token)),
        ["GreenLock.EnterScope"] = () => OnHeldLock((gate, token) => gate.EnterScope(token).Dispose()),
        ["GreenCondition.Wait"] = () => token => InLock(condition => condition.Wait(token)),
        ["GreenCondition.Wait, time"] = () => token => InLock(condition => condition.Wait(s_long, token)),
        ["GreenBarrier.SignalAndWait"] = () => new GreenBarrier(2).SignalAndWait,
        ["GreenBarrier.SignalAndWait, time"] = () => token => new GreenBarrier(2).SignalAndWait(s_long, token),
        ["GreenQueue.Get"] = () => token => new GreenQueue<int>().Get(token),
        ["GreenQueue.Get, time"] = () => token => new GreenQueue<int>().Get(s_long, token),
        ["GreenQueue.TryGet"] = () => token => new GreenQueue<int>().TryGet(s_long, token, out _),
        ["GreenQueue.Put"] = () => token => FullQueue().Put(2, token),
        ["GreenQueue.TryPut"] = () => token => FullQueue().TryPut(2, s_long, token),
        ["GreenQueue.Join"] = () => FullQueue().Join,
        ["GreenQueue.Join, time"] = () => token => FullQueue().Join(s_long, token),
        ["GreenChannel.Send"] = () => token => new GreenChannel<int>().Send(1, token),
        ["GreenChannel.TrySend"] = () => token => new GreenChannel<int>().TrySend(1, s_long, token),
        ["GreenChannel.Receive"] = () => token => new GreenChannel<int>().Receive(token),
        ["GreenChannel.TryReceive"] = () => token => new GreenChannel<int>().TryReceive(s_long, token, out _),
        ["GreenQueue.Peek"] = () => token => new GreenQueue<int>().Peek(token),
        ["GreenQueue.TryPeek"] = () => token => new GreenQueue<int>().TryPeek(s_long, token, out _),
        ["GreenSelect.Run"] = () => token => new GreenSelect().Receive(new GreenQueue<int>(), _ => { }).Send(new GreenChannel<int>(), 1).Wait(new GreenEvent()).Run(token),
        ["GreenSelect.Run, time and condition"] = () => token => InLock(condition => new GreenSelect().Wait(condition).After(s_long).Run(token)),
        ["GreenSubscription.Receive"] = () => token => new GreenBroadcast<int>(1).Subscribe().Receive(token),
        ["GreenSubscription.TryReceive"] = () => token => new GreenBroadcast<int>(1).Subscribe().TryReceive(s_long, token, out _),
        ["GreenWatcher.WaitForChange"] = () => token => new GreenWatch<int>(1).Watch().WaitForChange(token),
        ["GreenWatcher.WaitForChange, time"] = () => token => new GreenWatch<int>(1).Watch().WaitForChange(s_long, token, out _),
        ["GreenWatcher.WaitFor"] = () => token => new GreenWatch<int>(1).Watch().WaitFor(value => value == 2, token),
        ["GreenWatcher.WaitFor, time"] = () => token => new GreenWatch<int>(1).Watch().WaitFor(value => value == 2, s_long, out _, token),
        ["GreenCompletionSource.Wait"] = () => new GreenCompletionSource<int>().Wait,
        ["GreenCompletionSource.Wait, time"] = () => token => new GreenCompletionSource<int>().Wait(s_long, token),
        ["GreenCompletionSource.Get"] = () => token => new GreenCompletionSource<int>().Get(token),
        ["GreenCompletionSource.Get, time"] = () => token => new GreenCompletionSource<int>().Get(s_long, token),
        ["GreenTask.Join"] = () => Sleeper().Join,
        ["GreenTask.Join, time"] = () => token => Sleeper().Join(s_long, token),
        ["GreenPool.Join"] = () =>
        {
            GreenPool pool = FullPool();
            return token => pool.Join(null, token);
        },
        ["GreenPool.Join, token"] = () => FullPool().Join,
        ["GreenPool.Spawn"] = () => token => FullPool().Spawn(() => { }, token),
        ["GreenPool.Spawn, result"] = () => token => FullPool().Spawn(() => 1, token),
        ["GreenPool.Spawn, asynchronous"] = () => token => FullPool().Spawn(() => Task.CompletedTask, token),
        ["GreenPool.Spawn, asynchronous result"] = () => token => FullPool().Spawn(() => Task.FromResult(1), token),
        ["Hub.Sleep"] = () => token => Hub.Sleep(s_long, token),
        ["Hub.Await"] = () => token => Hub.Await(new TaskCompletionSource().Task, token),
        ["Hub.Await, result"] = () => token => Hub.Await(new TaskCompletionSource<int>().Task, token),
        ["Hub.Await, value task"] = () => token => Hub.Await(new ValueTask(new TaskCompletionSource().Task), token),
        ["Hub.Await, value task with a result"] = () => token => Hub.Await(new ValueTask<int>(new TaskCompletionSource<int>().Task), token),
        ["Hub.Await, time"] = () => token => Hub.Await(new TaskCompletionSource().Task, s_long, token),
        ["Hub.Wait"] = () => token => Hub.Wait([new GreenEvent()], cancellationToken: token),
        ["Hub.WaitAll"] = () => token => Hub.WaitAll([new GreenEvent(), new GreenCountdown(1)], token),
        ["Hub.WaitAll, time"] = () => token => Hub.WaitAll([new GreenEvent(), new GreenCountdown(1)], s_long, token),
        ["Hub.WaitAny"] = () => token => Hub.WaitAny([new GreenEvent(), new GreenCountdown(1)], token),
        ["Hub.WaitAny, time"] = () => token => Hub.WaitAny([new GreenEvent(), new GreenCountdown(1)], s_long, token),
    };

    // The same where nothing need be waited for.
    private static readonly Dictionary<string, Action<CancellationToken>> s_ready = new()
    {
        ["GreenEvent.Wait"] = token => new GreenEvent(isSet: true).Wait(token),
        ["GreenEvent.Wait, time"] = token => new GreenEvent(isSet: true).Wait(s_long, token),
        ["GreenCountdown.Wait"] = token => new GreenCountdown(0).Wait(token),
        ["GreenSemaphore.Wait"] = token => new GreenSemaphore(1).Wait(token),
        ["GreenSemaphore.Wait, no time"] = token => new GreenSemaphore(1).Wait(TimeSpan.Zero, token),
        ["GreenLock.Enter"] = token => new GreenLock().Enter(token),
        ["GreenLock.TryEnter"] = token => new GreenLock().TryEnter(s_long, token),
        ["GreenLock.EnterScope"] = token => new GreenLock().EnterScope(token).Dispose(),
        ["GreenBarrier.SignalAndWait"] = token => new GreenBarrier(1).SignalAndWait(token),
        ["GreenQueue.Get"] = token => FullQueue().Get(token),
        ["GreenQueue.TryGet"] = token => FullQueue().TryGet(s_long, token, out _),
        ["GreenQueue.Put"] = token => new GreenQueue<int>().Put(1, token),
        ["GreenQueue.TryPut"] = token => new GreenQueue<int>().TryPut(1, s_long, token),
        ["GreenQueue.Peek"] = token => FullQueue().Peek(token),
        ["GreenQueue.TryPeek"] = token => FullQueue().TryPeek(s_long, token, out _),
        ["GreenQueue.Join"] = token => new GreenQueue<int>().Join(token),
        ["GreenChannel.Send"] = token =>
        {
            GreenChannel<int> channel = new();
            Hub.Spawn(() => channel.TryReceive(s_long, out _));
            Hub.Yield();
            channel.Send(1, token);
        },
        ["GreenChannel.Receive"] = token =>
        {
            GreenChannel<int> channel = new();
            Hub.Spawn(() => channel.TrySend(1, s_long));
            Hub.Yield();
            channel.Receive(token);
        },
        ["GreenSelect.Run"] = token => new GreenSelect().Receive(FullQueue(), _ => { }).Run(token),
        ["GreenCompletionSource.Wait"] = token => Completed().Wait(token),
        ["GreenCompletionSource.Get"] = token => Completed().Get(token),
        ["GreenTask.Join"] = token => Ended().Join(token),
        ["GreenTask.Join, time"] = token => Ended().Join(s_long, token),
        ["GreenPool.Join"] = token => new GreenPool(1).Join(token),
        ["GreenPool.Spawn"] = token => new GreenPool(1).Spawn(() => { }, token),
        ["Hub.Sleep"] = token => Hub.Sleep(TimeSpan.Zero, token),
        ["Hub.Await"] = token => Hub.Await(Task.CompletedTask, token),
        ["Hub.Await, result"] = token => Hub.Await(Task.FromResult(1), token),
        ["Hub.Await, value task"] = token => Hub.Await(default(ValueTask), token),
        ["Hub.Await, time"] = token => Hub.Await(Task.CompletedTask, s_long, token),
        ["Hub.Wait"] = token => Hub.Wait([new GreenEvent(isSet: true)], cancellationToken: token),
        ["Hub.WaitAll"] = token => Hub.WaitAll([new GreenEvent(isSet: true)], token),
        ["Hub.WaitAny"] = token => Hub.WaitAny([new GreenEvent(isSet: true)], token),
    };

    // What is handed over: a wait for it, how it is granted, and what holds then.
    private static readonly Dictionary<string, Func<Race>> s_races = new()
    {
        ["GreenSemaphore"] = () =>
        {
            GreenSemaphore permits = new(0);
            return new Race(permits.Wait, () => permits.Release(), isOver =>
            {
                Assert.Equal(isOver ? 0 : 1, permits.CurrentCount);
                permits.Wait(TimeSpan.Zero);
            });
        },
        ["GreenQueue.Get"] = () =>
        {
            GreenQueue<int> queue = new();
            return new Race(token => queue.Get(token), () => queue.Put(1), isOver =>
            {
                Assert.Equal(!isOver, queue.TryGet(out _));
                Assert.Equal(0, queue.Count);
            });
        },
        ["GreenQueue.Put"] = () =>
        {
            GreenQueue<int> queue = FullQueue();
            return new Race(token => queue.Put(2, token), () => queue.Get(), isOver =>
            {
                Assert.Equal(isOver ? 1 : 0, queue.Count);
                Assert.Equal(!isOver, queue.TryPut(3));
            });
        },
        ["GreenLock"] = () =>
        {
            GreenLock gate = new();
            gate.Enter();
            return new Race(token => gate.EnterScope(token).Dispose(), gate.Exit, _ => Assert.True(gate.TryEnter()));
        },
        ["GreenChannel.Receive"] = () =>
        {
            GreenChannel<int> channel = new();
            bool isSent = false;
            return new Race(token => channel.Receive(token), () => isSent = channel.TrySend(1), isOver => Assert.Equal(isOver, isSent));
        },
        ["GreenChannel.Send"] = () =>
        {
            GreenChannel<int> channel = new();
            bool isReceived = false;
            return new Race(token => channel.Send(1, token), () => isReceived = channel.TryReceive(TimeSpan.Zero, out _), isOver => Assert.Equal(isOver, isReceived));
        },
        ["GreenSelect, queue"] = () =>
        {
            GreenQueue<int> queue = new();
            return new Race(token => new GreenSelect().Receive(queue, _ => { }).Wait(new GreenEvent()).Run(token), () => queue.Put(1), isOver =>
            {
                Assert.Equal(!isOver, queue.TryGet(out _));
                Assert.Equal(0, queue.Count);
            });
        },
        ["GreenSelect, semaphore"] = () =>
        {
            GreenSemaphore permits = new(0);
            return new Race(token => new GreenSelect().Wait(permits).Wait(new GreenEvent()).Run(token), () => permits.Release(), isOver =>
            {
                Assert.Equal(isOver ? 0 : 1, permits.CurrentCount);
                permits.Wait(TimeSpan.Zero);
            });
        },
        ["GreenSelect, channel"] = () =>
        {
            GreenChannel<int> channel = new();
            bool isReceived = false;
            return new Race(token => new GreenSelect().Send(channel, 1).Receive(new GreenQueue<int>(), _ => { }).Run(token), () => isReceived = channel.TryReceive(TimeSpan.Zero, out _), isOver => Assert.Equal(isOver, isReceived));
        },
        ["GreenBarrier"] = () =>
        {
            GreenBarrier barrier = new(2);
            bool isComplete = false;
            return new Race(barrier.SignalAndWait, () => isComplete = barrier.SignalAndWait(TimeSpan.Zero), isOver =>
            {
                Assert.Equal(isOver, isComplete);
                Assert.Equal(2, barrier.ParticipantsRemaining);
            });
        },
        ["GreenPool.Spawn"] = () =>
        {
            GreenPool pool = new(1);
            GreenEvent end = new();
            pool.Spawn(() => end.Wait());
            return new Race(token => pool.Spawn(() => end.Wait(), token), end.Set, isOver =>
            {
                Hub.Yield();
                Assert.Equal(1, pool.FreeCount);
                end.Reset();
                pool.Spawn(() => end.Wait());
            });
        },
    };

    public static TheoryData<string> Races => [.. s_races.Keys];

    public static TheoryData<string> Waits => [.. s_waits.Keys];

    public static TheoryData<string> Ready => [.. s_ready.Keys];

    [Theory]
    [MemberData(nameof(Waits))]
    public void A_token_that_is_cancelled_already_throws(string name) => InHub.Run(() =>
    {
        CancellationToken token = new(canceled: true);
        Action<CancellationToken> wait = s_waits[name]();
        Assert.Equal(token, Assert.Throws<OperationCanceledException>(() => wait(token)).CancellationToken);
    });

    [Theory]
    [MemberData(nameof(Ready))]
    public void A_token_that_is_cancelled_already_throws_where_nothing_need_be_waited_for(string name) => InHub.Run(() =>
    {
        CancellationToken token = new(canceled: true);
        Assert.Equal(token, Assert.Throws<OperationCanceledException>(() => s_ready[name](token)).CancellationToken);
        s_ready[name](CancellationToken.None);
    });

    [Theory]
    [MemberData(nameof(Waits))]
    public void A_token_ends_a_parked_wait_from_the_hub_and_from_another_thread(string name) => InHub.Run(() =>
    {
        foreach (bool isElsewhere in new[] { false, true })
        {
            using CancellationTokenSource source = new();
            Action<CancellationToken> wait = s_waits[name]();
            GreenTask<OperationCanceledException> waiter = Hub.Spawn(() => Assert.Throws<OperationCanceledException>(() => wait(source.Token)));
            Hub.Sleep(InHub.Tick);
            Assert.False(waiter.IsCompleted);
            if (isElsewhere)
            {
                Hub.Offload(source.Cancel);
            }
            else
            {
                source.Cancel();
            }

            Assert.True(waiter.Join(s_long / 4));
            Assert.Equal(source.Token, waiter.Result.CancellationToken);
        }
    });

    [Theory]
    [MemberData(nameof(Waits))]
    public void Of_a_kill_and_a_token_the_first_is_thrown_and_the_kill_is_not_lost(string name) => InHub.Run(() =>
    {
        foreach (bool isKillFirst in new[] { false, true })
        {
            using CancellationTokenSource source = new();
            Action<CancellationToken> wait = s_waits[name]();
            List<Type?> thrown = [];
            GreenTask waiter = Hub.Spawn(() =>
            {
                thrown.Add(Record.Exception(() => wait(source.Token))?.GetType());
                thrown.Add(Record.Exception(() => Hub.Sleep(isKillFirst ? InHub.Tick : s_long))?.GetType());
            });
            Hub.Sleep(InHub.Tick);
            if (isKillFirst)
            {
                waiter.Kill(timeout: TimeSpan.Zero);
                source.Cancel();
            }
            else
            {
                source.Cancel();
                waiter.Kill(timeout: TimeSpan.Zero);
            }

            Assert.True(waiter.Join(InHub.Long));
            Assert.Equal(isKillFirst ? [typeof(GreenletExit), null] : [typeof(OperationCanceledException), typeof(GreenletExit)], thrown);
        }
    });

    [Theory]
    [MemberData(nameof(Races))]
    public void What_is_granted_while_the_token_is_cancelled_is_not_lost(string name) => InHub.Run(() =>
    {
        Race race = s_races[name]();
        int overs = 0;
        Stopwatch watch = Stopwatch.StartNew();
        for (int i = 0; i < Rounds && (i < LeastRounds || watch.Elapsed < s_raceTime); i++)
        {
            using CancellationTokenSource source = new();
            bool isOver = false;
            GreenTask waiter = Hub.Spawn(() => isOver = TryWait(race.Wait, source.Token));
            Hub.Yield();
            Task cancelling = Task.Run(source.Cancel);
            while (i % 2 == 0 && !source.IsCancellationRequested)
            {
                Thread.SpinWait(1); // the token and the grant within the same moment
            }

            race.Grant();
            waiter.Join();
            Hub.Await(cancelling);
            race.Check(isOver);
            overs += isOver ? 1 : 0;
        }

        Assert.InRange(overs, 1, Rounds);
    });

    /// <summary>The lock is held again when a wait for a condition ends by its token.</summary>
    [Fact]
    public void A_condition_takes_its_lock_again_before_it_throws() => InHub.Run(() =>
    {
        GreenCondition condition = new();
        using CancellationTokenSource source = new();
        bool isHeld = false;
        GreenTask waiter = Hub.Spawn(() =>
        {
            using GreenLock.Scope held = condition.Gate.EnterScope();
            Assert.Throws<OperationCanceledException>(() => condition.Wait(source.Token));
            isHeld = condition.Gate.IsHeldByCurrentTask;
        });
        Hub.Yield();
        using (condition.Gate.EnterScope())
        {
            source.Cancel();
            Assert.False(waiter.Join(InHub.Tick));
        }

        waiter.Join();
        Assert.True(isHeld);
        Assert.True(condition.Gate.TryEnter());
    });

    [Fact]
    public void A_lock_that_was_not_taken_is_free_after_a_token_that_was_cancelled_before() => InHub.Run(() =>
    {
        GreenLock gate = new();
        Assert.Throws<OperationCanceledException>(() => gate.Enter(new CancellationToken(canceled: true)));
        Assert.False(gate.IsHeldByCurrentTask);
        GreenQueue<int> queue = FullQueue();
        Assert.Throws<OperationCanceledException>(() => queue.Get(new CancellationToken(canceled: true)));
        Assert.Equal(1, queue.Count);
    });

    private static bool TryWait(Action<CancellationToken> wait, CancellationToken token)
    {
        try
        {
            wait(token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static GreenTask Sleeper() => Hub.Spawn(() => Hub.Sleep(s_long));

    // The lock is held before: a kill must not meet the waiter in another wait than the one that is tested.
    private static Action<CancellationToken> OnHeldLock(Action<GreenLock, CancellationToken> wait)
    {
        GreenLock gate = HeldLock();
        return token => wait(gate, token);
    }

    private static GreenLock HeldLock()
    {
        GreenLock gate = new();
        Hub.Spawn(() =>
        {
            gate.Enter();
            Hub.Sleep(s_long);
        });
        Hub.Yield();
        return gate;
    }

    private static GreenCompletionSource<int> Completed()
    {
        GreenCompletionSource<int> source = new();
        source.SetResult(1);
        return source;
    }

    private static GreenTask Ended()
    {
        GreenTask task = Hub.Spawn(() => { });
        task.Join();
        return task;
    }

    private static GreenPool FullPool()
    {
        GreenPool pool = new(1);
        pool.Spawn(() => Hub.Sleep(s_long));
        return pool;
    }

    private static GreenQueue<int> FullQueue()
    {
        GreenQueue<int> queue = new(1);
        queue.Put(1);
        return queue;
    }

    private static void InLock(Action<GreenCondition> wait)
    {
        GreenCondition condition = new();
        using GreenLock.Scope held = condition.Gate.EnterScope();
        wait(condition);
    }

    /// <param name="Wait">Waits, by a token.</param>
    /// <param name="Grant">Ends the wait; must not wait itself.</param>
    /// <param name="Check">What holds afterwards, if the wait was over or was not; prepares the next round.</param>
    private sealed record Race(Action<CancellationToken> Wait, Action Grant, Action<bool> Check);
}
