using System.Threading.Channels;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>A wait that takes from exactly one of several.</summary>
public class SelectTests
{
    [Fact]
    public void It_takes_from_the_one_that_is_ready_and_tells_which() => InHub.Run(() =>
    {
        GreenQueue<int> empty = new();
        GreenStack<int> stack = new();
        int got = 0;
        stack.Put(7);
        GreenSelect select = new GreenSelect().Receive(empty, _ => Assert.Fail()).Receive(stack, item => got = item);
        Assert.Equal(1, select.Run());
        Assert.Equal((7, 0, 2), (got, stack.Count, select.Count));
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_kind_ends_a_wait(bool isReadyBefore) => InHub.Run(() =>
    {
        foreach ((string name, Func<GreenSelect, GreenSelect> add, Action makeReady, Action check) in Kinds(isReadyBefore))
        {
            GreenQueue<int> never = new();
            bool isTaken = false;
            if (isReadyBefore)
            {
                makeReady();
            }

            GreenTask<int> waiter = Hub.Spawn(() =>
            {
                int index = add(new GreenSelect().Receive(never, _ => { })).Run();
                isTaken = true;
                check();
                return index;
            });
            Hub.Yield();
            if (!isReadyBefore)
            {
                Assert.False(isTaken, name);
                makeReady();
            }

            Assert.Equal((name, 1), (name, waiter.Result));
        }
    });

    [Fact]
    public void A_kill_a_timeout_and_a_token_leave_everything_where_it_was() => InHub.Run(() =>
    {
        foreach (int how in Enumerable.Range(0, 4))
        {
            GreenQueue<int> queue = new();
            GreenQueue<int> full = new(1);
            full.Put(1);
            GreenChannel<int> channel = new();
            GreenSemaphore permits = new(0);
            GreenEvent signal = new();
            GreenLock gate = new();
            gate.Enter();
            Channel<int> other = Channel.CreateUnbounded<int>(new UnboundedChannelOptions { SingleReader = true });
            TaskCompletionSource never = new();
            using CancellationTokenSource token = new();
            GreenTask waiter = Hub.Spawn(() =>
            {
                GreenSelect select = new GreenSelect().Receive(queue, _ => { }).Send(full, 2).Receive(channel, _ => { }).Send(channel, 3).Wait(permits).Wait(signal)
                    .Enter(gate).Receive(other.Reader, _ => { }).Await(never.Task);
                if (how == 0)
                {
                    Assert.Equal(9, select.After(InHub.Tick).Run());
                }
                else if (how == 1)
                {
                    Assert.ThrowsAny<OperationCanceledException>(() => select.Run(token.Token));
                }
                else if (how == 2)
                {
                    Assert.False(GreenTimeout.TryRun(InHub.Tick, () => select.Run()));
                }
                else
                {
                    select.Run();
                }
            });
            Hub.Yield();
            if (how == 1)
            {
                token.Cancel();
            }
            else if (how == 3)
            {
                waiter.Kill();
            }

            waiter.Join();
            Assert.Null(waiter.Exception);

            // Nothing finds a wait there that could be ended, nor an item that is offered.
            queue.Put(1);
            permits.Release();
            gate.Exit();
            Assert.True(other.Writer.TryWrite(1));
            signal.Set();
            Assert.False(channel.TrySend(1));
            Assert.False(channel.TryReceive(TimeSpan.Zero, out _));
            Assert.Equal((1, 1, 1), (queue.Count, full.Count, permits.CurrentCount));
            Assert.True(gate.TryEnter());
            Assert.True(other.Reader.TryRead(out _));
            Assert.Equal(1, full.Get());
            Assert.Equal(0, full.Count);
        }
    });

    [Fact]
    public void A_lost_race_loses_nothing() => InHub.Run(() =>
    {
        GreenQueue<int> first = new();
        GreenQueue<int> second = new();
        GreenSemaphore permits = new(0);
        List<int> got = [];
        GreenTask waiter = Hub.Spawn(() => new GreenSelect().Receive(first, got.Add).Receive(second, got.Add).Wait(permits, () => got.Add(-1)).Run());
        Hub.Yield();
        first.Put(1); // before it runs the others come, too
        second.Put(2);
        permits.Release();
        waiter.Join();
        Assert.Equal([1], got);
        Assert.Equal((0, 1, 1), (first.Count, second.Count, permits.CurrentCount));
    });

    [Fact]
    public void Two_selects_meet_in_a_channel_and_one_does_not_meet_itself() => InHub.Run(() =>
    {
        GreenChannel<int> channel = new();
        int got = 0;
        GreenSelect both = new GreenSelect().Send(channel, 1).Receive(channel, item => got = item);
        Assert.Equal(2, both.After(InHub.Tick).Run());
        GreenTask<int> one = Hub.Spawn(() => new GreenSelect().Send(channel, 5).Receive(new GreenChannel<int>(), _ => { }).Run());
        GreenTask<int> two = Hub.Spawn(() => new GreenSelect().Receive(new GreenChannel<int>(), _ => { }).Receive(channel, item => got = item).Run());
        Assert.Equal((0, 1, 5), (one.Result, two.Result, got));
    });

    [Fact]
    public void Among_those_that_are_ready_it_takes_one_at_random() => InHub.Run(() =>
    {
        GreenQueue<int>[] queues = [.. Enumerable.Range(0, 4).Select(_ => new GreenQueue<int>())];
        GreenSelect select = new();
        Array.ForEach(queues, queue => select.Receive(queue, _ => { }));
        int[] taken = new int[4];
        for (int i = 0; i < 4000; i++)
        {
            Array.ForEach(queues, queue => queue.Put(1));
            taken[select.Run()]++;
        }

        Assert.All(taken, count => Assert.InRange(count, 700, 1300)); // ten deviations
    });

    [Fact]
    public void What_runs_then_may_wait_use_the_select_and_throw() => InHub.Run(() =>
    {
        GreenQueue<int> queue = new();
        queue.Put(1);
        queue.Put(2);
        List<int> got = [];
        GreenSelect select = new();
        select.Receive(queue, item =>
        {
            Hub.Sleep(InHub.Tick);
            if (item == 1)
            {
                select.Run();
            }

            got.Add(item);
        });
        select.Run();
        Assert.Equal([2, 1], got);
        Assert.Throws<FormatException>(() => new GreenSelect().Default(() => throw new FormatException()).Run());
    });

    [Fact]
    public void A_default_is_taken_only_if_nothing_is_ready() => InHub.Run(() =>
    {
        GreenSemaphore permits = new(1);
        GreenSelect select = new GreenSelect().Default().Wait(permits).After(TimeSpan.Zero);
        Assert.Equal(1, select.Run());
        Assert.Equal(0, select.Run());
        select.Disable(0);
        Assert.Equal(2, select.Run());
        select.Enable(0);
        Assert.Equal(0, select.Run());
    });

    [Fact]
    public void The_shortest_time_ends_the_wait() => InHub.Run(() =>
        Assert.Equal(2, new GreenSelect().After(Timeout.InfiniteTimeSpan).After(InHub.Long).After(InHub.Tick).Receive(new GreenQueue<int>(), _ => { }).Run()));

    [Fact]
    public void What_is_completed_is_ready_and_can_be_switched_off() => InHub.Run(() =>
    {
        GreenQueue<int> queue = new();
        queue.Put(1);
        queue.Complete();
        GreenChannel<int> channel = new();
        channel.Complete(new FormatException());
        Channel<int> other = Channel.CreateBounded<int>(1);
        other.Writer.Complete(new FormatException());
        int ended = 0;
        GreenSelect select = new GreenSelect().Receive(queue, item => Assert.Equal(1, item), () => ended++);
        select.Run();
        Assert.Equal(0, ended); // what is left comes first
        select.Run();
        Assert.Equal(1, ended);
        Assert.Throws<ChannelClosedException>(() => new GreenSelect().Receive(queue, _ => { }).Run());
        Assert.Throws<ChannelClosedException>(() => new GreenSelect().Peek(queue, _ => { }).Run());
        Assert.Throws<ChannelClosedException>(() => new GreenSelect().Send(queue, 1).Run());
        Assert.IsType<FormatException>(Assert.Throws<ChannelClosedException>(() => new GreenSelect().Receive(channel, _ => { }).Run()).InnerException);
        Assert.Throws<ChannelClosedException>(() => new GreenSelect().Send(channel, 1).Run());
        Assert.IsType<FormatException>(Assert.Throws<ChannelClosedException>(() => new GreenSelect().Receive(other.Reader, _ => { }).Run()).InnerException);
        Assert.IsType<FormatException>(Assert.Throws<ChannelClosedException>(() => new GreenSelect().Send(other.Writer, 1).Default().Run()).InnerException);
        select.Disable(0);
        Assert.Contains("disabled", Assert.Throws<InvalidOperationException>(() => select.Run()).Message, StringComparison.Ordinal);
        Assert.Equal(1, select.Default().Run());
    });

    [Fact]
    public void Completing_ends_a_wait_that_goes_on() => InHub.Run(() =>
    {
        GreenQueue<int> queue = new();
        GreenQueue<int> peeked = new();
        GreenQueue<int> full = new(1);
        full.Put(1);
        GreenChannel<int> channel = new();
        Channel<int> other = Channel.CreateBounded<int>(1);
        Assert.True(other.Writer.TryWrite(1));
        Channel<int> empty = Channel.CreateUnbounded<int>();
        GreenSelect[] selects =
        [
            new GreenSelect().Receive(queue, _ => { }),
            new GreenSelect().Peek(peeked, _ => { }),
            new GreenSelect().Send(full, 1),
            new GreenSelect().Receive(channel, _ => { }),
            new GreenSelect().Send(other.Writer, 1),
            new GreenSelect().Receive(empty.Reader, _ => { }),
        ];
        GreenTask[] waiters = [.. selects.Select(select => Hub.Spawn(() => { Assert.Throws<ChannelClosedException>(() => select.Run()); }))];
        Hub.Yield();
        queue.Complete();
        peeked.Complete();
        full.Complete();
        channel.Complete();
        other.Writer.Complete();
        empty.Writer.Complete();
        Assert.All(waiters, waiter =>
        {
            waiter.Join();
            Assert.Null(waiter.Exception);
        });
        GreenChannel<int> second = new();
        GreenTask sender = Hub.Spawn(() => { Assert.Throws<ChannelClosedException>(() => new GreenSelect().Send(second, 1).Run()); });
        Hub.Yield();
        second.Complete();
        sender.Join();
        Assert.Null(sender.Exception);
    });

    [Fact]
    public void A_failed_or_killed_task_tells_it() => InHub.Run(() =>
    {
        GreenTask<int> failed = Hub.Spawn<int>(() => throw new FormatException());
        GreenTask<int> killed = Hub.Spawn(() =>
        {
            Hub.Sleep(InHub.Long);
            return 1;
        });
        Assert.Throws<FormatException>(() => new GreenSelect().Wait(failed, _ => { }).Run());
        killed.Kill();
        Assert.Throws<GreenTaskKilledException>(() => new GreenSelect().Wait(killed, _ => { }).Run());
        Assert.Equal(0, new GreenSelect().Wait(killed).Run()); // its end is all that was asked for
        Assert.Throws<FormatException>(() => new GreenSelect().Await(Task.FromException(new FormatException())).Run());
    });

    [Fact]
    public void A_condition_frees_its_lock_and_has_it_again_whatever_was_taken() => InHub.Run(() =>
    {
        GreenCondition condition = new();
        GreenQueue<int> queue = new();
        GreenSelect select = new GreenSelect().Wait(condition, () => Assert.True(condition.Gate.IsHeldByCurrentTask))
            .Receive(queue, _ => Assert.True(condition.Gate.IsHeldByCurrentTask));
        Assert.Throws<SynchronizationLockException>(() => select.Run());
        foreach (int expected in (int[])[0, 1])
        {
            GreenTask<int> waiter = Hub.Spawn(() =>
            {
                using (condition.Gate.EnterScope())
                {
                    return select.Run();
                }
            });
            Hub.Yield();
            using (condition.Gate.EnterScope())
            {
                if (expected == 0)
                {
                    condition.Pulse();
                }
                else
                {
                    queue.Put(1);
                }

                Hub.Yield();
                Assert.False(waiter.IsCompleted);
            }

            Assert.Equal(expected, waiter.Result);
        }

        GreenTask killed = Hub.Spawn(() =>
        {
            using (condition.Gate.EnterScope())
            {
                select.Run();
            }
        });
        Hub.Yield();
        killed.Kill();
        Assert.True(killed.IsKilled);
        Assert.True(condition.Gate.TryEnter());
        Assert.Throws<ArgumentException>(() => select.Wait(new GreenCondition()));
    });

    /// <summary>It was given an item, and is killed while it waits for the lock of a condition: the item goes to another.</summary>
    [Fact]
    public void What_it_was_given_goes_on_if_it_is_killed_before_it_has_its_lock_again() => InHub.Run(() =>
    {
        GreenCondition condition = new();
        GreenQueue<int> queue = new();
        GreenTask waiter = Hub.Spawn(() =>
        {
            using (condition.Gate.EnterScope())
            {
                new GreenSelect().Wait(condition).Receive(queue, _ => Assert.Fail()).Run();
            }
        });
        Hub.Yield();
        GreenTask<int> next = Hub.Spawn(() => queue.Get());
        Hub.Yield();
        condition.Gate.Enter();
        queue.Put(1);
        Hub.Yield();
        waiter.Kill(timeout: TimeSpan.Zero);
        Hub.Yield();
        condition.Gate.Exit();
        waiter.Join();
        Assert.True(waiter.IsKilled);
        Assert.True(next.Join(InHub.Long));
        Assert.Equal(1, next.Result);
    });

    [Fact]
    public void Bad_input_gets_a_sentence() => InHub.Run(() =>
    {
        GreenSelect select = new();
        Assert.Contains("no case", Assert.Throws<InvalidOperationException>(() => select.Run()).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => select.Receive((GreenQueue<int>)null!, _ => { }));
        Assert.Throws<ArgumentNullException>(() => select.Receive(new GreenQueue<int>(), null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => select.After(TimeSpan.FromSeconds(-5)));
        Assert.Throws<ArgumentOutOfRangeException>(() => select.Disable(0));
        Assert.Contains("await", Assert.Throws<ArgumentException>(() => select.Default(async () => await Task.Yield())).Message, StringComparison.Ordinal);
        select.Default();
        Assert.Throws<InvalidOperationException>(() => select.Default());
        GreenSelect shared = new GreenSelect().Wait(new GreenEvent());
        GreenTask user = Hub.Spawn(() => shared.Run());
        Hub.Yield();
        Assert.Contains("Another task", Assert.Throws<InvalidOperationException>(() => shared.Run()).Message, StringComparison.Ordinal);
        user.Kill();
    });

    [Fact]
    public void Outside_of_a_hub_it_takes_what_is_there_and_does_not_wait()
    {
        GreenQueue<int> queue = new();
        queue.Put(1);
        GreenSelect select = new GreenSelect().Receive(queue, _ => { });
        Assert.Equal(0, select.Run());
        Assert.Throws<MissingHubException>(() => select.Run());
    }

    [Fact]
    public void A_select_that_nobody_can_end_is_a_deadlock() => InHub.OnThread(() =>
    {
        GreenLock gate = new();
        GreenDeadlockException exception = Assert.Throws<GreenDeadlockException>(() => Hub.Run(() =>
        {
            gate.Enter();
            GreenTask? other = null;
            other = Hub.Spawn(() => new GreenSelect().Enter(gate).Run());
            other.Join();
        }));
        Assert.Contains("one of a lock", exception.Message, StringComparison.Ordinal);
    });

    private static IEnumerable<(string Name, Func<GreenSelect, GreenSelect> Add, Action MakeReady, Action Check)> Kinds(bool isReadyBefore)
    {
        int got = 0;
        GreenQueue<int> queue = new();
        yield return ("queue", select => select.Receive(queue, item => got = item), () => queue.Put(1), () => Assert.Equal((1, 0), (got, queue.Count)));
        GreenQueue<int> peeked = new();
        yield return ("peek", select => select.Peek(peeked, item => got = item), () => peeked.Put(2), () => Assert.Equal((2, 1), (got, peeked.Count)));
        GreenPriorityQueue<int> full = new(1);
        full.Put(8);
        yield return ("put", select => select.Send(full, 5), () => full.Get(), () => Assert.Equal(5, full.Get()));
        GreenChannel<int> channel = new();
        yield return ("channel", select => select.Receive(channel, item => got = item), () => Hub.Spawn(() => channel.Send(3)), () => Assert.Equal(3, got));
        GreenTask<int>? receiver = null;
        yield return ("send", select => select.Send(channel, 4), () => receiver = Hub.Spawn(channel.Receive), () => Assert.Equal(4, receiver!.Result));
        Channel<int> other = Channel.CreateBounded<int>(1);
        yield return ("reader", select => select.Receive(other.Reader, item => got = item), () => other.Writer.TryWrite(5), () => Assert.Equal(5, got));
        Channel<int> filled = Channel.CreateBounded<int>(1);
        Assert.True(filled.Writer.TryWrite(1));
        yield return ("writer", select => select.Send(filled.Writer, 6), () => filled.Reader.TryRead(out _), () => Assert.True(filled.Reader.TryRead(out int item) && item == 6));
        GreenEvent signal = new();
        yield return ("event", select => select.Wait(signal), signal.Set, () => { });
        GreenEvent pulsed = new();
        if (!isReadyBefore)
        {
            yield return ("event, reset", select => select.Wait(pulsed), () => { pulsed.Set(); pulsed.Reset(); }, () => { });
        }

        GreenCompletionSource<int> source = new();
        yield return ("completion source", select => select.Wait(source), () => source.SetResult(1), () => { });
        GreenSemaphore permits = new(0);
        yield return ("semaphore", select => select.Wait(permits), () => permits.Release(), () => Assert.Equal(0, permits.CurrentCount));
        GreenLock gate = new();
        GreenEvent let = new();
        Hub.Spawn(() =>
        {
            gate.Enter();
            let.Wait();
            gate.Exit();
        });
        Hub.Yield();
        yield return ("lock", select => select.Enter(gate), () => { let.Set(); Hub.Yield(); }, () => Assert.True(gate.IsHeldByCurrentTask));
        GreenEvent end = new();
        GreenTask<int> task = Hub.Spawn(() =>
        {
            end.Wait();
            return 7;
        });
        yield return ("task", select => select.Wait(task), () => { end.Set(); Hub.Yield(); }, () => { });
        GreenEvent endToo = new();
        GreenTask<int> another = Hub.Spawn(() =>
        {
            endToo.Wait();
            return 7;
        });
        yield return ("task with a result", select => select.Wait(another, result => got = result), () => { endToo.Set(); Hub.Yield(); }, () => Assert.Equal(7, got));
        TaskCompletionSource<int> completion = new();
        yield return (".NET task", select => select.Await(completion.Task), () => completion.SetResult(9), () => { });
        TaskCompletionSource<int> result = new();
        yield return (".NET task with a result", select => select.Await(result.Task, value => got = value), () => result.SetResult(9), () => Assert.Equal(9, got));
    }
}
