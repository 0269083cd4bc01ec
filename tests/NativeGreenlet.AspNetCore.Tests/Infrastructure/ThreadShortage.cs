using NativeGreenlet.Cooperative.Tests.Faults;

namespace NativeGreenlet.AspNetCore.Tests.Infrastructure;

/// <summary>
/// Requests while the thread that serves them cannot start others: none at all, then none but that of the first hub, so that nobody
/// watches it. For a child process in which calls of the system can be made to fail.
/// </summary>
internal static class ThreadShortage
{
    public const string Argument = "thread-shortage";

    /// <summary>What it prints.</summary>
    public static string[] Expected { get; } = ["ServiceUnavailable, 1 and 0", "OK, 1 and 1", "OK, 1 and 1", "both"];

    public static async Task RunAsync()
    {
        SystemFaults.Install();
        StartWorkers();
        int inside = 0;
        GreenEvent all = new();
        HashSet<string> hubs = [];
        await using Server server = await Server.StartAsync(
            app =>
            {
                app.MapGet("/", HandlerTests.Wait);
                app.MapGet("/meet", () =>
                {
                    lock (hubs)
                    {
                        hubs.Add(Hub.Current.Name);
                        if (++inside == 2)
                        {
                            all.Set();
                        }
                    }

                    all.Wait();
                });
            },
            options => options.Hubs = 2,
            before: app => app.Use((context, next) =>
            {
                // Threads are refused to the one that has asked for it: this one, which makes what the request needs.
                int every = int.Parse(context.Request.Query["fail"].ToString(), System.Globalization.CultureInfo.InvariantCulture);
                SystemFaults.Arm("pthread_create", every == 0 ? 0 : 11, every);
                Task request = next(context);
                SystemFaults.Arm("pthread_create", 0, 0);
                return request;
            }));
        foreach (int every in new[] { 1, 2, 0 })
        {
            System.Net.HttpStatusCode status = await server.GetStatusAsync($"/?fail={every}");
            Console.WriteLine($"{status}, {server.Log.Entries.Count(entry => entry.Id == 3)} and {server.Log.Entries.Count(entry => entry.Id == 7)}");
        }

        await Task.WhenAll(server.GetAsync("/meet?fail=0"), server.GetAsync("/meet?fail=0"));
        Console.WriteLine(hubs.Count == 2 ? "both" : "one");
    }

    // So that nobody wants another one in the middle, which would be counted.
    private static void StartWorkers()
    {
        const int Workers = 16;
        ThreadPool.SetMinThreads(Workers, Workers);
        using CountdownEvent begun = new(Workers);
        Task.WaitAll([.. Enumerable.Range(0, Workers).Select(_ => Task.Run(() =>
        {
            begun.Signal();
            begun.Wait();
        }))]);
    }
}
