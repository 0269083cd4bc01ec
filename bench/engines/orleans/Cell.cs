using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NativeGreenlet.Common;
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
        int[] ports = FreePorts.Find(2);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(ports[0], ports[1]);
            silo.AddGreenlets(); // whose filter is in the way of all alike
        });
        using IHost host = builder.Build();
        await host.StartAsync();
        IGrainFactory factory = host.Services.GetRequiredService<IGrainFactory>();
        long before = ManagedMemory();
        IWorker[] workers = [.. Enumerable.Range(0, grains).Select(id => Get(factory, style, id))];
        foreach (IWorker[] some in workers.Chunk(1000))
        {
            await Task.WhenAll(some.Select(static worker => worker.Count()));
        }

        double idle = (double)(ManagedMemory() - before) / grains;
        Task warming = Task.Factory.StartNew(Meter.WarmUp, TaskCreationOptions.LongRunning);
        await MeasureAsync(() => warming.IsCompleted);
        long until = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        Console.WriteLine((await MeasureAsync(() => Stopwatch.GetTimestamp() >= until)).Read(idle));
        Environment.Exit(0);

        async Task<Meter> MeasureAsync(Func<bool> isOver)
        {
            int next = 0;
            Meter meter = new();
            await Task.WhenAll(Enumerable.Range(0, inFlight).Select(_ => Task.Run(async () =>
            {
                while (!isOver())
                {
                    long begun = Stopwatch.GetTimestamp();
                    int id = (int)((uint)Interlocked.Increment(ref next) % (uint)grains);
                    await (wait switch
                    {
                        "ask" => workers[id].Forward(grains + (id % 1000)),
                        "delay" => workers[id].Wait(1),
                        "yield" => workers[id].Yield(),
                        _ => workers[id].Count(),
                    });
                    meter.Add(begun);
                }
            })));
            return meter;
        }
    }

    private static long ManagedMemory() => GC.GetTotalMemory(forceFullCollection: true);

    private static IWorker Get(IGrainFactory factory, string style, long id) => style switch
    {
        "green" => factory.GetGrain<IGreenWorker>(id),
        "async" => factory.GetGrain<IAsyncWorker>(id),
        _ => factory.GetGrain<IBlockingWorker>(id),
    };
}
