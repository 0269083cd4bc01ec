using System.Diagnostics.CodeAnalysis;

namespace NativeGreenlet.Lifecycle;

/// <summary>Greenlets that other threads, the finalizer among them, want a carrier to kill.</summary>
internal sealed class KillQueue
{
    private readonly Lock _lock = new();
    private readonly Queue<(Greenlet Greenlet, bool IsAbandoned)> _items = new();
    private volatile bool _hasAny;

    /// <summary>A look without the lock; what it misses now it sees next time.</summary>
    public bool HasAny => _hasAny;

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _items.Count;
            }
        }
    }

    public void Enqueue(Greenlet greenlet, bool isAbandoned)
    {
        lock (_lock)
        {
            _items.Enqueue((greenlet, isAbandoned));
            _hasAny = true;
        }
    }

    public bool TryDequeue([NotNullWhen(true)] out Greenlet? greenlet, out bool isAbandoned)
    {
        lock (_lock)
        {
            bool found = _items.TryDequeue(out (Greenlet Greenlet, bool IsAbandoned) item);
            (greenlet, isAbandoned) = item;
            _hasAny = _items.Count != 0;
            return found;
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _items.Clear();
            _hasAny = false;
        }
    }
}
