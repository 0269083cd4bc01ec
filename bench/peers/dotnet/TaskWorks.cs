using System.Diagnostics;
using System.Threading.Channels;

namespace NativeGreenlet.Peer;

/// <summary>Async methods on the thread pool, as they are usually written: tasks that hand over through channels.</summary>
internal sealed class TaskWorks : Works
{
    public TaskWorks()
    {
        Add("switch", Switch);
        Add("create", Create);
        Add("chain", length =>
        {
            _ = Chain(1000);
            return $"chain {Chain(length).TotalNanoseconds} chain-end 0";
        });
    }

    // Two async methods hand over to each other.
    private static void Switch(int count)
    {
        Channel<int> there = NewChannel();
        Channel<int> back = NewChannel();
        Task other = Task.Run(() => Echo(there.Reader, back.Writer));
        Task.Run(() => Ask(count / 2, there.Writer, back.Reader)).GetAwaiter().GetResult();
        there.Writer.Complete();
        other.GetAwaiter().GetResult();
    }

    private static Channel<int> NewChannel() =>
        Channel.CreateUnbounded<int>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    private static async Task Ask(int count, ChannelWriter<int> there, ChannelReader<int> back)
    {
        for (int i = 0; i < count; i++)
        {
            await there.WriteAsync(i);
            _ = await back.ReadAsync();
        }
    }

    private static async Task Echo(ChannelReader<int> there, ChannelWriter<int> back)
    {
        await foreach (int value in there.ReadAllAsync())
        {
            await back.WriteAsync(value);
        }
    }

    // Start a task, wait for its end.
    private static void Create(int count) => Task.Run(async () =>
    {
        for (int i = 0; i < count; i++)
        {
            await Task.Run(static () => { });
        }
    }).GetAwaiter().GetResult();

    // All of them waiting at once; then a value passes through, and each ends when it has passed it on.
    private static TimeSpan Chain(int length)
    {
        long start = Stopwatch.GetTimestamp();
        TaskCompletionSource<int> last = NewPromise();
        TaskCompletionSource<int> following = last;
        for (int i = 0; i < length; i++)
        {
            TaskCompletionSource<int> mine = NewPromise();
            _ = Link(mine.Task, following);
            following = mine;
        }

        following.SetResult(0);
        return last.Task.GetAwaiter().GetResult() == length
            ? Stopwatch.GetElapsedTime(start)
            : throw new InvalidOperationException("The chain is broken.");
    }

    // Continuations that ran at once would nest as deep as the chain is long.
    private static TaskCompletionSource<int> NewPromise() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static async Task Link(Task<int> mine, TaskCompletionSource<int> following) => following.SetResult(await mine + 1);
}
