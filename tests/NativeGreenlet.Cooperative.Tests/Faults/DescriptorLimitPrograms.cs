using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Faults;

/// <summary>What <see cref="DescriptorLimitTests"/> runs in a child: the process has no more descriptors, and then again.</summary>
public unsafe partial class DescriptorLimitPrograms
{
    private const int DescriptorLimit = 7; // RLIMIT_NOFILE
    private const int Spare = 60;
    private const int Rounds = 3;
    private const int Workers = 16;

    private static bool s_isLimited;

    /// <summary>What nobody handles is written to the standard error, whose first use takes a descriptor.</summary>
    [InChild]
    public void A_hub_that_cannot_report_goes_on()
    {
        LimitDescriptors();
        int answer = Hub.Run(() =>
        {
            // What this does was done before, but for the report.
            EventHandler<HubUnhandledExceptionEventArgs> ignore = (_, _) => { };
            Hub.Current.UnhandledException += ignore;
            Hub.Spawn(() => throw new InvalidOperationException("seen")).Join();
            Hub.Sleep(TimeSpan.FromMilliseconds(20));
            Hub.Current.UnhandledException -= ignore;
            List<Socket> taken = TakeAll();
            _ = Hub.Spawn(() => throw new InvalidOperationException("lost"));
            Hub.Sleep(TimeSpan.FromMilliseconds(20));
            taken.ForEach(socket => socket.Dispose());
            return Hub.Spawn(() => 42).Result;
        });
        Assert.Equal(42, answer);
        Console.WriteLine("went on");
    }

    [InChild]
    public void A_server_recovers_with_one_hub_and_with_several()
    {
        LimitDescriptors();
        int[] numbers = [1, 2, 3];
        foreach (int hubs in numbers)
        {
            InHub.Run(() => Serve(hubs, rounds: 0)); // loads what there is: .NET 10 ends the process if it cannot load an assembly at times
        }

        // So a connection is closed also where there is no descriptor to load that with.
        Assert.DoesNotContain(AppDomain.CurrentDomain.GetAssemblies(), assembly => assembly.GetName().Name == "System.IO.Pipes");
        foreach (int hubs in numbers)
        {
            InHub.Run(() => Serve(hubs, Rounds));
        }

        Console.WriteLine("recovered");
    }

    private static void Serve(int hubs, int rounds)
    {
        using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), connection =>
        {
            byte[] bytes = new byte[16];
            while (connection.Read(bytes, 0, bytes.Length) is > 0 and int count)
            {
                connection.Write(bytes, 0, count);
            }
        })
        {
            HubCount = hubs,
        };
        server.Start();
        ExchangeWithEachHub();
        for (int round = 0; round < rounds; round++)
        {
            List<Socket> taken = TakeAll(server.EndPoint);
            Hub.Sleep(TimeSpan.FromMilliseconds(100)); // the server tries to accept meanwhile
            taken.ForEach(socket => socket.Dispose());
            ExchangeWithEachHub();
        }

        void ExchangeWithEachHub()
        {
            for (int i = 0; i < 4 * hubs; i++)
            {
                Assert.Equal(3, Hub.Offload(() => Exchange(server.EndPoint)));
            }
        }
    }

    // Connections to an end point, if there is one, as long as there are descriptors.
    private static List<Socket> TakeAll(EndPoint? server = null)
    {
        StartWorkers();
        List<Socket> taken = [];
        try
        {
            while (true)
            {
                taken.Add(new Socket(SocketType.Stream, ProtocolType.Tcp));
                if (server is not null)
                {
                    taken[^1].Connect(server);
                    Hub.Yield();
                }
            }
        }
        catch (SocketException)
        {
            return taken;
        }
    }

    // The descriptors of the connections before may still be about to be closed by the server.
    private static int Exchange(EndPoint server)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                using Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 };
                socket.Connect(server);
                socket.Send([1, 2, 3]);
                byte[] bytes = new byte[3];
                int count = socket.Receive(bytes);
                if (count == bytes.Length || attempt == 100)
                {
                    return count;
                }
            }
            catch (SocketException) when (attempt < 100)
            {
            }

            Thread.Sleep(50);
        }
    }

    // .NET ends the process when its own threads for sockets and timers want another worker of the pool and none can be started.
    // So all are there before, each time anew: a worker without work ends after 20 seconds, which is soon on a busy machine. And there
    // are no more than these: where work waits for half a second, the pool wants one more.
    private static void StartWorkers()
    {
        Assert.True(ThreadPool.SetMinThreads(Workers, Workers) && ThreadPool.SetMaxThreads(Workers, Workers));
        using CountdownEvent begun = new(Workers);
        Task[] tasks = [.. Enumerable.Range(0, Workers).Select(_ => Task.Run(() =>
        {
            begun.Signal();
            begun.Wait();
        }))];
        Task.WaitAll(tasks);
    }

    private static void LimitDescriptors()
    {
        if (s_isLimited)
        {
            return;
        }

        s_isLimited = true;
        int highest = Directory.GetFiles("/proc/self/fd").Max(path => int.Parse(Path.GetFileName(path), System.Globalization.CultureInfo.InvariantCulture));
        ulong* limits = stackalloc ulong[2];
        Assert.Equal(0, GetLimit(DescriptorLimit, limits));
        limits[0] = (ulong)(highest + Spare);
        Assert.Equal(0, SetLimit(DescriptorLimit, limits));
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetLimit(int resource, ulong* limits);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetLimit(int resource, ulong* limits);
}
