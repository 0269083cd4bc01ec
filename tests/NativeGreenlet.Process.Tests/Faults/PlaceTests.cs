using System.Collections.Concurrent;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Faults;

/// <summary>Greenlets that are started where threads belong to somebody else: callbacks of a
/// <see cref="SynchronizationContext"/>, the thread pool, timers. Finalizers: <see cref="CallbackFaultTests"/>; native
/// threads: <see cref="ThreadDeathTests"/>.</summary>
public class PlaceTests
{
    [Fact]
    public void Callbacks_of_a_synchronization_context_start_and_continue_greenlets() => FaultProcess.Survives(UseSynchronizationContext);

    [Fact]
    public void Work_of_the_thread_pool_leaves_greenlets_suspended() => FaultProcess.Survives(LeaveSuspendedInPool);

    [Fact]
    public void Timers_start_greenlets() => FaultProcess.Survives(StartInTimers);

    private static void UseSynchronizationContext() => FaultProcess.OnMainAndWorker(() =>
    {
        Bystanders bystanders = new();
        PumpContext pump = new();
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(pump);
        List<string> log = [];
        Greenlet main = Greenlet.Current;
        Greenlet greenlet = new(() =>
        {
            Holdings holdings = new(3, stackalloc int[10]);
            for (int i = 0; i < 3; i++)
            {
                log.Add($"greenlet {i}");
                _ = main.Switch(i);
                holdings.Verify();
            }

            // Asynchronous code goes on in callbacks of the context, in the main greenlet, while this one waits.
            Task<int> task = AddAsync(log);
            while (!task.IsCompleted)
            {
                _ = main.Switch("waits for the task");
                holdings.Verify();
            }

            throw new InvalidTimeZoneException($"the sum is {task.Result}");
        });
        pump.Post(_ => log.Add($"first {greenlet.Switch()}"), null);
        pump.Post(_ => log.Add($"second {greenlet.Switch()}"), null);
        pump.Post(_ => log.Add($"third {greenlet.Switch()}"), null);
        pump.Run();
        bystanders.Verify();
        Check.That(log is ["greenlet 0", "first 0", "greenlet 1", "second 1", "greenlet 2", "third 2"]);

        log.Clear();
        string? caught = null;
        for (int i = 0; caught is null; i++)
        {
            pump.Post(
                _ =>
                {
                    try
                    {
                        _ = greenlet.Switch();
                    }
                    catch (InvalidTimeZoneException exception)
                    {
                        caught = exception.Message;
                    }
                },
                null);
            pump.Run();
            bystanders.VerifySuspended();
        }

        Check.That(caught == "the sum is 6" && greenlet.IsDead);
        Check.That(log is ["0 in False", "1 in True", "2 in True", "3 in True"], string.Join(", ", log));
        SynchronizationContext.SetSynchronizationContext(before);
        bystanders.VerifyAndEnd();

        static async Task<int> AddAsync(List<string> log)
        {
            int sum = 0;
            for (int i = 0; i < 4; i++)
            {
                log.Add($"{i} in {Greenlet.Current.IsMain}");
                sum += i;
                await Task.Yield();
            }

            return sum;
        }
    });

    private static void LeaveSuspendedInPool()
    {
        Bystanders bystanders = new();
        ConcurrentBag<(Greenlet Greenlet, int Stamp)> left = [];
        int continued = 0;
        Task[] tasks = [.. Enumerable.Range(0, 200).Select(stamp => Task.Run(() =>
        {
            Greenlet main = Greenlet.Current;
            Greenlet greenlet = new(value =>
            {
                Holdings holdings = new(stamp, stackalloc int[10]);
                while (true)
                {
                    value = main.Switch((int)value! + stamp);
                    holdings.Verify();
                }
            });
            Check.That(Equals(greenlet.Switch(1), 1 + stamp));

            // Those that earlier work left on this thread, of whichever it was: they go on; others' are refused.
            foreach ((Greenlet other, int otherStamp) in left)
            {
                if (other.OwnerThreadId == Environment.CurrentManagedThreadId)
                {
                    Check.That(Equals(other.Switch(2), 2 + otherStamp));
                    Interlocked.Increment(ref continued);
                }
                else
                {
                    _ = Assert.Throws<GreenletException>(() => other.Switch(2));
                }
            }

            left.Add((greenlet, stamp));
            if (stamp % 20 == 0)
            {
                CollectorPressure.Compact(2);
            }
        }))];
        Task.WaitAll(tasks);
        Check.That(left.Count == 200 && continued > 0);
        bystanders.VerifyAndEnd();
        Console.WriteLine("done");
    }

    private static void StartInTimers()
    {
        Bystanders bystanders = new();
        int ended = 0;
        Timer[] timers = [.. Enumerable.Range(0, 8).Select(i => new Timer(
            _ =>
            {
                new Bystanders(4).VerifyAndEnd();
                Interlocked.Increment(ref ended);
            },
            null,
            dueTime: i,
            period: 5))];
        Check.That(SpinWait.SpinUntil(
            () =>
            {
                bystanders.VerifySuspended();
                return Volatile.Read(ref ended) >= 100;
            },
            TimeSpan.FromMinutes(2)));
        Array.ForEach(timers, timer => timer.Dispose());
        bystanders.VerifyAndEnd();
        Console.WriteLine("done");
    }

    // Runs what was posted on the thread that asks for it.
    private sealed class PumpContext : SynchronizationContext
    {
        private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = new();

        public override void Post(SendOrPostCallback d, object? state) => _posted.Enqueue((d, state));

        public void Run()
        {
            while (_posted.TryDequeue(out (SendOrPostCallback Callback, object? State) item))
            {
                item.Callback(item.State);
            }
        }
    }
}
