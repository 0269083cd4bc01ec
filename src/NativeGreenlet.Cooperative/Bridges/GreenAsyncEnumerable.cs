using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace NativeGreenlet.Cooperative;

/// <summary>Gives green sequences, whose items are waited for in a hub, to <c>async</c> code.</summary>
/// <example><code>
/// IEnumerable&lt;int&gt; Ticks()
/// {
///     for (int i = 0; i != 3; i++)
///     {
///         Hub.Sleep(TimeSpan.FromSeconds(1)); // it may wait as any task
///         yield return i;
///     }
/// }
///
/// await foreach (int tick in Ticks().RunInHub())
/// {
///     Console.WriteLine(tick);
/// }
/// </code></example>
public static class GreenAsyncEnumerable
{
    /// <summary>Runs a sequence as a task of a hub, and hands its items to <c>async</c> code one by one.</summary>
    /// <remarks>
    /// <para>Everything of the sequence runs in that hub, in one task: its beginning, each item, and its <c>finally</c> blocks. It
    /// begins with the first item that is asked for, and computes no item before that is asked for. So it may be a
    /// <see cref="GreenletGenerator{T}"/>, which must stay on its thread.</para>
    /// <para>Whoever leaves the loop, or cancels its token, stops the sequence at its wait, or its next one, by an
    /// <see cref="OperationCanceledException"/>; the end of its cleanup is waited for.</para>
    /// </remarks>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <param name="source">The sequence. Each enumeration runs it anew.</param>
    /// <param name="hub">Where it runs; null for one of the shared hubs of <see cref="Hub.RunAsync(Action, CancellationToken)"/>.</param>
    /// <returns>The items. What the sequence throws, the next item throws.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="source"/> is null.</exception>
    public static IAsyncEnumerable<T> RunInHub<T>(this IEnumerable<T> source, Hub? hub = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return EnumerateAsync(source, hub);
    }

    private static async IAsyncEnumerable<T> EnumerateAsync<T>(IEnumerable<T> source, Hub? hub, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource stop = new();
        using SemaphoreSlim demand = new(1); // the first item is asked for
        Channel<T> items = Channel.CreateUnbounded<T>(); // of one item: none is computed before it is asked for
        Task run = hub is null ? Hub.RunAsync(Produce, stop.Token) : hub.InvokeAsync(Produce, stop.Token);
        _ = run.ContinueWith(_ => items.Writer.TryComplete(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        bool hasEnded = false;
        try
        {
            while (await items.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) && items.Reader.TryRead(out T? item))
            {
                yield return item;
                demand.Release();
            }

            hasEnded = true;
            await run.ConfigureAwait(false);
        }
        finally
        {
            if (!hasEnded)
            {
                await stop.CancelAsync().ConfigureAwait(false);
                await run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        void Produce()
        {
            Hub.Await(demand.WaitAsync, CancellationToken.None); // its run is canceled
            foreach (T item in source)
            {
                items.Writer.TryWrite(item);
                Hub.Await(demand.WaitAsync, CancellationToken.None); // its run is canceled
            }
        }
    }
}
