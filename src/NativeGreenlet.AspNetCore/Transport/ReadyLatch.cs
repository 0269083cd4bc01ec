using System.Threading.Tasks.Sources;

namespace NativeGreenlet.AspNetCore;

/// <summary>What one asynchronous loop waits for: that somebody says it may go on. Once said while nobody waits, it is kept. The loop goes on
/// on the thread of whoever says it. Nothing is allocated for a wait.</summary>
internal sealed class ReadyLatch : IValueTaskSource<bool>
{
    private const int Idle = 0;
    private const int Set = 1;
    private const int Waiting = 2;
    private const int Closed = 3;

    private ManualResetValueTaskSourceCore<bool> _core;
    private int _state;

    /// <summary>Waits; by one at a time.</summary>
    /// <returns>False if it is closed.</returns>
    public ValueTask<bool> WaitAsync()
    {
        if (Interlocked.CompareExchange(ref _state, Idle, Set) == Set)
        {
            return ValueTask.FromResult(true);
        }

        _core.Reset();
        short version = _core.Version;
        return Interlocked.CompareExchange(ref _state, Waiting, Idle) switch
        {
            Idle => new ValueTask<bool>(this, version),
            Set => ValueTask.FromResult(Interlocked.CompareExchange(ref _state, Idle, Set) == Set),
            _ => ValueTask.FromResult(false),
        };
    }

    /// <summary>Lets the loop go on, now or at its next wait. From any thread.</summary>
    public void Signal()
    {
        while (true)
        {
            switch (Volatile.Read(ref _state))
            {
                case Idle when Interlocked.CompareExchange(ref _state, Set, Idle) == Idle:
                    return;

                case Waiting when Interlocked.CompareExchange(ref _state, Idle, Waiting) == Waiting:
                    _core.SetResult(true);
                    return;

                case Set or Closed:
                    return;

                default:
                    break; // it has changed meanwhile
            }
        }
    }

    /// <summary>Ends this wait and all that follow. From any thread.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref _state, Closed) == Waiting)
        {
            _core.SetResult(false);
        }
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
