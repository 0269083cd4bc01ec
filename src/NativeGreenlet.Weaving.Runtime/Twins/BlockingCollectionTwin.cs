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

    private static bool TryTakeInHub<T>(BlockingCollection<T> collection, [MaybeNullWhen(false)] out T item, TimeSpan timeout, CancellationToken cancellationToken)
    {
        T found = default!;
        bool isTaken = false;
        Parking.Until(() => (isTaken = collection.TryTake(out found!)) || collection.IsCompleted, timeout, cancellationToken);
        item = found;
        return isTaken;
    }
}
