using NativeGreenlet;
using NativeGreenlet.AspNetCore;
using NativeGreenlet.Cooperative;

// Twenty requests wait at the same time, each in a handler written synchronously, on two threads.
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Logging.ClearProviders();
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Services.AddGreenlets(options => options.Hubs = 2);
WebApplication app = builder.Build();
app.UseGreenlets();

int waiting = 0;
int most = 0;
HashSet<int> threads = [];
app.MapGet("/{number}", (int number) =>
{
    lock (threads)
    {
        most = Math.Max(most, ++waiting);
        _ = threads.Add(Environment.CurrentManagedThreadId);
    }

    Hub.Sleep(TimeSpan.FromMilliseconds(500));
    lock (threads)
    {
        waiting--;
    }

    return number * 2;
});
await app.StartAsync();

using HttpClient client = new() { BaseAddress = new Uri(app.Urls.First()) };
string[] replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(number => client.GetStringAsync($"/{number}")));
Console.WriteLine(replies.Sum(int.Parse));
Console.WriteLine(GreenletRuntime.Backend == GreenletBackend.Threads || threads.Count <= 2 ? "two threads" : $"{threads.Count} threads");
Console.WriteLine(most > 2 ? "at once" : "one after another");
await app.StopAsync();
Console.Error.WriteLine(GreenletRuntime.Description);
