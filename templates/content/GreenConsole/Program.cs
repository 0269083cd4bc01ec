using NativeGreenlet.Cooperative;

// Ten thousand tasks on one thread, each written as if it blocked.
Hub.Run(() =>
{
    GreenTask<int>[] tasks = [.. Enumerable.Range(1, 10_000).Select(number => Hub.Spawn(() =>
    {
        Hub.Sleep(TimeSpan.FromMilliseconds(500)); // parks the task, blocks no thread
        return number;
    }))];
    Console.WriteLine($"10000 tasks on one thread: {tasks.Sum(task => task.Result)}");
});
