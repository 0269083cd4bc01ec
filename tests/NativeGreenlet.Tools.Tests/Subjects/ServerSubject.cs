using System.Net;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Tools.Tests.Infrastructure;

namespace NativeGreenlet.Tools.Tests.Subjects;

/// <summary>A TCP server and clients that keep it busy, tasks that wait in several ways, and a hub whose thread is blocked.</summary>
internal static class ServerSubject
{
    public const int Waiters = 300; // in one place
    public const int Clients = 10;
    public const int Stuck = 7; // tasks that wait in the hub whose thread is blocked

    public static void Run()
    {
        using Hub busy = Hub.Start("busy");
        using Hub blocked = Hub.Start("stuck");
        using ManualResetEventSlim release = new();
        CancellationTokenSource stop = new();
        TaskCompletionSource serves = new();
        Task serving = busy.InvokeAsync(() => Serve(serves), stop.Token);
        Task blocking = blocked.InvokeAsync(() => BlockTheThread(release));
        serves.Task.Wait();
        Subject.ReadyAndWait();
        release.Set();
        blocking.Wait();
        stop.Cancel();
        serving.ContinueWith(_ => { }, TaskScheduler.Default).Wait();
    }

    private static void Serve(TaskCompletionSource serves)
    {
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream => stream.CopyTo(stream));
        server.Start();
        GreenEvent never = new();
        for (int i = 0; i < Waiters; i++)
        {
            GreenTask waiter = Hub.Spawn(() => WaitForAnEvent(never));
            waiter.Name = $"waiter {i}";
        }

        for (int i = 0; i < Clients; i++)
        {
            Hub.Spawn(() => Talk(server.EndPoint));
        }

        serves.SetResult();
        never.Wait();
    }

    private static void WaitForAnEvent(GreenEvent gate) => gate.Wait();

    private static void Talk(IPEndPoint server)
    {
        using GreenSocket socket = new(server.AddressFamily);
        socket.Connect(server);
        using GreenStream stream = socket.GetStream();
        while (true)
        {
            stream.WriteByte(1);
            _ = stream.ReadByte();
            Hub.Sleep(TimeSpan.FromMilliseconds(1));
        }
    }

    private static void BlockTheThread(ManualResetEventSlim release)
    {
        GreenEvent gate = new();
        for (int i = 0; i < Stuck; i++)
        {
            Hub.Spawn(() => WaitForAnEvent(gate));
        }

        Hub.Sleep(TimeSpan.FromMilliseconds(1)); // they wait now
        release.Wait();
        gate.Set();
    }
}
