using System.Diagnostics;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking method of <see cref="ParallelEnumerable"/> in woven code: outside a hub it does the same, inside one it parks the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(ParallelEnumerable))]
[StackTraceHidden]
public static class ParallelEnumerableTwin
{
    public static void ForAll<TSource>(ParallelQuery<TSource> source, Action<TSource> action)
    {
        if (!Hub.IsInside)
        {
            source.ForAll(action);
            return;
        }

        Hub.Offload(() => source.ForAll(action));
    }
}
