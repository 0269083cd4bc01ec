namespace NativeGreenlet.AspNetCore.Tests.Infrastructure;

/// <summary>
/// Requests while all stacks are in use, none of them by a request; then while there is one for a request, but not for
/// what comes after its <c>await</c>. For a child process with little address space, where that is soon so.
/// </summary>
internal static class StackShortage
{
    public const string Argument = "stack-shortage";

    private const int FrozenByCheck = 3;

    /// <summary>What it prints.</summary>
    public static string[] Expected { get; } = ["done", "ServiceUnavailable, logged 1 times", "done", "True, then False", "True, then True"];

    // Greenlets end on their thread, so this one stays: it blocks.
    public static void Run()
    {
        GreenletRuntime.Freezing = GreenletFreezing.Off; // its check would need stacks at some time, unless the environment asks for more
        Server server = Server.StartAsync(
            app =>
            {
                app.MapGet("/", () => "done");
                app.MapGet("/async", async () =>
                {
                    bool before = Hub.IsInside;
                    await Task.Delay(1);
                    return $"{before}, then {Hub.IsInside}";
                });
            },
            options => options.Hubs = 1).GetAwaiter().GetResult();
        Get("/"); // all is compiled, and has what it needs
        AwaitFreezing();
        Stack<Greenlet> parked = ParkUntilRefused();
        string status = server.GetStatusAsync("/").GetAwaiter().GetResult().ToString();
        Console.WriteLine($"{status}, logged {server.Log.Entries.Count(entry => entry.Id == 3)} times");
        parked.Pop().Dispose();
        Get("/");
        Get("/async");
        parked.Pop().Dispose();
        Get("/async");
        foreach (Greenlet greenlet in parked)
        {
            greenlet.Dispose();
        }

        server.DisposeAsync().AsTask().GetAwaiter().GetResult();

        void Get(string path) => Console.WriteLine(server.GetAsync(path).GetAwaiter().GetResult());
    }

    // Where each park is frozen, a check with greenlets of its own comes first, on another thread.
    private static void AwaitFreezing()
    {
        Greenlet main = Greenlet.Current;
        for (bool isOver = false; !isOver && GreenletRuntime.Freezing == GreenletFreezing.Always;)
        {
            using Greenlet greenlet = new(_ => main.Switch());
            greenlet.Switch();
            isOver = GreenletDiagnostics.Freezing.Freezes > FrozenByCheck;
            Thread.Yield();
        }
    }

    private static Stack<Greenlet> ParkUntilRefused()
    {
        Greenlet main = Greenlet.Current;
        Stack<Greenlet> parked = [];
        while (true)
        {
            Greenlet greenlet = new(_ => main.Switch());
            try
            {
                greenlet.Switch();
                parked.Push(greenlet);
            }
            catch (GreenletException exception) when (exception.Reason == GreenletError.OutOfStacks)
            {
                return parked;
            }
        }
    }
}
