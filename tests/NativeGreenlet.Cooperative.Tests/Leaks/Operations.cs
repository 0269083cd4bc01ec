using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Leaks;

/// <summary>Every operation of the layer that is no I/O, on things that live long: a task that never ends, an event that is
/// never set, a .NET task that never completes.</summary>
internal static class Operations
{
    private static readonly TimeSpan s_soon = TimeSpan.FromTicks(1);
    private static readonly FormatException s_error = new();

    /// <summary>Passes all to a body, in a hub.</summary>
    public static void With(Action<IEnumerable<Operation>> body, TimeSpan patience)
    {
        using Hub other = Hub.Start("the other");
        using HubPool pool = new(1, "the pool");
        InHub.OnThread(() => Hub.Run(() => body(All(other, pool))), patience);
    }

    // Made in a hub, for use there.
    private static IEnumerable<Operation> All(Hub other, HubPool pool)
    {
        TaskCompletionSource never = new();
        Task<int> complete = Task.FromResult(1);
        GreenTask sleeper = Hub.Spawn(() => Hub.Sleep(Timeout.InfiniteTimeSpan));
        GreenTask<int> sleeperWithResult = Hub.Spawn(() =>
        {
            Hub.Sleep(Timeout.InfiniteTimeSpan);
            return 1;
        });
        CancellationTokenSource token = new();
        GreenEvent signal = new();
        GreenSemaphore semaphore = new(0);
        GreenLock gate = new();
        GreenTask holder = Hub.Spawn(() =>
        {
            gate.Enter();
            Hub.Sleep(Timeout.InfiniteTimeSpan);
        });
        GreenLock free = new();
        GreenCondition condition = new(free);
        GreenBarrier barrier = new(2);
        GreenCountdown countdown = new(1);
        GreenQueue<int> queue = new();
        GreenQueue<int> full = new(1);
        full.Put(1);
        GreenChannel<object> channel = new();
        GreenCompletionSource<int> source = new();
        GreenPool tasks = new(2);
        GreenLock shared = new(); // by other runs
        GreenTestTime time = new();
        Channel<int> endless = Channel.CreateUnbounded<int>();

        // What starts threads: while the hub still sleeps, or each new thread would wait for a processor.
        yield return new("Hub.OffloadLongRunning", () => Hub.OffloadLongRunning(() => 1));
        yield return new("Hub.Start Hub.Dispose", () => Hub.Start().Dispose());
        yield return new("HubPool.Dispose HubPool.DisposeAsync", () =>
        {
            HubPool mine = new(1);
            Hub.Await(mine.RunAsync(() => { }));
            mine.Dispose();
            Hub.Await(mine.DisposeAsync());
        });
        yield return new("HubWatchdog.Start HubWatchdog.Dispose", () =>
        {
            HubWatchdog watchdog = new();
            watchdog.Start();
            watchdog.Dispose();
        });

        Hub.Spawn(() =>
        {
            while (true)
            {
                Hub.Yield(); // the hub never sleeps, so that a time limit of nothing takes no millisecond
            }
        });
        Hub.Yield();

        // Tasks.
        yield return new("Hub.Spawn GreenTask.Join", () => Hub.Spawn(() => { }).Join());
        yield return new("GreenTask.Kill", () => Hub.Spawn(Hub.Yield).Kill());
        yield return new("GreenTask.Kill GreenEvent.Wait", () => KillWaiting(() => signal.Wait()));
        Door door = new();
        yield return new("GreenTask.AskGate", () =>
        {
            GreenTask task = Hub.Spawn(() => { });
            task.Observer = door;
            door.IsOpen = false;
            Hub.Yield();
            door.IsOpen = true;
            task.AskGate();
            task.Join();
        });
        yield return new("GreenTask.Join", () => sleeper.Join(s_soon));
        yield return new("GreenTask.AsTask GreenTask.GetAwaiter GreenTask.OnCompleted", () =>
        {
            GreenTask task = Hub.Spawn(() => { });
            task.OnCompleted(() => { });
            task.OnCompleted(_ => { });
            Hub.Await(task.AsTask());
            task.GetAwaiter().GetResult();
        });
        yield return new("GreenTask`1.AsTask GreenTask`1.GetAwaiter", () =>
        {
            GreenTask<int> task = Hub.Spawn(() => 1);
            Hub.Await(task.AsTask());
            _ = task.GetAwaiter().GetResult() + task.Result;
        });
        yield return new("GreenTask`1.AsTask", () => _ = sleeperWithResult.AsTask());
        yield return new("Hub.Spawn", () => Hub.Spawn(async () => await Task.Yield()).Join());
        yield return new("Hub.Spawn GreenTask.Kill", () =>
        {
            GreenTask task = Hub.Spawn(async () =>
            {
                await Task.Yield();
                signal.Wait();
            });
            Hub.Yield();
            task.Kill();
        });
        yield return new("Hub.SpawnLater", () => Hub.SpawnLater(InHub.Long, () => { }).Kill());
        yield return new("Hub.SpawnLater", () => Hub.SpawnLater(s_soon, () => 1).Join());

        // Waits, over, given up and killed.
        yield return new("Hub.Sleep", () => Hub.Sleep(s_soon));
        yield return new("Hub.Yield", Hub.Yield);
        yield return new("Hub.Await", () => _ = Hub.Await(complete) + Hub.Await(new ValueTask<int>(complete)));
        yield return new("Hub.Await", () => Hub.Await(never.Task, s_soon));
        yield return new("Hub.Await", () => KillWaiting(() => Hub.Await(never.Task)));
        yield return new("Hub.Await", () => KillWaiting(() => Hub.Await(new ValueTask(never.Task))));
        yield return new("Hub.Await GreenTimeout.TryRun", () => GreenTimeout.TryRun(s_soon, () => Hub.Await(never.Task)));
        yield return new("GreenTimeout.Dispose GreenTimeout.Run GreenTimeout.Owns", () =>
        {
            using GreenTimeout outer = new(InHub.Long);
            _ = GreenTimeout.Run(InHub.Long, () => outer.Owns(new FormatException()));
        });
        yield return new("Hub.Offload", () => Hub.Offload(() => { }));
        yield return new("Hub.Offload", () => Hub.Offload(() => 1));
        yield return new("Hub.WaitAll", () => Hub.WaitAll(Hub.Spawn(() => { }), Hub.Spawn(() => { })));
        yield return new("Hub.WaitAny", () => Hub.WaitAny(sleeper, holder, Hub.Spawn(() => { })));
        yield return new("Hub.WaitAny", () => KillWaiting(() => Hub.WaitAny(sleeper, holder)));
        yield return new("Hub.WaitEach", () => Hub.WaitEach(sleeper, holder, Hub.Spawn(() => { })).First());
        yield return new("Hub.WaitEach", () => KillWaiting(() => Hub.WaitEach(sleeper, holder).First()));
        yield return new("Hub.Wait", () => Hub.Wait([sleeper, signal, source, countdown], s_soon));
        yield return new("Hub.OnSignal", () =>
        {
            if (!OperatingSystem.IsWindows())
            {
                Hub.OnSignal(PosixSignal.SIGHUP, () => { }).Dispose();
            }
        });

        // Hubs and runs.
        yield return new("Hub.Post", () => Hub.Current.Post(() => { }));
        yield return new("Hub.Post", () => other.Post(() => { }));
        yield return new("Hub.InvokeAsync", () => Hub.Await(other.InvokeAsync(() => shared.TryEnter())));
        yield return new("Hub.InvokeAsync", () => Hub.Await(other.InvokeAsync(() => { }, token.Token)));
        yield return new("Hub.InvokeAsync", () => Hub.Await(other.InvokeAsync(async () => await Task.Yield(), token.Token)));
        yield return new("Hub.RunAsync", () => Hub.Await(Hub.RunAsync(() => shared.TryEnter(), token.Token)));
        yield return new("HubPool.RunAsync", () => Hub.Await(pool.RunAsync(() => { })));
        yield return new("Hub.Run", () => Hub.Await(Task.Run(() => Hub.Run(() => 1))));
        yield return new("HubPool.MapAsync", () => Hub.Await(Map(pool)));
        yield return new("Hub.Dump", () => Hub.Current.Dump(TextWriter.Null));

        // Objects.
        yield return new("GreenEvent.Wait", () => signal.Wait(s_soon));
        yield return new("GreenEvent.Set GreenEvent.Reset", () =>
        {
            signal.Set();
            signal.Wait();
            signal.Reset();
        });
        yield return new("GreenSemaphore.Wait GreenSemaphore.Release", () =>
        {
            semaphore.Wait(s_soon);
            semaphore.Release();
            semaphore.Wait();
        });
        yield return new("GreenSemaphore.Wait", () => KillWaiting(semaphore.Wait));
        yield return new("GreenLock.TryEnter", () => gate.TryEnter(s_soon));
        yield return new("GreenLock.Enter", () => KillWaiting(gate.Enter));
        yield return new("GreenLock.Enter GreenLock.Exit GreenLock.EnterScope", () =>
        {
            free.Enter();
            free.EnterScope().Dispose();
            free.Exit();
        });
        yield return new("GreenCondition.Wait GreenCondition.Pulse GreenCondition.PulseAll", () =>
        {
            using GreenLock.Scope held = free.EnterScope();
            condition.Wait(s_soon);
            condition.Pulse();
            condition.PulseAll();
        });
#pragma warning disable CS0618 // the former names are operations, too
        yield return new("GreenEvent.Clear GreenCondition.Signal GreenCondition.SignalAll GreenCountdown.Add", () =>
        {
            signal.Clear();
            condition.Signal();
            condition.SignalAll();
            countdown.Add();
            countdown.Signal();
        });
#pragma warning restore CS0618
        CancellationTokenSource lasting = new();
        CancellationTokenSource over = new();
        over.Cancel();
        yield return new("GreenEvent.Wait", () => signal.Wait(s_soon, lasting.Token));
        yield return new("GreenEvent.Wait", () => KillWaiting(() => signal.Wait(lasting.Token)));
        yield return new("GreenLock.TryEnter", () => gate.TryEnter(s_soon, lasting.Token));
        yield return new("Hub.Await", () => Hub.Await(never.Task, s_soon, lasting.Token));
        yield return new("Hub.Sleep", () => Hub.Sleep(s_soon, lasting.Token));
        yield return new("Hub.WaitAny", () => Hub.WaitAny([signal, countdown], s_soon, lasting.Token));
        yield return new("GreenEvent.Wait", () => CancelWaiting(token => signal.Wait(token)));
        yield return new("GreenEvent.Wait", () => Assert.Throws<OperationCanceledException>(() => signal.Wait(over.Token)));
        yield return new("GreenBarrier.SignalAndWait", () => barrier.SignalAndWait(s_soon));
        yield return new("GreenBarrier.SignalAndWait GreenBarrier.AddParticipant GreenBarrier.RemoveParticipant", () =>
        {
            barrier.AddParticipant();
            barrier.RemoveParticipant();
            GreenTask partner = Hub.Spawn(barrier.SignalAndWait);
            barrier.SignalAndWait();
            partner.Join();
        });
        yield return new("GreenSignal.Wait GreenSignal.Set", () =>
        {
            GreenSignal mine = new();
            mine.Wait(s_soon);
            mine.Set();
            mine.Wait();
        });
        yield return new("GreenCountdown.Wait GreenCountdown.AddCount", () =>
        {
            countdown.Wait(s_soon);
            countdown.AddCount();
            countdown.Signal();
        });
        yield return new("GreenCountdown.Wait GreenCountdown.Signal", () =>
        {
            GreenCountdown mine = new(1);
            mine.Signal();
            mine.Wait();
        });
        foreach (GreenQueue<int> each in (GreenQueue<int>[])[queue, new GreenStack<int>(), new GreenPriorityQueue<int>()])
        {
            yield return new("GreenQueue`1.Put GreenQueue`1.TryPut GreenQueue`1.Get GreenQueue`1.TryGet GreenQueue`1.TaskDone GreenQueue`1.Join", () =>
            {
                each.TryGet(s_soon, out _);
                each.Put(1);
                each.TryPut(2);
                each.Join(s_soon);
                _ = each.Get() + each.Get(InHub.Long);
                each.TryGet(out _);
                each.TaskDone();
                each.TaskDone();
                each.Join();
            });
        }

        yield return new("GreenQueue`1.TryPut", () => full.TryPut(1, s_soon));
        yield return new("GreenQueue`1.Put", () => KillWaiting(() => full.Put(1)));
        yield return new("GreenQueue`1.Complete GreenQueue`1.GetAll", () =>
        {
            GreenQueue<int> mine = new();
            mine.Put(1);
            mine.Complete();
            _ = mine.GetAll().Count();
        });
        yield return new("GreenChannel`1.Send GreenChannel`1.Receive", () =>
        {
            GreenTask sender = Hub.Spawn(() => channel.Send(new byte[64]));
            channel.Receive();
            sender.Join();
        });
        yield return new("GreenChannel`1.TrySend GreenChannel`1.TryReceive", () =>
        {
            channel.TrySend(new byte[64], s_soon);
            channel.TryReceive(s_soon, out _);
        });
        yield return new("GreenChannel`1.Complete GreenChannel`1.ReceiveAll", () =>
        {
            GreenChannel<int> mine = new();
            GreenTask<int> receiver = Hub.Spawn(() => mine.ReceiveAll().Count());
            Hub.Yield();
            mine.Complete();
            _ = receiver.Result;
        });
        yield return new("GreenQueue`1.Peek GreenQueue`1.TryPeek", () =>
        {
            queue.TryPeek(s_soon, out _);
            KillWaiting(() => queue.Peek());
            _ = full.Peek();
        });
        Channel<int> pipe = Channel.CreateBounded<int>(1);
        pipe.Writer.TryWrite(1);
        Channel<int> drained = Channel.CreateUnbounded<int>();
        GreenSelect select = new GreenSelect().Receive(queue, _ => { }).Peek(queue, _ => { }).Send(full, 1).Receive(channel, _ => { }).Send(channel, new object()).Wait(signal)
            .Wait(sleeper).Wait(sleeperWithResult, _ => { }).Wait(semaphore).Enter(gate).Await(never.Task).Receive(drained.Reader, _ => { }).Send(pipe.Writer, 1).After(s_soon);
        yield return new("GreenSelect.Receive GreenSelect.Peek GreenSelect.Send GreenSelect.Wait GreenSelect.Enter GreenSelect.Await GreenSelect.After GreenSelect.Run", () => select.Run());
        yield return new("GreenSelect.Run", () => KillWaiting(() => new GreenSelect().Receive(queue, _ => { }).Wait(signal).Await(never.Task).Receive(channel, _ => { }).Run()));
        yield return new("GreenSelect.Run", () => CancelWaiting(token => new GreenSelect().Receive(drained.Reader, _ => { }).Wait(signal).Await(never.Task).Run(token)));
        yield return new("GreenSelect.Run GreenSelect.Default GreenSelect.Disable GreenSelect.Enable", () =>
        {
            GreenSelect mine = new GreenSelect().Default().Wait(signal);
            mine.Disable(1);
            mine.Enable(1);
            mine.Run();
        });
        yield return new("GreenSelect.Wait GreenSelect.Run", () =>
        {
            using GreenLock.Scope held = free.EnterScope();
            new GreenSelect().Wait(condition).After(s_soon).Run();
        });
        GreenBroadcast<object> broadcast = new(2);
        GreenSubscription<object> subscription = broadcast.Subscribe();
        yield return new("GreenBroadcast`1.Subscribe GreenBroadcast`1.Send GreenSubscription`1.Receive GreenSubscription`1.TryReceive GreenSelect.Receive", () =>
        {
            _ = broadcast.Subscribe();
            broadcast.Send(new byte[64]);
            _ = subscription.Receive();
            subscription.TryReceive(s_soon, out _);
            new GreenSelect().Receive(subscription, _ => { }).After(s_soon).Run();
            KillWaiting(() => subscription.Receive());
        });
        yield return new("GreenBroadcast`1.Complete GreenSubscription`1.ReceiveAll", () =>
        {
            GreenBroadcast<int> mine = new(2);
            GreenSubscription<int> all = mine.Subscribe();
            mine.Send(1);
            mine.Complete();
            _ = all.ReceiveAll().Count();
        });
        GreenWatch<int> watch = new(0);
        GreenWatcher<int> watcher = watch.Watch();
        yield return new("GreenWatch`1.Watch GreenWatcher`1.WaitForChange GreenWatcher`1.WaitFor", () =>
        {
            watch.Watch().WaitForChange(s_soon, out _);
            watch.Value++;
            watcher.WaitForChange();
            watcher.WaitFor(value => value < 0, s_soon, out _);
            new GreenSelect().Wait(watcher).After(s_soon).Run();
            KillWaiting(() => watcher.WaitForChange());
        });
        yield return new("GreenCompletionSource`1.Wait", () => source.Wait(s_soon));
        yield return new("GreenCompletionSource`1.Get", () => KillWaiting(() => source.Get()));
        yield return new("GreenCompletionSource`1.Get GreenCompletionSource`1.SetResult GreenCompletionSource`1.TrySetResult GreenCompletionSource`1.SetException GreenCompletionSource`1.TrySetException GreenCompletionSource`1.TryCancel", () =>
        {
            GreenCompletionSource<int> mine = new();
            GreenTask<int> waiter = Hub.Spawn(() => mine.Get());
            Hub.Yield();
            mine.SetResult(1);
            _ = waiter.Result + Hub.Await(mine.Task);
            GreenCompletionSource<int> failed = new();
            failed.SetException(s_error);
            _ = failed.TrySetResult(1) | failed.TrySetException(s_error) | failed.TryCancel();
        });

        // Bridges.
        yield return new("Hub.Enumerate", () => Hub.Enumerate(AsyncEnumerable.Range(0, 3)).Take(2).Count());
        yield return new("Hub.Enumerate", () => KillWaiting(() => Hub.Enumerate(Never()).Count()));
        yield return new("GreenAsyncEnumerable.RunInHub", () => Hub.Await(Take(Enumerable.Range(0, 3).RunInHub(other))));
        yield return new("GreenChannelBridge.Send GreenChannelBridge.Receive GreenChannelBridge.TryReceive GreenChannelBridge.ReceiveAll GreenChannelBridge.CopyTo", () =>
        {
            Channel<int> from = Channel.CreateUnbounded<int>();
            GreenQueue<int> through = new();
            Channel<int> to = Channel.CreateUnbounded<int>();
            from.Writer.Send(1);
            from.Writer.Send(2);
            from.Writer.Complete();
            from.Reader.CopyTo(through);
            through.CopyTo(to.Writer);
            _ = to.Reader.Receive();
            _ = to.Reader.TryReceive(out _);
            _ = to.Reader.ReceiveAll().Count();
        });
        yield return new("GreenChannelBridge.Receive", () => KillWaiting(() => endless.Reader.Receive()));
        yield return new("GreenProgress`1.Report", () => new GreenProgress<int>(_ => { }).Report(1));
        yield return new("GreenPeriodicTimer.WaitForNextTick GreenPeriodicTimer.Dispose", () =>
        {
            using GreenPeriodicTimer timer = new(s_soon);
            timer.WaitForNextTick();
        });
        yield return new("GreenTestTime.Advance GreenTestTime.GetUtcNow GreenTestTime.GetTimestamp GreenTestTime.CreateTimer", () =>
        {
            using ITimer timer = time.CreateTimer(_ => { }, null, s_soon, Timeout.InfiniteTimeSpan);
            time.Advance(s_soon);
            _ = time.GetUtcNow().Ticks + time.GetTimestamp();
        });

        // Pools and nurseries.
        yield return new("GreenPool.Spawn GreenPool.Join", () =>
        {
            tasks.Spawn(() => { });
            tasks.Join();
        });
        yield return new("GreenPool.Spawn GreenPool.Kill", () =>
        {
            tasks.Spawn(Hub.Yield);
            tasks.Kill();
        });
        yield return new("GreenPool.Map GreenPool.ForEach", () =>
        {
            tasks.Map([1, 2], item => item);
            tasks.ForEach([1], _ => { });
        });
        yield return new("GreenPool.MapInOrder GreenPool.MapUnordered", () => _ = tasks.MapInOrder([1, 2, 3], item => item).First() + tasks.MapUnordered([1, 2, 3], item => item).First());
        Func<int>[] bodies = [() => 1, () => { signal.Wait(); return 2; }];
        yield return new("GreenNursery.First GreenNursery.FirstSuccess GreenNursery.All", () =>
        {
            _ = GreenNursery.First(bodies) + GreenNursery.FirstSuccess(bodies) + GreenNursery.All(bodies[0], bodies[0]).Length;
            KillWaiting(() => GreenNursery.All(bodies));
        });
        yield return new("GreenNursery.Run GreenNursery.Spawn GreenNursery.Cancel GreenNursery.Dispose", () => GreenNursery.Run(nursery =>
        {
            nursery.Spawn(() => { });
            nursery.Spawn(() => signal.Wait());
            Hub.Yield();
            nursery.Cancel();
        }));
    }

    private static void CancelWaiting(Action<CancellationToken> wait)
    {
        using CancellationTokenSource source = new();
        GreenTask waiter = Hub.Spawn(() => Assert.Throws<OperationCanceledException>(() => wait(source.Token)));
        Hub.Yield();
        source.Cancel();
        waiter.Join();
    }

    private sealed class Door : IGreenTaskGate
    {
        public bool IsOpen { get; set; }

        public bool MayGoOn(GreenTask task) => IsOpen;

        public void GoingOn(GreenTask task)
        {
        }

        public void Parked(GreenTask task)
        {
        }
    }

    private static void KillWaiting(Action wait)
    {
        GreenTask task = Hub.Spawn(wait);
        Hub.Yield();
        task.Kill();
    }

    private static async IAsyncEnumerable<int> Never([EnumeratorCancellation] CancellationToken token = default)
    {
        await Task.Delay(Timeout.Infinite, token).ConfigureAwait(false);
        yield return 1;
    }

    private static async Task Take(IAsyncEnumerable<int> items)
    {
        await foreach (int item in items.ConfigureAwait(false))
        {
            if (item == 1)
            {
                return;
            }
        }
    }

    private static async Task Map(HubPool pool)
    {
        await foreach (int item in pool.MapAsync([1, 2, 3], item => item, 2).ConfigureAwait(false))
        {
            if (item == 2)
            {
                return;
            }
        }
    }
}
