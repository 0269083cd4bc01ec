using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <content>What woven code needs besides the public interface.</content>
public sealed partial class Hub
{
    /// <summary>The task of the caller; null outside a hub.</summary>
    internal static GreenTask? CurrentTaskOrNull
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => HubLoop.MayBeInTask ? HubLoop.OfThisThreadOrNull?.CurrentTask : null;
    }

    /// <summary>Waits until a task has ended, however; what it threw is left to the caller.</summary>
    /// <returns>Whether it ended in time.</returns>
    internal static bool AwaitEnd(Task task, TimeSpan timeout, CancellationToken cancellationToken)
    {
        HubClock.Check(timeout, nameof(timeout));
        GreenTask self = EnterWait(task, cancellationToken);
        return task.IsCompleted || ParkFor(self, task, HubClock.After(timeout), cancellationToken);
    }
}
