using System.Diagnostics;
using System.Globalization;
using Akka.Actor;
using Akka.Configuration;
using NativeGreenlet.Akka;
using NativeGreenlet.Engines.Akka;

const int Stores = 64;
if (args is ["cell", var style, var wait, var number, var inFlight, var seconds])
{
    RunCell(style, wait, int.Parse(number, CultureInfo.InvariantCulture), int.Parse(inFlight, CultureInfo.InvariantCulture), double.Parse(seconds, CultureInfo.InvariantCulture));
    return 0;
}

return Table.Print(args);

static void RunCell(string style, string wait, int number, int inFlight, double seconds)
{
    if (style == "blocking")
    {
        ThreadPool.SetMinThreads(inFlight + Environment.ProcessorCount, Environment.ProcessorCount); // else it hangs until the pool has made them, a few a second
    }

    ActorSystem system = ActorSystem.Create("bench", ConfigurationFactory.ParseString("akka.loglevel = WARNING"));
    bool isGreen = style.StartsWith("green", StringComparison.Ordinal);
    IActorRef[] stores = [.. Enumerable.Range(0, Stores).Select(_ => system.ActorOf(On(Props.Create(() => new Store()))))];
    long before = ManagedMemory();
    IActorRef[] actors = [.. Enumerable.Range(0, number).Select(index => system.ActorOf(On(Worker(stores[index % Stores]))))];
    Task.WhenAll(actors.Select(actor => actor.Ask<ActorIdentity>(new Identify(null)))).Wait();
    long idle = (ManagedMemory() - before) / number;
    Load load = new(actors);
    load.Start(inFlight);
    Thread.Sleep(TimeSpan.FromSeconds(Math.Min(2, seconds)));
    load.Reset();
    Stopwatch watch = Stopwatch.StartNew();
    TimeSpan processor = Environment.CpuUsage.TotalTime;
    Thread.Sleep(TimeSpan.FromSeconds(seconds));
    double rate = load.Handled / watch.Elapsed.TotalSeconds;
    double each = (Environment.CpuUsage.TotalTime - processor).TotalMicroseconds / load.Handled;
    Process.GetCurrentProcess().Refresh();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{rate:F0} {load.Percentile(0.5) * 1e6 / Stopwatch.Frequency:F0} {load.Percentile(0.99) * 1e6 / Stopwatch.Frequency:F0} {each:F2} {Process.GetCurrentProcess().Threads.Count} {Environment.WorkingSet >> 20} {idle}"));
    Environment.Exit(0);

    Props Worker(IActorRef store) => style switch
    {
        "green" => Props.Create(() => new GreenWorker(wait, store)),
        "green-task" => Props.Create(() => new GreenTaskWorker(store)),
        "async" => Props.Create(() => new AsyncWorker(wait, store)),
        _ => Props.Create(() => new BlockingWorker(wait, store)),
    };

    Props On(Props props) => isGreen ? props.OnHubs(system) : props;
}

static long ManagedMemory() => GC.GetTotalMemory(forceFullCollection: true);
