using System.IO.Pipelines;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>
/// Runs what Kestrel does for a connection in the hub of that connection, between its tasks: without a synchronization context, as
/// Kestrel expects it. What waits to be run goes along when the connection goes to another hub.
/// </summary>
internal sealed class ConnectionScheduler : PipeScheduler
{
    [ThreadStatic]
    private static ConnectionScheduler? t_current;

    private readonly Lock _gate = new();
    private readonly Queue<Item> _queue = new(4);
    private readonly Action _runOne;
    private volatile Hub _hub;

    public ConnectionScheduler(Hub hub)
    {
        _hub = hub;
        _runOne = RunOne;
        Context = new ConnectionSynchronizationContext(this);
    }

    /// <summary>That of the connection in whose hub the caller is, on its behalf; else null.</summary>
    public static ConnectionScheduler? Current => t_current;

    /// <summary>The hub.</summary>
    public Hub Hub => _hub;

    /// <summary>Brings what comes after an <c>await</c> here.</summary>
    public ConnectionSynchronizationContext Context { get; }

    public override void Schedule(Action<object?> action, object? state) => Add(new Item(action, null, state));

    /// <summary>Runs something that was posted to the context.</summary>
    public void Schedule(SendOrPostCallback callback, object? state) => Add(new Item(null, callback, state));

    /// <summary>Goes to another hub, with what was not run yet.</summary>
    public void MoveTo(Hub hub)
    {
        int count;
        lock (_gate)
        {
            _hub = hub;
            count = _queue.Count;
        }

        for (; count > 0; count--)
        {
            Post(); // the hub before may come to it first, and then finds nothing later
        }
    }

    private void Add(Item item)
    {
        lock (_gate)
        {
            _queue.Enqueue(item);
        }

        Post();
    }

    private void Post()
    {
        try
        {
            _hub.Post(_runOne);
        }
        catch (ObjectDisposedException)
        {
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(static self => self.RunOneOnPool(), this, preferLocal: false); // it is all over
        }
    }

    private void RunOne()
    {
        if (!TryTake(out Item item))
        {
            return;
        }

        ConnectionScheduler? before = t_current;
        SynchronizationContext? context = SynchronizationContext.Current;
        t_current = this;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            item.Run();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
            t_current = before;
        }
    }

    private void RunOneOnPool()
    {
        if (TryTake(out Item item))
        {
            item.Run();
        }
    }

    private bool TryTake(out Item item)
    {
        lock (_gate)
        {
            return _queue.TryDequeue(out item);
        }
    }

    private readonly struct Item(Action<object?>? action, SendOrPostCallback? callback, object? state)
    {
        public void Run()
        {
            if (action is not null)
            {
                action(state);
            }
            else
            {
                callback!(state);
            }
        }
    }
}
