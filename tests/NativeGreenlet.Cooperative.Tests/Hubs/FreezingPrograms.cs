using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Reflection.Emit;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>See <see cref="FreezingTests"/>.</summary>
public class FreezingPrograms
{
    /// <summary>Set for an assembly that can be unloaded, from the start to the end.</summary>
    public const string UnloadableVariable = "NATIVEGREENLET_TEST_UNLOADABLE";

    private const int Count = 400;
    private const int Kinds = 5; // of waits
    private const int Aim = Count * 95 / 100;

    private static readonly AssemblyBuilder? s_unloadable = string.IsNullOrEmpty(Environment.GetEnvironmentVariable(UnloadableVariable))
        ? null
        : AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("Unloadable"), AssemblyBuilderAccess.RunAndCollect);

    public FreezingPrograms() =>
        Assert.Equal(s_unloadable is not null, Array.Exists(AppDomain.CurrentDomain.GetAssemblies(), assembly => assembly.IsCollectible));

    [InChild]
    public void FreezeTasks()
    {
        TaskCompletionSource end = new();
        TaskCompletionSource begun = new();
        Task<int> run = Hub.RunAsync(() =>
        {
            GreenEvent ending = new();
            GreenQueue<int> queue = new();
            GreenTask<int>[] tasks = [.. Enumerable.Range(0, Count).Select(i => Hub.Spawn(() => WaitInSomeWay(i, ending, queue, end.Task)))];
            Hub.Yield();
            begun.SetResult();
            Hub.Await(end.Task);
            ending.Set();
            for (int i = 0; i < Count; i++)
            {
                queue.Put(i);
            }

            GreenTask<int>[] sleepers = [.. tasks.Where((_, i) => i % Kinds == Kinds - 1)];
            Array.ForEach(sleepers, sleeper => sleeper.Kill());
            return tasks.Except(sleepers).Sum(task => task.Result);
        });
        begun.Task.Wait();
        WaitUntilFrozen("tasks");
        end.SetResult();
        Assert.Equal(Enumerable.Range(0, Count).Where(i => i % Kinds != Kinds - 1).Sum(), run.Result);
    }

    [InChild]
    public void FreezeConnections()
    {
        TaskCompletionSource end = new();
        TaskCompletionSource<IPEndPoint> begun = new();
        Task run = Hub.RunAsync(() =>
        {
            using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), Echo);
            server.Start();
            begun.SetResult(server.EndPoint);
            Hub.Await(end.Task);
        });
        Socket[] clients = [.. Enumerable.Range(0, Count).Select(_ => new Socket(SocketType.Stream, ProtocolType.Tcp))];
        Array.ForEach(clients, client => client.Connect(begun.Task.Result));
        Array.ForEach(clients, SendAndReceive);
        WaitUntilFrozen("connections");
        Array.ForEach(clients, SendAndReceive);
        Array.ForEach(clients, client => client.Dispose());
        end.SetResult();
        run.Wait();
    }

    private static int WaitInSomeWay(int i, GreenEvent ending, GreenQueue<int> queue, Task end)
    {
        string text = new('x', i);
        switch (i % Kinds)
        {
            case 0:
                ending.Wait();
                break;
            case 1:
                Assert.True(ending.Wait(TimeSpan.FromHours(1)));
                break;
            case 2:
                _ = queue.Get();
                break;
            case 3:
                Hub.Await(end);
                break;
            default:
                Hub.Sleep(TimeSpan.FromHours(1)); // until it is killed
                break;
        }

        return text.Length;
    }

    private static void Echo(GreenStream stream)
    {
        byte[] buffer = new byte[100];
        int count;
        while ((count = stream.Read(buffer)) > 0)
        {
            stream.Write(buffer.AsSpan(0, count));
        }
    }

    private static void SendAndReceive(Socket client)
    {
        byte[] buffer = [1, 2, 3];
        Assert.Equal(3, client.Send(buffer));
        buffer.AsSpan().Clear();
        Assert.Equal(3, client.Receive(buffer));
        Assert.Equal([1, 2, 3], buffer);
    }

    // The hub sleeps meanwhile.
    private static void WaitUntilFrozen(string what)
    {
        Stopwatch watch = Stopwatch.StartNew();
        while (GreenletDiagnostics.Frozen < Aim)
        {
            using StringWriter figures = new();
            if (watch.Elapsed > InHub.Patience)
            {
                GreenletDiagnostics.Dump(figures);
                Assert.Fail($"{GreenletDiagnostics.Frozen} of {Count} {what} are frozen: {GreenletRuntime.Description}\n{figures}");
            }

            GC.Collect(0);
            Thread.Sleep(10); // lessons take a twentieth of the time
        }

        Console.WriteLine($"{GreenletDiagnostics.Frozen} of {Count} {what} are frozen after {watch.Elapsed.TotalSeconds:F1} s, {GreenletDiagnostics.Freezing.Lessons} lessons");
    }
}
