using NativeGreenlet.Cooperative.IO.Transport;
using NativeGreenlet.Cooperative.Tests.Infrastructure;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>The mutex under sockets and streams.</summary>
public class FairMutexTests
{
    private const int Hubs = 3;
    private const int TasksOfHub = 6;
    private const int Rounds = 400;

    /// <summary>Tasks of several hubs enter all the time, without a wait and with one. Every other task gives up after a time, and is killed
    /// in its waits; the rest wait for as long as it takes. A thread without a hub tries it, too.</summary>
    [Fact]
    public void One_is_inside_at_a_time_and_nobody_waits_for_ever()
    {
        FairMutex mutex = new();
        int inside = 0;
        int overlaps = 0;
        int entered = 0;
        int givenUp = 0;
        int failed = 0;
        using CancellationTokenSource end = new();
        Thread outside = new(() =>
        {
            while (!end.IsCancellationRequested)
            {
                if (mutex.TryEnter())
                {
                    Inside();
                    Interlocked.Decrement(ref inside);
                    mutex.Exit();
                }

                Thread.Yield();
            }
        });
        outside.Start();
        Thread[] threads = [.. Enumerable.Range(0, Hubs).Select(hub => new Thread(() => Hub.Run(() =>
        {
            GreenTask[] tasks = [.. Enumerable.Range(0, TasksOfHub).Select(task => Hub.Spawn(() => Work(new Random((hub * 100) + task), isPatient: task % 2 == 0)))];
            Hub.Yield(); // they begin
            Random random = new(hub);
            while (!tasks.All(task => task.IsCompleted))
            {
                tasks[(random.Next(TasksOfHub / 2) * 2) + 1].Kill(new InvalidTimeZoneException(), TimeSpan.Zero);
                Hub.Sleep(InHub.Tick);
            }

            Array.ForEach(tasks, task => failed += task.IsSuccessful ? 0 : 1);
        })))];
        Array.ForEach(threads, thread => thread.Start());
        bool hasEnded = threads.All(thread => thread.Join(InHub.Patience));
        end.Cancel();
        outside.Join();
        Assert.True(hasEnded, $"it hangs: {entered} entered, {givenUp} gave up");
        Assert.Equal((0, 0), (overlaps, failed));
        Assert.NotEqual(0, givenUp);
        Assert.True(entered >= Hubs * TasksOfHub / 2 * Rounds, $"{entered} entered, {givenUp} gave up");
        Assert.True(mutex.TryEnter(), "nobody has it, and yet it is not free");

        void Work(Random random, bool isPatient)
        {
            for (int i = 0; i < Rounds; i++)
            {
                try
                {
                    long deadline = !isPatient && random.Next(4) == 0 ? HubClock.After(TimeSpan.FromMilliseconds(random.Next(3))) : long.MaxValue;
                    if (!mutex.TryEnter("the mutex", deadline))
                    {
                        Interlocked.Increment(ref givenUp);
                        continue;
                    }
                }
                catch (InvalidTimeZoneException)
                {
                    Interlocked.Increment(ref givenUp);
                    continue;
                }

                try
                {
                    Inside();
                    Interlocked.Increment(ref entered);
                    if (random.Next(3) == 0)
                    {
                        Hub.Yield();
                    }
                }
                catch (InvalidTimeZoneException)
                {
                    // Killed in the yield.
                }
                finally
                {
                    Interlocked.Decrement(ref inside);
                    mutex.Exit();
                }
            }
        }

        void Inside()
        {
            if (Interlocked.Increment(ref inside) != 1)
            {
                Interlocked.Increment(ref overlaps);
            }
        }
    }
}
