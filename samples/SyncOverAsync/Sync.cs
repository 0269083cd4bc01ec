using NativeGreenlet.Cooperative;

namespace NativeGreenlet.SyncOverAsync;

/// <summary>The whole pattern.</summary>
internal static class Sync
{
    /// <summary>
    /// Waits for something asynchronous in a synchronous method. In a hub only the caller's greenlet waits, and should it be
    /// killed, the work is cancelled and its end waited for; anywhere else the thread must wait, as it always had to, and the
    /// work is begun where no <see cref="SynchronizationContext"/> can deadlock with it.
    /// </summary>
    public static T Wait<T>(Func<CancellationToken, Task<T>> begin) =>
        Hub.IsInside ? Hub.Await(begin) : Task.Run(() => begin(CancellationToken.None)).GetAwaiter().GetResult();
}
