using System.Diagnostics;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Locks;

/// <summary>A task or a thread that waits for a <see cref="ReaderWriterLockSlim"/>. Whoever gives the lock back enters it for the next ones.</summary>
internal sealed class ReaderWriterTurn(ReaderWriterMode mode, object owner)
{
    private readonly GreenEvent? _event = owner is GreenTask ? new GreenEvent() : null;
    private readonly object _gate = new(); // for threads
    private bool _isGranted;

    public ReaderWriterMode Mode => mode;

    public object Owner => owner;

    /// <summary>Whether the lock has been entered for it.</summary>
    public bool IsGranted => Volatile.Read(ref _isGranted);

    /// <summary>Parks the task or blocks the thread until its turn, but no longer than a time.</summary>
    public void Wait(TimeSpan timeout)
    {
        if (_event is not null)
        {
            _event.Wait(timeout);
            return;
        }

        long start = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            TimeSpan left = timeout;
            while (!_isGranted && (timeout == Timeout.InfiniteTimeSpan || left > TimeSpan.Zero))
            {
                Monitor.Wait(_gate, left);
                left = timeout == Timeout.InfiniteTimeSpan ? timeout : timeout - Stopwatch.GetElapsedTime(start);
            }
        }
    }

    /// <summary>Says that the lock has been entered for it.</summary>
    public void Grant()
    {
        lock (_gate)
        {
            _isGranted = true;
            Monitor.Pulse(_gate);
        }

        _event?.Set();
    }
}
