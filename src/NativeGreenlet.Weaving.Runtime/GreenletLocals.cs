using System.ComponentModel;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Weaving;

/// <summary>
/// The values that one greenlet of a task has of the <c>[ThreadStatic]</c> fields of woven code. Code that was woven with
/// <c>GreenletWeaveThreadLocals</c> calls it; nobody else has to.
/// </summary>
/// <remarks>They are dropped when the greenlet ends. Only the thread of the greenlet uses them.</remarks>
/// <example><code>
/// // What the weaver makes of "t_depth++", where t_depth is a field with [ThreadStatic]:
/// if (GreenletLocals.Here is { } locals)
/// {
///     locals.Of&lt;Depth, int&gt;()++; // this greenlet's
/// }
///
/// struct Depth; // stands for the field
/// </code></example>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class GreenletLocals
{
    private static int s_slots;

    private object?[] _boxes = [];

    private GreenletLocals()
    {
    }

    /// <summary>Gets those of the greenlet that the caller runs in; null outside of tasks, where the thread has its own values.</summary>
    public static GreenletLocals? Here
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => HubLoop.OfThisThreadOrNull is { } loop ? OfTask(loop) : null;
    }

    /// <summary>Gets the greenlet's value of a field: the default of its type until it is set.</summary>
    /// <typeparam name="TField">A type that stands for the field.</typeparam>
    /// <typeparam name="T">The type of the field.</typeparam>
    /// <returns>Where the value is. That stays this greenlet's, whatever runs meanwhile.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref T? Of<TField, T>()
    {
        object?[] boxes = _boxes;
        int slot = Slot<TField>.Number;
        return ref (uint)slot < (uint)boxes.Length && boxes[slot] is { } box
            ? ref Unsafe.As<StrongBox<T?>>(box).Value
            : ref Add<T>(slot);
    }

    /// <summary>Finds out whether the greenlet has not had a value of a field yet, so that what the first access of a field does is to be
    /// done.</summary>
    /// <typeparam name="TField">A type that stands for the field.</typeparam>
    /// <returns>Whether it has not.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsNew<TField>()
    {
        object?[] boxes = _boxes;
        int slot = Slot<TField>.Number;
        return (uint)slot >= (uint)boxes.Length || boxes[slot] is null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static GreenletLocals? OfTask(HubLoop loop)
    {
        if (loop.CurrentTask is null)
        {
            return null; // a callback of the hub: its stack is the thread's
        }

        object? locals = loop.WovenLocals;
        return locals is not null ? Unsafe.As<GreenletLocals>(locals) : Create(loop);
    }

    private static GreenletLocals Create(HubLoop loop)
    {
        GreenletLocals locals = new();
        loop.WovenLocals = locals;
        return locals;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ref T? Add<T>(int slot)
    {
        if (slot >= _boxes.Length)
        {
            Array.Resize(ref _boxes, slot + 1);
        }

        StrongBox<T?> box = new();
        _boxes[slot] = box;
        return ref box.Value;
    }

    // Numbered in the order of their first use in a task, so that fields that are never used there take no place.
    private static class Slot<TField>
    {
        public static readonly int Number = Interlocked.Increment(ref s_slots) - 1;
    }
}
