using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NativeGreenlet.Orleans;

namespace NativeGreenlet.Engines.Orleans;

/// <summary>Measures one kind of grains with one kind of wait, in a silo of this process.</summary>
internal static class Cell
{
    public static async Task RunAsync(string style, string wait, int grains, int inFlight, double seconds)
    {
        if (style == "blocking")
        {
            ThreadPool.SetMinThreads(inFlight + Environment.ProcessorCount, Environment.ProcessorCount); // else it waits until the pool has made them, a few a second
        }

        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = [] });
        builder.Logging.SetMinimumLevel(LogLevel.Critical);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(FreePort(), FreePort());
            silo.AddGreenlets(); // whose filter is in the way of all alike
        });
        using IHost host = builder.Build();
        await host.StartAsync();
        IGrainFactory factory = host.Services.GetRequiredService<IGrainFactory>();
        IWorker[] workers = [.. Enumerable.Range(0, grains).Select(id => Get(factory, style, id))];
        foreach (IWorker[] some in workers.Chunk(1000))
        {
            await Task.WhenAll(some.Select(static worker => worker.Count()));
        }

        await MeasureAsync(Math.Min(2, seconds)); // compiles
        Console.WriteLine(await MeasureAsync(seconds));
        Environment.Exit(0);

        async Task<string> MeasureAsync(double time)
        {
            int next = 0;
            Stopwatch watch = Stopwatch.StartNew();
            TimeSpan processor = Environment.CpuUsage.TotalTime;
            List<double>[] latencies = await Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
            {
                List<double> own = [];
                while (watch.Elapsed.TotalSeconds < time)
                {
                    long begun = Stopwatch.GetTimestamp();
                    int id = (int)((uint)Interlocked.Increment(ref next) % (uint)grains);
                    await (wait switch
                    {
                        "ask" => workers[id].Forward(grains + (id % 1000)),
                        "delay" => workers[id].Wait(1),
                        _ => workers[id].Count(),
                    });
                    own.Add(Stopwatch.GetElapsedTime(begun).TotalMicroseconds);
                }

                return own;
            })));
            double elapsed = watch.Elapsed.TotalSeconds;
            double each = (Environment.CpuUsage.TotalTime - processor).TotalMicroseconds;
            double[] all = [.. latencies.SelectMany(static own => own).Order()];
            Process.GetCurrentProcess().Refresh();
            return string.Create(CultureInfo.InvariantCulture,
                $"{all.Length / elapsed:F0} {all[all.Length / 2]:F0} {all[(int)(all.Length * 0.99)]:F0} {each / all.Length:F2} {Process.GetCurrentProcess().Threads.Count} {Environment.WorkingSet >> 20}");
        }
    }

    private static IWorker Get(IGrainFactory factory, string style, long id) => style switch
    {
        "green" => factory.GetGrain<IGreenWorker>(id),
        "async" => factory.GetGrain<IAsyncWorker>(id),
        _ => factory.GetGrain<IBlockingWorker>(id),
    };

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
