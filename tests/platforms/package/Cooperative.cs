using System.Diagnostics;
using NativeGreenlet;
using NativeGreenlet.Cooperative;

// Three waits at once, on one thread (unless greenlets are threads); a queue between two tasks; a task of .NET.
int thread = Environment.CurrentManagedThreadId;
Hub.Run(() =>
{
    Stopwatch watch = Stopwatch.StartNew();
    GreenPool pool = new(3);
    IReadOnlyList<int> squares = pool.Map([1, 2, 3], number =>
    {
        Hub.Sleep(TimeSpan.FromMilliseconds(300));
        return Environment.CurrentManagedThreadId == thread || GreenletRuntime.Backend == GreenletBackend.Threads ? number * number : -1;
    });
    Console.WriteLine(string.Join(' ', squares));
    Console.WriteLine(watch.ElapsedMilliseconds < 850 ? "at once" : "one after another");

    GreenQueue<string> queue = new();
    _ = Hub.Spawn(() => queue.Put(Hub.Await(Task.Delay(10).ContinueWith(_ => "from a task"))));
    Console.WriteLine(queue.Get());
});
Console.Error.WriteLine(GreenletRuntime.Description);
