using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative.Tasks;

/// <summary>A task whose body is asynchronous: it lasts until what the body returned has completed.</summary>
internal sealed class AsyncGreenTask : GreenTask
{
    private Func<Task>? _function;

    public AsyncGreenTask(Func<Task> function)
        : base(null)
    {
        _function = function;
        OwnContext = new HubSynchronizationContext(this);
    }

    internal override HubSynchronizationContext OwnContext { get; }

    private protected override void Execute()
    {
        Func<Task> function = _function!;
        DropBody();
        OwnContext.Run(function);
    }

    private protected override void DropBody() => _function = null;
}
