using System.Diagnostics;

namespace NativeGreenlet.Cooperative;

/// <summary>Tells of a call that blocked a hub's thread. See <see cref="Hub.BlockingWait"/>.</summary>
/// <example><code>
/// Hub.Current.BlockingWait += (_, e) => Console.WriteLine($"{e.Call} blocked {e.Task}: {e.Reason} {e.StackTrace}");
/// </code></example>
public sealed class HubBlockingWaitEventArgs : EventArgs
{
    internal HubBlockingWaitEventArgs(GreenTask task, string call, string? reason, bool isInLock, StackTrace stackTrace)
    {
        Task = task;
        task.WasHandedOut = true;
        Call = call;
        Reason = reason;
        IsInLock = isInLock;
        StackTrace = stackTrace;
    }

    /// <summary>Gets the task that called it.</summary>
    public GreenTask Task { get; }

    /// <summary>Gets the method of .NET that was called, <c>System.Threading.SemaphoreSlim.Wait</c> for example.</summary>
    public string Call { get; }

    /// <summary>Gets why the task was not parked although the hub was to (<see cref="BlockingWaits.Park"/>); null if it was not to, or was
    /// parked.</summary>
    public string? Reason { get; }

    /// <summary>Gets whether a method on the stack had entered a <c>lock</c>, as far as the stack trace shows it. Other tasks of the
    /// hub enter the same lock meanwhile, if the task parks.</summary>
    public bool IsInLock { get; }

    /// <summary>Gets where it was called.</summary>
    public StackTrace StackTrace { get; }
}
