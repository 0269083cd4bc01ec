using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of awaiters, which wait for a task that is not complete in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(TaskAwaiter))]
[GreenletTwin(typeof(TaskAwaiter<>))]
[GreenletTwin(typeof(ConfiguredTaskAwaitable.ConfiguredTaskAwaiter))]
[GreenletTwin(typeof(ConfiguredTaskAwaitable<>.ConfiguredTaskAwaiter))]
[GreenletTwin(typeof(ValueTaskAwaiter))]
[GreenletTwin(typeof(ValueTaskAwaiter<>))]
[GreenletTwin(typeof(ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter))]
[GreenletTwin(typeof(ConfiguredValueTaskAwaitable<>.ConfiguredValueTaskAwaiter))]
[StackTraceHidden]
public static class AwaiterTwin
{
    public static void GetResult(ref TaskAwaiter self)
    {
        if (!self.IsCompleted && Hub.IsInside)
        {
            End(self);
        }

        self.GetResult();
    }

    public static T GetResult<T>(ref TaskAwaiter<T> self)
    {
        if (!self.IsCompleted && Hub.IsInside)
        {
            End(self);
        }

        return self.GetResult();
    }

    public static void GetResult(ref ConfiguredTaskAwaitable.ConfiguredTaskAwaiter self)
    {
        if (!self.IsCompleted && Hub.IsInside)
        {
            End(self);
        }

        self.GetResult();
    }

    public static T GetResult<T>(ref ConfiguredTaskAwaitable<T>.ConfiguredTaskAwaiter self)
    {
        if (!self.IsCompleted && Hub.IsInside)
        {
            End(self);
        }

        return self.GetResult();
    }

    public static void GetResult(ref ValueTaskAwaiter self)
    {
        if (!self.IsCompleted && Hub.IsInside)
        {
            End(self);
        }

        self.GetResult();
    }

    public static T GetResult<T>(ref ValueTaskAwaiter<T> self)
    {
        if (!self.IsCompleted && Hub.IsInside)
        {
            End(self);
        }

        return self.GetResult();
    }

    public static void GetResult(ref ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter self)
    {
        if (!self.IsCompleted && Hub.IsInside)
        {
            End(self);
        }

        self.GetResult();
    }

    public static T GetResult<T>(ref ConfiguredValueTaskAwaitable<T>.ConfiguredValueTaskAwaiter self)
    {
        if (!self.IsCompleted && Hub.IsInside)
        {
            End(self);
        }

        return self.GetResult();
    }

    private static void End<TAwaiter>(TAwaiter awaiter)
        where TAwaiter : ICriticalNotifyCompletion
    {
        TaskCompletionSource ended = new();
        awaiter.UnsafeOnCompleted(ended.SetResult);
        Parking.End(ended.Task);
    }
}
