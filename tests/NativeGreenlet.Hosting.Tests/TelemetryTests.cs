using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace NativeGreenlet.Hosting.Tests;

/// <summary>What OpenTelemetry's own SDK and exporters see of hubs.</summary>
public class TelemetryTests
{
    private const string Name = "NativeGreenlet.Cooperative";

    private static readonly ActivitySource s_own = new("NativeGreenlet.Hosting.Tests");

    [Fact]
    public async Task Prometheus_reads_the_figures_of_each_hub()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddGreenHosting(options => (options.Name, options.Size) = ("metered", 1));
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(Name).AddMeter("NativeGreenlet").AddPrometheusExporter());
        await using WebApplication application = builder.Build();
        application.MapPrometheusScrapingEndpoint();
        await application.StartAsync();
        await application.Services.GetRequiredService<GreenHubs>().Pool.RunAsync(() =>
        {
            Hub.Sleep(TimeSpan.FromMilliseconds(1)); // from here on the hub knows that somebody listens
            GreenTask[] waiting = [.. Enumerable.Range(0, 10).Select(_ => Hub.Spawn(() => Hub.Sleep(TimeSpan.FromMilliseconds(300))))];
            Hub.Yield();
            Hub.Spawn(() => Thread.Sleep(60)).Join(); // keeps the others from going on
            Hub.WaitAll(waiting);
        });
        using HttpClient client = new();
        string address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        string page = await client.GetStringAsync(new Uri(address + "/metrics"));

        Assert.Equal(1, Find(page, "nativegreenlet_hubs", null) >= 1 ? 1 : 0);
        Assert.Equal(0, Find(page, "nativegreenlet_tasks", "metered 0"));
        Assert.True(Find(page, "nativegreenlet_hub_resumptions_total", "metered 0") >= 20, page);
        Assert.True(Find(page, "nativegreenlet_task_wait_duration_seconds_count", "metered 0") >= 11, page);
        Assert.InRange(Find(page, "nativegreenlet_task_wait_duration_seconds_sum", "metered 0"), 2.9, 600);
        Assert.InRange(Find(page, "nativegreenlet_task_run_duration_seconds_sum", "metered 0"), 0.05, 600);
        Assert.True(Find(page, "nativegreenlet_task_queue_duration_seconds_count", "metered 0") >= 20, page);
        await application.StopAsync();
    }

    [Fact]
    public void Histograms_tell_time_on_the_queue_of_running_and_of_waiting()
    {
        List<Metric> metrics = [];
        using (MeterProvider provider = Sdk.CreateMeterProviderBuilder().AddMeter(Name).AddInMemoryExporter(metrics).Build())
        {
            Hub.Run(
                () =>
                {
                    Hub.Sleep(TimeSpan.FromMilliseconds(1));
                    GreenTask blocker = Hub.Spawn(() => Thread.Sleep(300));
                    GreenTask kept = Hub.Spawn(() => { }); // 300 ms on the queue
                    Hub.WaitAll(blocker, kept);
                },
                new HubOptions { Name = "timed" });
            provider.ForceFlush();
        }

        Assert.InRange(Max(metrics, "nativegreenlet.task.queue.duration", "timed"), 0.28, 60);
        Assert.InRange(Max(metrics, "nativegreenlet.task.run.duration", "timed"), 0.28, 60);
        Assert.InRange(Max(metrics, "nativegreenlet.task.wait.duration", "timed"), 0.28, 60); // that of the main task
    }

    [Fact]
    public void An_activity_is_its_tasks_own_across_switches_and_spawned_tasks_continue_it()
    {
        List<Activity> ended = [];
        using (TracerProvider provider = Sdk.CreateTracerProviderBuilder().AddSource(s_own.Name).AddInMemoryExporter(ended).Build())
        {
            Hub.Run(() => Hub.WaitAll([.. Enumerable.Range(0, 10).Select(i => Hub.Spawn(() => Work(i)))]));
        }

        Assert.Equal(30, ended.Count);
        foreach (Activity outer in ended.Where(each => each.OperationName.StartsWith("outer", StringComparison.Ordinal)))
        {
            string number = outer.OperationName["outer ".Length..];
            Activity inner = ended.Single(each => each.OperationName == $"inner {number}");
            Activity spawned = ended.Single(each => each.OperationName == $"spawned {number}");
            Assert.Null(outer.Parent);
            Assert.Same(outer, inner.Parent);
            Assert.Equal(outer.SpanId, spawned.ParentSpanId);
            Assert.Equal(outer.TraceId, spawned.TraceId);
        }

        static void Work(int i)
        {
            Assert.Null(Activity.Current);
            using Activity outer = s_own.StartActivity($"outer {i}")!;
            Hub.Yield();
            Assert.Same(outer, Activity.Current);
            GreenTask child = Hub.Spawn(() =>
            {
                using Activity spawned = s_own.StartActivity($"spawned {i}")!;
                Hub.Sleep(TimeSpan.FromMilliseconds(5));
                Assert.Same(spawned, Activity.Current);
            });
            using (Activity inner = s_own.StartActivity($"inner {i}")!)
            {
                Hub.Await(token => Task.Delay(5, token));
                Assert.Same(inner, Activity.Current);
            }

            Assert.Same(outer, Activity.Current);
            child.Join();
            Assert.True(child.IsSuccessful);
        }
    }

    [Fact]
    public void Connections_and_programs_have_activities_and_failures_are_in_them()
    {
        List<Activity> ended = [];
        using (TracerProvider provider = Sdk.CreateTracerProviderBuilder().AddSource(Name, s_own.Name).AddInMemoryExporter(ended).Build())
        {
            Hub.Run(() =>
            {
                Hub.Current.UnhandledException += (_, _) => { };
                using GreenTcpServer server = new(new IPEndPoint(IPAddress.Loopback, 0), stream =>
                {
                    using (s_own.StartActivity("inside"))
                    {
                        if (stream.ReadByte() == 1)
                        {
                            throw new InvalidDataException("byte 1");
                        }
                    }
                });
                server.Start();
                for (byte i = 0; i < 2; i++)
                {
                    using GreenSocket client = new(AddressFamily.InterNetwork);
                    client.Connect(server.EndPoint);
                    using GreenStream stream = client.GetStream();
                    stream.WriteByte(i);
                    _ = stream.ReadByte();
                }

                if (!OperatingSystem.IsWindows())
                {
                    GreenProcess.Run("sh", "-c", "exit 3");
                }
            });
        }

        Activity[] connections = [.. ended.Where(each => each.OperationName == "tcp connection")];
        Assert.Equal([ActivityStatusCode.Unset, ActivityStatusCode.Error], connections.Select(each => each.Status));
        Assert.All(connections, each => Assert.Equal((ActivityKind.Server, null), (each.Kind, each.Parent)));
        Assert.Equal("System.IO.InvalidDataException", connections[1].GetTagItem("error.type"));
        Assert.Equal(connections.Select(each => each.SpanId), ended.Where(each => each.OperationName == "inside").Select(each => each.ParentSpanId));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(3, ended.Single(each => each.OperationName == "run sh").GetTagItem("process.exit.code"));
        }
    }

    private static double Max(List<Metric> metrics, string name, string hub)
    {
        double max = -1;
        foreach (ref readonly MetricPoint point in metrics.Last(each => each.Name == name).GetMetricPoints())
        {
            foreach (KeyValuePair<string, object?> tag in point.Tags)
            {
                if (tag is { Key: "nativegreenlet.hub.name", Value: string value } && value == hub && point.TryGetHistogramMinMaxValues(out _, out double most))
                {
                    max = Math.Max(max, most);
                }
            }
        }

        return max;
    }

    private static double Find(string page, string metric, string? hub)
    {
        string? line = page.Split('\n').FirstOrDefault(each => each.StartsWith(metric, StringComparison.Ordinal) && each[metric.Length] is '{' or ' '
            && (hub is null || each.Contains($"nativegreenlet_hub_name=\"{hub}\"", StringComparison.Ordinal)));
        Assert.True(line is not null, $"There is no {metric} of {hub}:\n{page}");
        string[] parts = line[(line.IndexOf('}', StringComparison.Ordinal) + 1)..].Trim().Split(' ');
        return double.Parse(hub is null && !line.Contains('}', StringComparison.Ordinal) ? parts[1] : parts[0], CultureInfo.InvariantCulture);
    }
}
