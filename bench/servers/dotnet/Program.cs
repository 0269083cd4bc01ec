using System.Globalization;
using NativeGreenlet;
using NativeGreenlet.Servers;

// servers greenlets|greenlets-on-all|async|threads echo|http [PORT OF THE DOWNSTREAM SERVICE]
// servers kestrel-greenlets|kestrel-transport|kestrel-async|kestrel-async-transport|kestrel-blocking http|plain [PORT]
// plain: HTTP, answered without a wait. transport: connections that live on hubs, with a synchronous or an asynchronous handler.
// on-all: on as many hubs as there are processors, else on one.
// Prints "ready PORT"; at the end of its standard input it tells about its collector, and ends.
if (args is not [var way, "echo" or "http" or "plain", ..] || (args[1] == "http" && args.Length != 3))
{
    await Console.Error.WriteLineAsync("usage: servers greenlets|greenlets-on-all|async|threads|kestrel-greenlets|kestrel-transport|kestrel-async|kestrel-async-transport|kestrel-blocking echo|http|plain [downstream port]");
    return 2;
}

bool isEcho = args[1] == "echo";
bool isPlain = args[1] == "plain";
int downstream = isEcho || isPlain ? 0 : int.Parse(args[2], CultureInfo.InvariantCulture);
ConnectionPool<Stream> pool = new();
Thread server = new(() =>
{
    switch (way)
    {
        case "greenlets" or "greenlets-on-all":
            GreenletServer.Run(way == "greenlets" ? 1 : Environment.ProcessorCount, isEcho ? BlockingHandlers.Echo : stream => BlockingHandlers.Serve(stream, pool, () => GreenletServer.Connect(downstream)), Program.TellReady);
            break;
        case "async":
            AsyncServer.RunAsync(isEcho ? AsyncServer.EchoAsync : stream => AsyncServer.ServeAsync(stream, pool, downstream), Program.TellReady).GetAwaiter().GetResult();
            break;
        case "threads":
            ThreadServer.Run(isEcho ? BlockingHandlers.Echo : stream => BlockingHandlers.Serve(stream, pool, () => ThreadServer.Connect(downstream)), Program.TellReady);
            break;
        case "kestrel-greenlets" or "kestrel-transport":
            KestrelServer.Run(onGreenlets: true, way == "kestrel-transport", isPlain ? KestrelServer.Greet : context => KestrelServer.Answer(context, pool, () => GreenletServer.Connect(downstream)), Program.TellReady);
            break;
        case "kestrel-async" or "kestrel-async-transport":
            KestrelServer.Run(onGreenlets: false, way == "kestrel-async-transport", isPlain ? KestrelServer.GreetAsync : context => KestrelServer.AnswerAsync(context, pool, downstream), Program.TellReady);
            break;
        case "kestrel-blocking":
            KestrelServer.Run(onGreenlets: false, onTransport: false, isPlain ? KestrelServer.Greet : context => KestrelServer.Answer(context, pool, () => ThreadServer.Connect(downstream)), Program.TellReady);
            break;
        default:
            throw new ArgumentException($"There is no way '{way}'.");
    }
})
{ IsBackground = true };
server.Start();

// A line asks what the collector has done so far, and how many greenlets are frozen; "gen0", how long it needs now.
while (await Console.In.ReadLineAsync() is { } line)
{
    string pause = line == "gen0" ? string.Create(CultureInfo.InvariantCulture, $" pause {Program.Pause():F3}") : string.Empty;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"gen0 {GC.CollectionCount(0)} gen1 {GC.CollectionCount(1)} gen2 {GC.CollectionCount(2)} allocated {GC.GetTotalAllocatedBytes()} paused {GC.GetTotalPauseDuration().TotalMilliseconds:F3} frozen {GreenletDiagnostics.Frozen} {Program.Freezing()}suspended {GreenletDiagnostics.Suspended}{pause}"));
}

return 0;

/// <content>What the servers share.</content>
internal static partial class Program
{
    /// <summary>As many connections as may wait to be accepted; the system has a limit of its own.</summary>
    public const int Backlog = 4096;

    private const int Pauses = 5;
    private const int BetweenPauses = 40; // milliseconds

    /// <summary>Milliseconds for which a collection of generation 0 pauses the program: the median of some.</summary>
    public static double Pause()
    {
        double[] pauses = new double[Pauses];
        for (int i = 0; i < Pauses; i++)
        {
            TimeSpan before = GC.GetTotalPauseDuration();
            GC.Collect(0);
            pauses[i] = (GC.GetTotalPauseDuration() - before).TotalMilliseconds;
            Thread.Sleep(BetweenPauses);
        }

        Array.Sort(pauses);
        return pauses[Pauses / 2];
    }

    /// <summary>How freezing goes: what was frozen and continued so far, the shapes that are known, and why others were not frozen.</summary>
    public static string Freezing()
    {
        GreenletFreezingFigures figures = GreenletDiagnostics.Freezing;
        return string.Concat(
            string.Create(CultureInfo.InvariantCulture, $"freezes {figures.Freezes} thaws {figures.Thaws} shapes {figures.Shapes} "),
            string.Concat(Enum.GetValues<GreenletFreezingRefusal>().Select(reason => string.Create(CultureInfo.InvariantCulture, $"{reason} {figures.Refused(reason)} "))));
    }

    private static void TellReady(int port) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"ready {port} .NET {Environment.Version}"));
}
