using System.Diagnostics;
using System.IO.Pipes;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>The main thread of a process that has nothing but a hub. See <see cref="DeadlockProcessTests"/>.</summary>
public class DeadlockPrograms
{
    private static readonly List<object> s_kept = [];

    [InChild]
    public void Told()
    {
        if (GreenletRuntime.Backend == GreenletBackend.Threads)
        {
            return; // a thread that the program has started cannot be told from a greenlet
        }

        int told = 0;
        Hub.RunAsync(() => { }).Wait(InHub.Patience); // an idle hub of the shared pool changes nothing
        Tell(() => new GreenEvent().Wait());
        Tell(() => Hub.Spawn(() => new GreenQueue<int>().Get()).Join());
        GreenEvent made = new();
        Tell(made.Wait);
        HubOptions options = new() { OffloadPool = new OffloadPool(1, TimeSpan.FromDays(1)), DeadlockPatience = HubOptions.Default.DeadlockPatience };
        Assert.Throws<GreenDeadlockException>(() => Hub.Run(
            () =>
            {
                Hub.Offload(() => { }); // its thread is still there
                new GreenEvent().Wait();
            },
            options));
        told++;
        Console.WriteLine($"{nameof(DeadlockPrograms)}: {told} told");

        void Tell(Action main)
        {
            Assert.Throws<GreenDeadlockException>(() => Hub.Run(main));
            told++;
        }
    }

    [InChild]
    public void NotTold()
    {
        TimeSpan late = HubOptions.Default.DeadlockPatience * 4;
        int woken = 0;
        Action<Action>[] ways =
        [
            wake => Keep(new Timer(_ => wake(), null, late, Timeout.InfiniteTimeSpan)),
            wake => new Thread(() => Late(wake)).Start(),
            wake => ThreadPool.UnsafeQueueUserWorkItem(_ => new Thread(() => Late(wake)).Start(), null), // it has the worker's name
            wake => ThreadPool.UnsafeQueueUserWorkItem(_ => Late(wake), null),
            wake => Task.Factory.StartNew(() => Late(wake), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default),
            wake => ThreadPool.RegisterWaitForSingleObject(Keep(new ManualResetEvent(false)), (_, _) => wake(), null, late, executeOnlyOnce: true),
            wake =>
            {
                Process child = new() { StartInfo = new ProcessStartInfo("sleep", "1.3"), EnableRaisingEvents = true };
                child.Exited += (_, _) => wake();
                child.Start();
            },
            wake => _ = ReadLater(Keep(new AnonymousPipeServerStream(PipeDirection.In, HandleInheritability.Inheritable)), wake),
        ];
        foreach (Action<Action> begin in ways)
        {
            Hub.Run(() =>
            {
                GreenEvent mine = new();
                begin(mine.Set);
                mine.Wait();
            });
            woken++;
        }

        Console.WriteLine($"{woken} woken");

        void Late(Action wake)
        {
            Thread.Sleep(late);
            wake();
        }

        // The writer is another process.
        static async Task ReadLater(AnonymousPipeServerStream pipe, Action wake)
        {
            Process.Start("sh", ["-c", $"sleep 1.3; echo > /proc/self/fd/{pipe.GetClientHandleAsString()}"]).Dispose();
            await pipe.ReadExactlyAsync(new byte[1]);
            wake();
        }
    }

    private static T Keep<T>(T kept)
    {
        s_kept.Add(kept!);
        return kept;
    }
}
