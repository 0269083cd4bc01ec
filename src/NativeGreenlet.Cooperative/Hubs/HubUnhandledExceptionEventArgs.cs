namespace NativeGreenlet.Cooperative;

/// <summary>Data of <see cref="Hub.UnhandledException"/>.</summary>
public sealed class HubUnhandledExceptionEventArgs : EventArgs
{
    internal HubUnhandledExceptionEventArgs(GreenTask? task, Exception exception)
    {
        Task = task;
        Exception = exception;
    }

    /// <summary>The task that it left; null for a callback in the hub.</summary>
    public GreenTask? Task { get; }

    /// <summary>What was thrown.</summary>
    public Exception Exception { get; }
}
