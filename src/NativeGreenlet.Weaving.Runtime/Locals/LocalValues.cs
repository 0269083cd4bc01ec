using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Weaving.Locals;

/// <summary>One value for each greenlet of a task. It lives as long as both the greenlet and this object.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
/// <param name="keepsAll">Whether the values of greenlets that have ended are kept, for <see cref="All"/>.</param>
internal sealed class LocalValues<T>(bool keepsAll)
{
    // By what the greenlet's end drops, not by the greenlet: whoever keeps one that has ended does not keep its values.
    private readonly ConditionalWeakTable<GreenletLocals, StrongBox<T?>> _values = [];
    private readonly List<StrongBox<T?>>? _all = keepsAll ? [] : null;

    /// <summary>The values of all greenlets, also of those that have ended.</summary>
    public T[] All
    {
        get
        {
            lock (_values)
            {
                return [.. _all!.Select(box => box.Value!)];
            }
        }
    }

    /// <summary>Whether a greenlet has one.</summary>
    public bool Contains(GreenletLocals locals) => _values.TryGetValue(locals, out _);

    /// <summary>Finds a greenlet's value.</summary>
    public bool TryGet(GreenletLocals locals, [MaybeNullWhen(false)] out T value)
    {
        if (_values.TryGetValue(locals, out StrongBox<T?>? box))
        {
            value = box.Value!;
            return true;
        }

        value = default;
        return false;
    }

    /// <summary>Sets a greenlet's value. Only in that greenlet.</summary>
    public void Set(GreenletLocals locals, T value)
    {
        if (_values.TryGetValue(locals, out StrongBox<T?>? box))
        {
            box.Value = value;
            return;
        }

        box = new StrongBox<T?>(value);
        _values.Add(locals, box);
        if (_all is not null)
        {
            lock (_values)
            {
                _all.Add(box);
            }
        }
    }
}
