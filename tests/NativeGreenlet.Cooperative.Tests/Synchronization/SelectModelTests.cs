using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Synchronization;

/// <summary>Random programs of selects on several hubs, with kills, timeouts and tokens, against a model: what went in has come out
/// once or is still there, and every permit is back.</summary>
public class SelectModelTests
{
    private const int Schedules = 3000;
    private const int LeastSchedules = 100; // on a machine that starves
    private const int Hubs = 3;
    private const int Permits = 2;
    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(12);

    [Fact]
    public void Nothing_is_lost_and_nothing_comes_twice()
    {
        Hub[] hubs = [.. Enumerable.Range(0, Hubs).Select(_ => Hub.Start())];
        try
        {
            Stopwatch watch = Stopwatch.StartNew();
            int done = 0;
            for (; done < Schedules && (done < LeastSchedules || watch.Elapsed < s_time); done++)
            {
                using Schedule schedule = new(done);
                schedule.Run(hubs);
            }

            Assert.InRange(done, LeastSchedules, Schedules);
        }
        finally
        {
            Array.ForEach(hubs, hub => hub.Dispose());
        }
    }

    /// <summary>One program.</summary>
    private sealed class Schedule(int seed) : IDisposable
    {
        private readonly GreenQueue<long>[] _queues = [new(1), new(2)];
        private readonly GreenChannel<long>[] _channels = [new(), new()];
        private readonly Channel<long> _other = Channel.CreateBounded<long>(1);
        private readonly GreenSemaphore _permits = new(Permits, Permits);
        private readonly GreenLock _gate = new();
        private readonly ConcurrentBag<GreenTask> _tasks = [];
        private readonly ConcurrentDictionary<long, int> _in = [];
        private readonly ConcurrentDictionary<long, int> _out = [];
        private readonly CancellationTokenSource _token = new();
        private volatile bool _isOver;
        private long _lastItem;
        private int _holders;
        private int _owners;

        public void Dispose() => _token.Dispose();

        public void Run(Hub[] hubs)
        {
            Task[] parts = [.. hubs.Select((hub, index) => hub.InvokeAsync(() => RunPart(new Random((seed * Hubs) + index))))];
            Wait(Task.WhenAll(parts));
            Wait(hubs[0].InvokeAsync(Drain));
            Assert.True(_in.Keys.Order().SequenceEqual(_out.Keys.Order()), $"schedule {seed}: sent {_in.Count}, received {_out.Count}");
            Assert.All(_out, pair => Assert.Equal((pair.Key, 1), (pair.Key, pair.Value)));
            Assert.Equal((seed, Permits), (seed, _permits.CurrentCount));
        }

        private void Wait(Task task)
        {
            if (!task.Wait(InHub.Patience))
            {
                using StringWriter writer = new();
                GreenletDiagnostics.Dump(writer);
                throw new TimeoutException($"Schedule {seed} hangs: a wake-up was lost. {string.Join("; ", _tasks)}\n{writer}");
            }
        }

        private void RunPart(Random random)
        {
            int victims = random.Next(3);
            GreenTask[] workers = [.. Enumerable.Range(0, random.Next(2, 5)).Select(_ =>
            {
                int workerSeed = random.Next();
                int steps = random.Next(1, 8);
                return Hub.Spawn(() => Work(new Random(workerSeed), steps));
            })];
            Array.ForEach(workers, _tasks.Add);
            int pumpSeed = random.Next();
            bool isPartOver = false;
            GreenTask pump = Hub.Spawn(() =>
            {
                // So that no select waits for ever for a partner, only for a wake-up that was lost.
                Random own = new(pumpSeed);
                while (!isPartOver)
                {
                    Step(own, isBounded: true);
                    Hub.Yield(); // it may never have waited
                }
            });
            for (int i = 0; i < victims; i++)
            {
                for (int yields = random.Next(4); yields > 0; yields--)
                {
                    Hub.Yield();
                }

                GreenTask[] all = [.. _tasks]; // also of other hubs
                if (all.Length != 0)
                {
                    all[random.Next(all.Length)].Kill(timeout: TimeSpan.Zero);
                }

                if (random.Next(8) == 0)
                {
                    _token.Cancel();
                }
            }

            // A part pumps until the workers of all have ended.
            Hub.WaitAll(workers);
            while (_tasks.Any(task => !task.IsCompleted))
            {
                Hub.Sleep(InHub.Tick);
            }

            isPartOver = true;
            pump.Join();
            _isOver = true;
            Assert.All(workers, worker => Assert.Null(worker.Exception));
            Assert.Null(pump.Exception);
        }

        private void Work(Random random, int steps)
        {
            for (int i = 0; i < steps; i++)
            {
                if (random.Next(5) == 0)
                {
                    GreenTimeout.TryRun(TimeSpan.FromTicks(random.Next(5000)), () => Step(random, isBounded: false));
                }
                else
                {
                    Step(random, isBounded: false);
                }

                if (random.Next(3) == 0)
                {
                    Hub.Yield();
                }
            }
        }

        private void Step(Random random, bool isBounded)
        {
            GreenSelect select = new();
            bool hasPermit = false;
            bool hasLock = false;
            for (int cases = isBounded ? 10 : random.Next(1, 5); cases > 0; cases--)
            {
                // The pump takes and gives everywhere.
                AddCase(select, isBounded ? cases % 6 : random.Next(8), random.Next(2), () => hasPermit = true, () => hasLock = true);
            }

            if (isBounded || random.Next(4) == 0)
            {
                select.After(isBounded ? InHub.Tick / 10 : TimeSpan.FromTicks(random.Next(3000)));
            }

            if (!isBounded && random.Next(6) == 0)
            {
                select.Default();
            }

            try
            {
                select.Run(!isBounded && random.Next(3) == 0 ? _token.Token : CancellationToken.None);
            }
            catch (OperationCanceledException) when (_token.IsCancellationRequested && Hub.IsInside)
            {
                // The token, or a kill, which ends the worker at its next step or not at all: both are in the model.
            }
            finally
            {
                if (hasPermit)
                {
                    Assert.InRange(Interlocked.Increment(ref _holders), 1, Permits);
                    Interlocked.Decrement(ref _holders);
                    _permits.Release();
                }

                if (hasLock)
                {
                    Assert.Equal(1, Interlocked.Increment(ref _owners));
                    Interlocked.Decrement(ref _owners);
                    _gate.Exit();
                }
            }
        }

        private void AddCase(GreenSelect select, int kind, int which, Action takePermit, Action takeLock)
        {
            long item = Interlocked.Increment(ref _lastItem);
            switch (kind)
            {
                case 0:
                    select.Receive(_queues[which], Received);
                    break;
                case 1:
                    select.Send(_queues[which], item, () => Sent(item));
                    break;
                case 2:
                    select.Receive(_channels[which], Received);
                    break;
                case 3:
                    select.Send(_channels[which], item, () => Sent(item));
                    break;
                case 4:
                    select.Receive(_other.Reader, Received);
                    break;
                case 5:
                    select.Send(_other.Writer, item, () => Sent(item));
                    break;
                case 6:
                    select.Wait(_permits, takePermit);
                    break;
                default:
                    select.Enter(_gate, takeLock);
                    break;
            }
        }

        private void Sent(long item) => _in.AddOrUpdate(item, 1, (_, count) => count + 1);

        private void Received(long item) => _out.AddOrUpdate(item, 1, (_, count) => count + 1);

        private void Drain()
        {
            Assert.True(_isOver);
            Assert.True(_gate.TryEnter(), $"schedule {seed}: the lock is not free");
            _gate.Exit();
            while (new GreenSelect().Receive(_queues[0], Received).Receive(_queues[1], Received).Receive(_channels[0], Received).Receive(_channels[1], Received)
                .Receive(_other.Reader, Received).Default().Run() != 5)
            {
            }
        }
    }
}
