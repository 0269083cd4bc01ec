using System.Globalization;
using System.Runtime.InteropServices;
using NativeGreenlet.Peer;

// One of the peers, by name. compare.py describes the conversation.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string mode = args.Length == 1 ? args[0] : string.Empty;
Works? works = mode switch
{
    "greenlets" => new GreenletWorks(),
    "coroutines" => new CoroutineWorks(),
    "generators" => new GeneratorWorks(GeneratorWorks.OfGreenlet()),
    "iterators" => new GeneratorWorks(GeneratorWorks.OfCompiler()),
    "threads" => new ThreadWorks(),
    "monitor" => new MonitorHandOff(),
    "auto-reset-event" => new AutoResetEventHandOff(),
    "semaphore-slim" => new SemaphoreSlimHandOff(),
    "manual-reset-event-slim" => new ManualResetEventSlimHandOff(),
    "await" => new AwaiterWorks(),
    "tasks" => new TaskWorks(),
    "task-yield" => new TaskYieldWorks(),
    "exceptions" => new ExceptionWorks(),
    "floor" => new FloorWorks(),
    "call" => new CallWorks(),
    "park" => new ParkWorks(),
    _ => null,
};
if (works is null)
{
    Console.Error.WriteLine($"There is no mode '{mode}'.");
    return 2;
}

Console.WriteLine($"ready {works.Version ?? RuntimeInformation.FrameworkDescription}");
while (Console.ReadLine() is { } line)
{
    string[] words = line.Split(' ');
    Console.WriteLine(works.Answer(words[0], int.Parse(words[1])));
}

return 0;
