using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Hubs;

/// <summary>Every sequence of the layer whose items are waited for, pulled by two tasks: the second is told, and the first goes on as if
/// nothing had been.</summary>
public class SharedSequenceTests
{
    // Not by LINQ: its iterators say nothing.
    private sealed record Sequence(string Name, IEnumerable Items, Action Go);

    [Fact]
    public void The_second_task_that_pulls_is_told_and_the_first_goes_on() => InHub.Run(() =>
    {
        foreach (Sequence sequence in All())
        {
            IEnumerator items = sequence.Items.GetEnumerator();
            using IDisposable use = (IDisposable)items;
            List<object?> got = [];
            GreenTask first = Hub.Spawn(() =>
            {
                while (items.MoveNext())
                {
                    got.Add(items.Current);
                }
            });
            for (int i = 0; i < 5; i++)
            {
                Hub.Yield(); // it waits for its first item
            }

            for (int i = 0; i < 2; i++)
            {
                Assert.Contains("already", Record.Exception(() => items.MoveNext())?.Message ?? sequence.Name, StringComparison.Ordinal);
                Assert.Contains("already", Record.Exception(use.Dispose)?.Message ?? sequence.Name, StringComparison.Ordinal);
            }

            Assert.Empty(got);
            sequence.Go();
            Assert.True(first.Join(InHub.Long) && first.IsSuccessful, $"{sequence.Name}: {first.Exception}");
            Assert.True(got.Count == 2, $"{sequence.Name}: {got.Count} items");
            Assert.False(items.MoveNext());
        }
    });

    [Fact]
    public void Two_tasks_that_enumerate_share_the_items() => InHub.Run(() =>
    {
        GreenQueue<int> queue = new();
        IEnumerable<int> items = queue.GetAll();
        GreenTask<int>[] readers = [.. Enumerable.Range(0, 2).Select(_ => Hub.Spawn(() => items.Sum()))];
        for (int i = 0; i < 10; i++)
        {
            queue.Put(i);
            Hub.Yield();
        }

        queue.Complete();
        Assert.Equal(45, readers.Sum(reader => reader.Result));
    });

    /// <summary>A method that is added has to be added there.</summary>
    [Fact]
    public void Every_sequence_is_among_them() => InHub.Run(() =>
    {
        string[] names = [.. All().Select(sequence => sequence.Name)];
        string[] members =
        [
            .. from type in typeof(Hub).Assembly.GetExportedTypes()
               from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
               where method.ReturnType.IsGenericType && method.ReturnType.GetGenericTypeDefinition() == typeof(IEnumerable<>) && !method.IsSpecialName
               select $"{type.Name.Split('`')[0]}.{method.Name}",
        ];
        Assert.InRange(members.Length, 7, 30);
        Assert.Empty(members.Except(names));
    });

    private static IEnumerable<Sequence> All()
    {
        GreenQueue<int> queue = new();
        yield return new("GreenQueue.GetAll", queue.GetAll(), () =>
        {
            queue.Put(1);
            queue.Put(2);
            queue.Complete();
        });
        GreenChannel<int> channel = new();
        yield return new("GreenChannel.ReceiveAll", channel.ReceiveAll(), () =>
        {
            channel.Send(1);
            channel.Send(2);
            channel.Complete();
        });
        GreenBroadcast<int> broadcast = new(10);
        yield return new("GreenSubscription.ReceiveAll", broadcast.Subscribe().ReceiveAll(), () =>
        {
            broadcast.Send(1);
            broadcast.Send(2);
            broadcast.Complete();
        });
        Channel<int> pipe = Channel.CreateUnbounded<int>();
        yield return new("GreenChannelBridge.ReceiveAll", pipe.Reader.ReceiveAll(), () =>
        {
            pipe.Writer.TryWrite(1);
            pipe.Writer.TryWrite(2);
            pipe.Writer.Complete();
        });
        GreenEvent go = new();
        GreenPool pool = new(2);
        yield return new("GreenPool.MapInOrder", pool.MapInOrder([1, 2], Wait), go.Set);
        GreenEvent goUnordered = new();
        yield return new("GreenPool.MapUnordered", pool.MapUnordered([1, 2], item =>
        {
            goUnordered.Wait();
            return item;
        }), goUnordered.Set);
        GreenEvent end = new();
        yield return new("Hub.WaitEach", Hub.WaitEach(Hub.Spawn(end.Wait), Hub.Spawn(end.Wait)), end.Set);
        TaskCompletionSource source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        yield return new("Hub.Enumerate", Hub.Enumerate(Items(source.Task)), source.SetResult);

        int Wait(int item)
        {
            go.Wait();
            return item;
        }

        static async IAsyncEnumerable<int> Items(Task go, [EnumeratorCancellation] CancellationToken token = default)
        {
            await go.WaitAsync(token).ConfigureAwait(false);
            yield return 1;
            yield return 2;
        }
    }
}
