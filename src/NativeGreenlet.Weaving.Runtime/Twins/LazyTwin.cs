using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Locks;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Lazy{T}"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Lazy<>))]
[StackTraceHidden]
public static class LazyTwin
{
    // A task may wait inside the function that makes the value: others of its hub wait for it as those of other hubs do.
    [GreenletTwin("get_Value")]
    public static T Value<T>(Lazy<T> self)
    {
        if (self.IsValueCreated || Hub.CurrentTaskOrNull is not { } task)
        {
            return self.Value;
        }

        GreenMonitor.Enter<MonitorKind>(self, task);
        try
        {
            return self.Value;
        }
        finally
        {
            GreenMonitor.Exit<MonitorKind>(self, task);
        }
    }
}
