using System.Net;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary><see cref="Thread.Interrupt"/> on a hub's thread: while that sleeps nobody notices it, and what a task waits for
/// by itself is interrupted as anywhere.</summary>
public class InterruptTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hub_that_sleeps_goes_on_and_its_tasks_wait_on(bool hasPoller)
    {
        HubPool pool = new(1, "interrupted");
        try
        {
            int ended = 0;
            using GreenTcpServerOf server = new(hasPoller);
            GreenEvent go = new();
            Thread? thread = null;
            Hub? hub = null;
            Task<bool> run = pool.RunAsync(() =>
            {
                hub = Hub.Current;
                try
                {
                    server.Use();
                    Hub.Spawn(() =>
                    {
                        thread = Thread.CurrentThread; // from here on the hub sleeps
                        Hub.Sleep(InHub.Tick * 300);
                    }).Join();
                    return go.Wait(Timeout.InfiniteTimeSpan);
                }
                finally
                {
                    ended++;
                }
            });
            Assert.True(SpinWait.SpinUntil(() => thread is not null, InHub.Patience));
            for (int i = 0; i < 20; i++)
            {
                await Task.Delay(30);
                thread!.Interrupt();
            }

            Assert.False(run.IsCompleted);
            await Task.Delay(30);
            go.Set();
            Assert.True(await run.WaitAsync(InHub.Patience));
            Assert.Equal(1, ended);
            Assert.Same(hub, await pool.RunAsync(() =>
            {
                Hub.Sleep(InHub.Tick);
                return Hub.Current;
            }).WaitAsync(InHub.Patience));
        }
        finally
        {
            await pool.DisposeAsync();
        }
    }

    [Fact]
    public void What_a_task_waits_for_by_itself_is_interrupted() => InHub.Run(() =>
    {
        bool isCleaned = false;
        GreenTask task = Hub.Spawn(() =>
        {
            try
            {
                Thread.CurrentThread.Interrupt();
                Thread.Sleep(InHub.Long);
            }
            finally
            {
                isCleaned = true;
            }
        });
        _ = task.AsTask();
        task.Join();
        Assert.IsType<ThreadInterruptedException>(task.Exception);
        Assert.True(isCleaned);
        Hub.Sleep(InHub.Tick);
    });

    // Makes the hub wait by its poller.
    private sealed class GreenTcpServerOf(bool isUsed) : IDisposable
    {
        private GreenTcpServer? _server;

        public void Use()
        {
            if (isUsed)
            {
                _server = new GreenTcpServer(new IPEndPoint(IPAddress.Loopback, 0), stream => stream.CopyTo(stream));
                _server.Start();
                using GreenSocket client = GreenSocket.Connect("127.0.0.1", _server.EndPoint.Port);
                client.Send([1]);
                Assert.Equal(1, client.Receive(new byte[1]));
            }
        }

        public void Dispose() => _server?.Dispose();
    }
}
