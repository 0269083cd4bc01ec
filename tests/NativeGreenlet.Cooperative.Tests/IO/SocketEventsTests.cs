using System.Net;
using System.Net.Sockets;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>Callbacks of a hub for a socket, without a task.</summary>
public sealed class SocketEventsTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly Socket _here;
    private readonly Socket _there;

    public SocketEventsTests()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _there = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _there.Connect(listener.LocalEndPoint!);
        _here = listener.Accept();
        _here.Blocking = false;
    }

    public void Dispose()
    {
        _here.Dispose();
        _there.Dispose();
    }

    [Fact]
    public async Task Callbacks_come_in_the_hub_for_each_piece_and_for_the_end()
    {
        if (!HubSocketEvents.IsSupported)
        {
            return;
        }

        using Hub hub = Hub.Start();
        using SemaphoreSlim received = new(0);
        using SemaphoreSlim ended = new(0);
        using SemaphoreSlim writable = new(0);
        byte[] buffer = new byte[10];
        HubSocketEvents? events = null;
        using (events = new HubSocketEvents(_here, Receive, () => writable.Release()))
        {
            Assert.Throws<MissingHubException>(() => events.TryAttach());
            Assert.True(await hub.InvokeAsync(events.TryAttach));
            Assert.True(await writable.WaitAsync(s_patience)); // it is, from the beginning
            for (int i = 0; i < 100; i++)
            {
                _there.Send([1]);
                Assert.True(await received.WaitAsync(s_patience));
            }

            Assert.False(events.MayEnd);
            _there.Shutdown(SocketShutdown.Send);
            Assert.True(await ended.WaitAsync(s_patience));
            Assert.True(events.MayEnd);
        }

        Assert.Throws<ObjectDisposedException>(() => Hub.Run(() => events.TryAttach()));

        void Receive()
        {
            Assert.Same(hub, Hub.Current);
            Assert.False(Hub.IsInside); // between tasks
            while (true)
            {
                int count = _here.Receive(buffer, SocketFlags.None, out SocketError error);
                if (error == SocketError.WouldBlock)
                {
                    return;
                }

                Assert.Equal(SocketError.Success, error);
                if (count == 0)
                {
                    ended.Release();
                    return;
                }

                received.Release(count);
            }
        }
    }

    [Fact]
    public async Task Another_hub_takes_over_from_one_that_is_blocked()
    {
        if (!HubSocketEvents.IsSupported)
        {
            return;
        }

        using Hub first = Hub.Start("first");
        using Hub second = Hub.Start("second");
        using ManualResetEventSlim mayGoOn = new();
        System.Collections.Concurrent.ConcurrentQueue<string> hubs = new();
        using SemaphoreSlim called = new(0);
        using HubSocketEvents events = new(_here, Receive, () => { });
        Assert.True(await first.InvokeAsync(events.TryAttach));
        _there.Send([1]);
        Assert.True(await called.WaitAsync(s_patience));
        using SemaphoreSlim blocked = new(0);
        first.Post(() =>
        {
            blocked.Release();
            mayGoOn.Wait();
        });
        Assert.True(await blocked.WaitAsync(s_patience));
        _there.Send([1]);
        events.Detach();
        Assert.True(await second.InvokeAsync(events.TryAttach));
        while (hubs.Last() != "second")
        {
            Assert.True(await called.WaitAsync(s_patience));
        }

        mayGoOn.Set();
        await first.InvokeAsync(() => { });
        int before = hubs.Count(name => name == "first");
        _there.Send([1]);
        Assert.True(await called.WaitAsync(s_patience));
        Assert.Equal(before, hubs.Count(name => name == "first"));

        void Receive()
        {
            byte[] buffer = new byte[10];
            _here.Receive(buffer, SocketFlags.None, out SocketError _);
            hubs.Enqueue(Hub.Current.Name);
            called.Release();
        }
    }

    [Fact]
    public void Nothing_may_be_null()
    {
        Assert.Throws<ArgumentNullException>(() => new HubSocketEvents(null!, () => { }, () => { }));
        Assert.Throws<ArgumentNullException>(() => new HubSocketEvents(_here, null!, () => { }));
        Assert.Throws<ArgumentNullException>(() => new HubSocketEvents(_here, () => { }, null!));
    }
}
