using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Locks;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Mutex"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Mutex))]
[StackTraceHidden]
public static class MutexTwin
{
    public static void ReleaseMutex(Mutex self)
    {
        if (Hub.CurrentTaskOrNull is { } task)
        {
            GreenMonitor.Exit<MutexKind>(self, task);
        }
        else
        {
            self.ReleaseMutex();
            GreenMonitor.WakeNext(self);
        }
    }
}
