using System.Collections.Concurrent;
using NativeGreenlet;
using NativeGreenlet.Cooperative;
using NativeGreenlet.SyncOverAsync;

const int Calls = 100;

// A plain thread: it blocks, as it always had to.
Console.WriteLine($"a plain thread gets {new Catalog(new SlowStore(1)).Price("tea")}");

// Many calls at the same time on plain threads: each holds one.
Catalog catalog = new(new SlowStore(Calls));
ConcurrentDictionary<int, int> held = [];
Thread[] threads = [.. Enumerable.Range(0, Calls).Select(_ => new Thread(Ask))];
Array.ForEach(threads, thread => thread.Start());
Array.ForEach(threads, thread => thread.Join());
Report("threads");

// As many on greenlets, the same method of the same library.
Hub.Run(() => new GreenPool(Calls).ForEach(Enumerable.Range(0, Calls), _ => Ask()));
Report("greenlets");

// From code that is asynchronous, through the synchronous face: no thread of the pool is held.
await Task.WhenAll(Enumerable.Range(0, Calls).Select(_ => Hub.RunAsync(Ask)));
Console.WriteLine($"{Calls} calls at the same time from async code hold {(held.Count <= Environment.ProcessorCount ? "no more threads than there are processors" : $"{held.Count} threads")}");

void Ask()
{
    int before = Environment.CurrentManagedThreadId;
    int price = catalog.Price("tea");
    held.AddOrUpdate(before, price, (_, _) => price);
}

void Report(string what)
{
    Console.WriteLine($"{Calls} calls at the same time on {what} hold {held.Count} thread{(held.Count == 1 ? string.Empty : "s")}, and each gets {string.Join('/', held.Values.Distinct())}");
    held.Clear();
}
