namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Waits for a .NET task.</summary>
internal sealed class TaskCase(Task task, Action then) : SelectCase
{
    private readonly ExternalLink _link = new();

    public override object Object => task;

    public override bool IsExternal => true;

    public override bool TryTake() => task.IsCompleted;

    public override bool TryLink()
    {
        if (task.IsCompleted)
        {
            return false;
        }

        _link.Link(task, Node);
        return true;
    }

    public override void Unlink() => _link.Unlink();

    /// <summary>What the task threw reaches the caller.</summary>
    public override void CallThen()
    {
        task.GetAwaiter().GetResult();
        then();
    }
}
