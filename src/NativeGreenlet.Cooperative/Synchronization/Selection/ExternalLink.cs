using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>The wait of a case for a .NET task.</summary>
internal sealed class ExternalLink
{
    private readonly Lock _gate = new();
    private TaskContinuation _continuation;

    /// <summary>Lets a task end a wait.</summary>
    public void Link(Task task, WaitNode node)
    {
        _continuation = new TaskContinuation(task, () =>
        {
            // Who is told of it must find it written.
            lock (_gate)
            {
                node.TryWake();
            }
        });
        _continuation.Register();
    }

    /// <summary>Takes that back.</summary>
    public void Unlink()
    {
        _continuation.GiveUp();
        _continuation.Dispose();
        lock (_gate)
        {
            _continuation = default;
        }
    }
}
