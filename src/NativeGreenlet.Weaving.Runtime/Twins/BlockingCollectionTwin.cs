using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="BlockingCollection{T}"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(BlockingCollection<>))]
[StackTraceHidden]
public static class BlockingCollectionTwin
{
    public static T Take<T>(BlockingCollection<T> self) => Take(self, CancellationToken.None);

    public static T Take<T>(BlockingCollection<T> self, CancellationToken cancellationToken)
    {
        return Hub.IsInside && TryTakeInHub(self, out T? item, Timeout.InfiniteTimeSpan, cancellationToken)
            ? item
            : self.Take(cancellationToken); // outside; or it is complete, and says so
    }

    public static bool TryTake<T>(BlockingCollection<T> self, [MaybeNullWhen(false)] out T item) => self.TryTake(out item);

    public static bool TryAdd<T>(BlockingCollection<T> self, T item) => self.TryAdd(item);

    public static bool TryTake<T>(BlockingCollection<T> self, [MaybeNullWhen(false)] out T item, TimeSpan timeout) =>
        Parking.IsOriginal(timeout) ? self.TryTake(out item, timeout) : TryTakeInHub(self, out item, timeout, CancellationToken.None);

    public static bool TryTake<T>(BlockingCollection<T> self, [MaybeNullWhen(false)] out T item, int millisecondsTimeout) =>
        TryTake(self, out item, millisecondsTimeout, CancellationToken.None);

    public static bool TryTake<T>(BlockingCollection<T> self, [MaybeNullWhen(false)] out T item, int millisecondsTimeout, CancellationToken cancellationToken) =>
        Parking.IsOriginal(millisecondsTimeout)
            ? self.TryTake(out item, millisecondsTimeout, cancellationToken)
            : TryTakeInHub(self, out item, Parking.Time(millisecondsTimeout), cancellationToken);

    public static void Add<T>(BlockingCollection<T> self, T item) => Add(self, item, CancellationToken.None);

    public static void Add<T>(BlockingCollection<T> self, T item, CancellationToken cancellationToken)
    {
        if (!Hub.IsInside)
        {
            self.Add(item, cancellationToken);
            return;
        }

        Parking.Until(() => self.TryAdd(item), Timeout.InfiniteTimeSpan, cancellationToken);
    }

    public static bool TryAdd<T>(BlockingCollection<T> self, T item, TimeSpan timeout) =>
        Parking.IsOriginal(timeout) ? self.TryAdd(item, timeout) : Parking.Until(() => self.TryAdd(item), timeout);

    public static bool TryAdd<T>(BlockingCollection<T> self, T item, int millisecondsTimeout) => TryAdd(self, item, millisecondsTimeout, CancellationToken.None);

    public static bool TryAdd<T>(BlockingCollection<T> self, T item, int millisecondsTimeout, CancellationToken cancellationToken) =>
        Parking.IsOriginal(millisecondsTimeout)
            ? self.TryAdd(item, millisecondsTimeout, cancellationToken)
            : Parking.Until(() => self.TryAdd(item), Parking.Time(millisecondsTimeout), cancellationToken);

    public static IEnumerable<T> GetConsumingEnumerable<T>(BlockingCollection<T> self) => GetConsumingEnumerable(self, CancellationToken.None);

    public static IEnumerable<T> GetConsumingEnumerable<T>(BlockingCollection<T> self, CancellationToken cancellationToken)
    {
        if (!Hub.IsInside)
        {
            foreach (T item in self.GetConsumingEnumerable(cancellationToken))
            {
                yield return item;
            }

            yield break;
        }

        while (TryTake(self, out T? item, Timeout.Infinite, cancellationToken))
        {
            yield return item;
        }
    }

    public static int TakeFromAny<T>(BlockingCollection<T>[] collections, out T? item) => TakeFromAny(collections, out item, CancellationToken.None);

    public static int TakeFromAny<T>(BlockingCollection<T>[] collections, out T? item, CancellationToken cancellationToken) =>
        Hub.IsInside && TakeFromAnyInHub(collections, out item, Timeout.InfiniteTimeSpan, cancellationToken) is >= 0 and int index
            ? index
            : BlockingCollection<T>.TakeFromAny(collections, out item, cancellationToken); // outside; or all are complete, and it says so

    public static int TryTakeFromAny<T>(BlockingCollection<T>[] collections, out T? item) => BlockingCollection<T>.TryTakeFromAny(collections, out item);

    public static int TryTakeFromAny<T>(BlockingCollection<T>[] collections, out T? item, TimeSpan timeout) =>
        Parking.IsOriginal(timeout)
            ? BlockingCollection<T>.TryTakeFromAny(collections, out item, timeout)
            : TakeFromAnyInHub(collections, out item, timeout, CancellationToken.None);

    public static int TryTakeFromAny<T>(BlockingCollection<T>[] collections, out T? item, int millisecondsTimeout) =>
        TryTakeFromAny(collections, out item, millisecondsTimeout, CancellationToken.None);

    public static int TryTakeFromAny<T>(BlockingCollection<T>[] collections, out T? item, int millisecondsTimeout, CancellationToken cancellationToken) =>
        Parking.IsOriginal(millisecondsTimeout)
            ? BlockingCollection<T>.TryTakeFromAny(collections, out item, millisecondsTimeout, cancellationToken)
            : TakeFromAnyInHub(collections, out item, Parking.Time(millisecondsTimeout), cancellationToken);

    public static int AddToAny<T>(BlockingCollection<T>[] collections, T item) => AddToAny(collections, item, CancellationToken.None);

    public static int AddToAny<T>(BlockingCollection<T>[] collections, T item, CancellationToken cancellationToken) =>
        Hub.IsInside
            ? AddToAnyInHub(collections, item, Timeout.InfiniteTimeSpan, cancellationToken)
            : BlockingCollection<T>.AddToAny(collections, item, cancellationToken);

    public static int TryAddToAny<T>(BlockingCollection<T>[] collections, T item) => BlockingCollection<T>.TryAddToAny(collections, item);

    public static int TryAddToAny<T>(BlockingCollection<T>[] collections, T item, TimeSpan timeout) =>
        Parking.IsOriginal(timeout)
            ? BlockingCollection<T>.TryAddToAny(collections, item, timeout)
            : AddToAnyInHub(collections, item, timeout, CancellationToken.None);

    public static int TryAddToAny<T>(BlockingCollection<T>[] collections, T item, int millisecondsTimeout) =>
        TryAddToAny(collections, item, millisecondsTimeout, CancellationToken.None);

    public static int TryAddToAny<T>(BlockingCollection<T>[] collections, T item, int millisecondsTimeout, CancellationToken cancellationToken) =>
        Parking.IsOriginal(millisecondsTimeout)
            ? BlockingCollection<T>.TryAddToAny(collections, item, millisecondsTimeout, cancellationToken)
            : AddToAnyInHub(collections, item, Parking.Time(millisecondsTimeout), cancellationToken);

    private static int TakeFromAnyInHub<T>(BlockingCollection<T>[] collections, out T? item, TimeSpan timeout, CancellationToken cancellationToken)
    {
        T? found = default;
        int index = -1;
        Parking.Until(
            () => (index = BlockingCollection<T>.TryTakeFromAny(collections, out found)) >= 0 || Array.TrueForAll(collections, collection => collection.IsCompleted),
            timeout,
            cancellationToken);
        item = found;
        return index;
    }

    private static int AddToAnyInHub<T>(BlockingCollection<T>[] collections, T item, TimeSpan timeout, CancellationToken cancellationToken)
    {
        int index = -1;
        Parking.Until(() => (index = BlockingCollection<T>.TryAddToAny(collections, item)) >= 0, timeout, cancellationToken);
        return index;
    }

    private static bool TryTakeInHub<T>(BlockingCollection<T> collection, [MaybeNullWhen(false)] out T item, TimeSpan timeout, CancellationToken cancellationToken)
    {
        T found = default!;
        bool isTaken = false;
        Parking.Until(() => (isTaken = collection.TryTake(out found!)) || collection.IsCompleted, timeout, cancellationToken);
        item = found;
        return isTaken;
    }
}
