using System.Runtime.CompilerServices;

namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>A case that brings an item.</summary>
/// <typeparam name="T">The type of the item.</typeparam>
internal abstract class SelectCase<T>(Action<T> then) : SelectCase
{
    private T _item = default!;

    /// <summary>What was taken, for <see cref="CallThen"/>.</summary>
    protected ref T Item => ref _item;

    public override void CallThen()
    {
        T item = _item;
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
        {
            _item = default!;
        }

        then(item); // which may use the select again
    }
}
