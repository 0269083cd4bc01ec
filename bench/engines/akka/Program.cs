using System.Globalization;
using System.Reflection;
using Akka.Actor;
using Akka.Configuration;
using NativeGreenlet.Akka;
using NativeGreenlet.Engines;
using NativeGreenlet.Engines.Akka;

const int Stores = 64;
if (args is ["cell", var style, var wait, var number, var inFlight, var seconds])
{
    RunCell(style, wait, int.Parse(number, CultureInfo.InvariantCulture), int.Parse(inFlight, CultureInfo.InvariantCulture), double.Parse(seconds, CultureInfo.InvariantCulture));
    return 0;
}

return ResultsTable.Run(
    new Comparison(
        "akka",
        $"Akka.NET {typeof(ActorSystem).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0]}",
        "actors",
        InFlight: 1000,
        [
            new Row("green", "ask", "`ReceiveGreen`, `AskGreen`"),
            new Row("green-task", "ask", "`ReceiveGreen`, `Hub.Await(Ask)`"),
            new Row("async", "ask", "`ReceiveAsync`, `await Ask`"),
            new Row("blocking", "ask", "`Receive`, `Ask(...).Wait()`"),
            new Row("green", "delay", "`ReceiveGreen`"),
            new Row("async", "delay", "`ReceiveAsync`"),
            new Row("blocking", "delay", "`Receive`, `Thread.Sleep(1)`"),
            new Row("green", "yield", "`ReceiveGreen`"),
            new Row("async", "yield", "`ReceiveAsync`"),
            new Row("green", "none", "`ReceiveGreen`"),
            new Row("async", "none", "`ReceiveAsync`"),
        ],
        new Dictionary<string, string>
        {
            ["ask"] = "asks another actor",
            ["delay"] = "waits for `Task.Delay(1)`",
            ["yield"] = "lets others go first, once",
            ["none"] = "does not wait",
        }),
    args);

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
    double idle = (double)(ManagedMemory() - before) / number;
    Load load = new(actors);
    load.Start(inFlight);
    Meter.WarmUp();
    Meter meter = load.Reset();
    Thread.Sleep(TimeSpan.FromSeconds(seconds));
    Console.WriteLine(meter.Read(idle));
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
