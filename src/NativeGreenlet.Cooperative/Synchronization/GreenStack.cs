using System.Diagnostics.CodeAnalysis;

namespace NativeGreenlet.Cooperative;

/// <summary>A <see cref="GreenQueue{T}"/> from which the item that was put in last comes first.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenStack&lt;string&gt; stack = new();
///     stack.Put("first");
///     stack.Put("second");
///     Console.WriteLine(stack.Get()); // second: the last one put comes first
/// });
/// </code></example>
/// <typeparam name="T">The type of the items.</typeparam>
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "It is a stack.")]
public sealed class GreenStack<T> : GreenQueue<T>
{
    private readonly Stack<T> _items = new();

    /// <summary>Creates a stack.</summary>
    /// <param name="capacity">How many items it holds at most; 0 for any number.</param>
    public GreenStack(int capacity = 0)
        : base(capacity)
    {
    }

    private protected override int ItemCount => _items.Count;

    private protected override void AddItem(T item) => _items.Push(item);

    private protected override T TakeItem() => _items.Pop();

    private protected override T PeekItem() => _items.Peek();
}
