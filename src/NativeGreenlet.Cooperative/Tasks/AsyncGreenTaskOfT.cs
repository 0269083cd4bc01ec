using NativeGreenlet.Cooperative.Hubs;

namespace NativeGreenlet.Cooperative.Tasks;

/// <summary>A task with a result whose body is asynchronous.</summary>
/// <typeparam name="T">The type of the result.</typeparam>
internal sealed class AsyncGreenTask<T> : GreenTask<T>
{
    private Func<Task<T>?>? _function;

    public AsyncGreenTask(Func<Task<T>?> function)
        : base(null)
    {
        _function = function;
        OwnContext = new HubSynchronizationContext(this);
    }

    internal override HubSynchronizationContext OwnContext { get; }

    private protected override void Execute()
    {
        Func<Task<T>?> function = _function!;
        DropBody();
        SetResult(((Task<T>)OwnContext.Run(() => NoTask.Replace(function()))).GetAwaiter().GetResult());
    }

    private protected override void DropBody() => _function = null;
}
