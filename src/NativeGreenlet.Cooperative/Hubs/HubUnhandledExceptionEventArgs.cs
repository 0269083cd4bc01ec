namespace NativeGreenlet.Cooperative;

/// <summary>Data of <see cref="Hub.UnhandledException"/>.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     Hub.Current.UnhandledException += (_, e) =&gt; Console.Error.WriteLine($"{e.Task}: {e.Exception.Message}");
///     Hub.Spawn(() =&gt; throw new InvalidDataException("nobody joins this task"));
/// });
/// </code></example>
public sealed class HubUnhandledExceptionEventArgs : EventArgs
{
    internal HubUnhandledExceptionEventArgs(GreenTask? task, Exception exception)
    {
        Task = task;
        Exception = exception;
    }

    /// <summary>Gets the task that it left; null for a callback in the hub.</summary>
    public GreenTask? Task { get; }

    /// <summary>Gets what was thrown.</summary>
    public Exception Exception { get; }
}
