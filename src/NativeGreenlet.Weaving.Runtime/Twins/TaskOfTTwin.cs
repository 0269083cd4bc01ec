using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Task{TResult}"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Task<>))]
[StackTraceHidden]
public static class TaskOfTTwin
{
    [GreenletTwin("get_Result")]
    public static TResult Result<TResult>(Task<TResult> self)
    {
        if (!self.IsCompleted && Hub.IsInside)
        {
            Parking.End(self);
        }

        return self.Result;
    }
}
