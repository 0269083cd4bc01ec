using NativeGreenlet.Cooperative;

namespace NativeGreenlet.SyncOverAsync;

/// <summary>The whole pattern.</summary>
internal static class Sync
{
    /// <summary>
    /// Waits for something asynchronous in a synchronous method. In a hub only the caller's greenlet waits; anywhere else the
    /// thread must, as it always had to, and the work is begun where no <see cref="SynchronizationContext"/> can deadlock with
    /// it.
    /// </summary>
    public static T Wait<T>(Func<Task<T>> begin) =>
        Hub.IsInside ? Hub.Await(begin()) : Task.Run(begin).GetAwaiter().GetResult();
}
