using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeGreenlet.Weaving.Locals;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the data slots of <see cref="Thread"/> in code that is woven with <c>GreenletWeaveThreadLocals</c>: outside a hub they do
/// the same, inside one each greenlet has data of its own.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Thread))]
[ThreadLocalTwin]
[StackTraceHidden]
public static class ThreadDataTwin
{
    private static readonly ConditionalWeakTable<LocalDataStoreSlot, LocalValues<object?>> s_values = [];

    public static object? GetData(LocalDataStoreSlot slot)
    {
        if (slot is null || GreenletLocals.Here is not { } locals)
        {
            return Thread.GetData(slot!);
        }

        return s_values.TryGetValue(slot, out LocalValues<object?>? values) && values.TryGet(locals, out object? value) ? value : null;
    }

    public static void SetData(LocalDataStoreSlot slot, object? data)
    {
        if (slot is null || GreenletLocals.Here is not { } locals)
        {
            Thread.SetData(slot!, data);
            return;
        }

        s_values.GetValue(slot, static _ => new LocalValues<object?>(keepsAll: false)).Set(locals, data);
    }
}
