using System.Diagnostics.CodeAnalysis;

namespace NativeGreenlet.Lifecycle;

/// <summary>Greenlets that other threads, the finalizer among them, want a carrier to kill; and what they want to know from
/// it.</summary>
internal sealed class KillQueue
{
    private readonly Lock _lock = new();
    private readonly Queue<(Greenlet Greenlet, bool IsAbandoned)> _items = new();
    private Action? _question;
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

    /// <summary>Lets the carrier's thread do something before it kills.</summary>
    public void Ask(Action question)
    {
        lock (_lock)
        {
            _question += question;
            _hasAny = true;
        }
    }

    /// <summary>What it is asked, once; null for nothing.</summary>
    public Action? TakeQuestion()
    {
        lock (_lock)
        {
            Action? question = _question;
            _question = null;
            _hasAny = _items.Count != 0;
            return question;
        }
    }

    public bool TryDequeue([NotNullWhen(true)] out Greenlet? greenlet, out bool isAbandoned)
    {
        lock (_lock)
        {
            bool found = _items.TryDequeue(out (Greenlet Greenlet, bool IsAbandoned) item);
            (greenlet, isAbandoned) = item;
            _hasAny = _items.Count != 0 || _question is not null;
            return found;
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _items.Clear();
            _question = null;
            _hasAny = false;
        }
    }
}
