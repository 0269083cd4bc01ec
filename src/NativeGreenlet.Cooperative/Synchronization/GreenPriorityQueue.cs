using System.Diagnostics.CodeAnalysis;

namespace NativeGreenlet.Cooperative;

/// <summary>A <see cref="GreenQueue{T}"/> from which the smallest item comes first; of equal ones, the first that was put
/// in.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenPriorityQueue&lt;int&gt; queue = new();
///     queue.Put(3);
///     queue.Put(1);
///     Console.WriteLine(queue.Get()); // 1: the least first
/// });
/// </code></example>
/// <typeparam name="T">The type of the items.</typeparam>
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "It is a queue.")]
public sealed class GreenPriorityQueue<T> : GreenQueue<T>
{
    private readonly PriorityQueue<T, (T Item, long Order)> _items;
    private long _order;

    /// <summary>Creates a queue.</summary>
    /// <param name="capacity">How many items it holds at most; 0 for any number.</param>
    /// <param name="comparer">The order; null for the type's own.</param>
    public GreenPriorityQueue(int capacity = 0, IComparer<T>? comparer = null)
        : base(capacity)
    {
        comparer ??= Comparer<T>.Default;
        _items = new PriorityQueue<T, (T Item, long Order)>(Comparer<(T Item, long Order)>.Create((left, right) =>
            comparer.Compare(left.Item, right.Item) is var order && order != 0 ? order : left.Order.CompareTo(right.Order)));
    }

    private protected override int ItemCount => _items.Count;

    private protected override void AddItem(T item) => _items.Enqueue(item, (item, _order++));

    private protected override T TakeItem() => _items.Dequeue();

    private protected override T PeekItem() => _items.Peek();
}
