namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>An operation of .NET code that waits for tasks of hubs and for delays of their time, and for nothing else: a
/// <see cref="GreenTestTime"/> may move while it does. The state of the .NET task that stands for it.</summary>
internal sealed class TimedOperation
{
    private int _bodies;
    private CancellationToken _token;
    private volatile bool _isTold;

    /// <summary>On whose behalf the code of this flow runs.</summary>
    public static AsyncLocal<TimedOperation?> Current { get; } = new();

    /// <summary>A task of a hub does a part of it from now on. From any thread.</summary>
    public void BeginBody() => Interlocked.Increment(ref _bodies);

    /// <summary>That has ended.</summary>
    public void EndBody() => Interlocked.Decrement(ref _bodies);

    /// <summary>A token that ends it: from its cancellation on until all is told, it waits for nothing.</summary>
    public void Watch(CancellationToken token)
    {
        _token = token;
        token.UnsafeRegister(static state => ((TimedOperation)state!)._isTold = true, this); // the first one is called last
    }

    /// <summary>Whether it waits for the tasks of hubs, or for the time.</summary>
    public bool WaitsInside(GreenTestTime time) =>
        (_isTold || !_token.IsCancellationRequested) && (Volatile.Read(ref _bodies) != 0 || time.HasDelayOf(this));
}
