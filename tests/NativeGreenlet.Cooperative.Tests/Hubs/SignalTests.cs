using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Handlers of signals that run in a hub.</summary>
public class SignalTests
{
    /// <summary>A signal that has come has a way to go: to the hub, to a task, to the task's turn.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_handler_begins_when_its_registration_was_disposed_of(bool isAsynchronous) => InHub.Run(() =>
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        ConcurrentQueue<Exception> heard = InHub.Unhandled();
        int mostBegun = 0;
        for (int turns = 0; turns < 4; turns++)
        {
            int begun = 0;
            IDisposable registration = isAsynchronous
                ? Hub.OnSignal(PosixSignal.SIGWINCH, () =>
                {
                    begun++;
                    return Task.CompletedTask;
                })
                : Hub.OnSignal(PosixSignal.SIGWINCH, () => { begun++; });
            using (Process kill = Process.Start("kill", ["-WINCH", $"{Environment.ProcessId}"]))
            {
                kill.WaitForExit();
            }

            // What it sends the hub is there, and the hub does not see it before this task lets it.
            while (!Hub.Current.Loop.HasWork)
            {
                Thread.Yield();
            }

            for (int i = 0; i < turns; i++)
            {
                Hub.Yield();
            }

            int begunBefore = begun;
            registration.Dispose();
            for (int i = 0; i < 4; i++)
            {
                Hub.Yield();
            }

            Assert.Equal(begunBefore, begun);
            mostBegun = Math.Max(mostBegun, begun);
        }

        Assert.Equal(1, mostBegun); // with some turns it did
        Assert.Empty(heard);
    });
}
