using System.Diagnostics;

namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>Waits in the order of their beginning. Whoever owns it locks around every call.</summary>
internal sealed class WaitQueue
{
    private WaitNode? _first;
    private WaitNode? _last;

    public bool IsEmpty => _first is null;

    public int Count { get; private set; }

    public void Add(WaitNode node)
    {
        Debug.Assert(node.Queue is null && node.Previous is null && node.Next is null); // a node is in one queue at a time
        node.Queue = this;
        node.Previous = _last;
        node.Next = null;
        if (_last is null)
        {
            _first = node;
        }
        else
        {
            _last.Next = node;
        }

        _last = node;
        Count++;
    }

    /// <summary>Whether there is a wait of somebody else. It may have ended, and not been taken out yet.</summary>
    public bool HasOther(Waiter waiter)
    {
        WaitNode? node = _first;
        while (node is not null && node.Waiter == waiter)
        {
            node = node.Next;
        }

        return node is not null;
    }

    /// <summary>Takes a wait out, if it is still in.</summary>
    public void Remove(WaitNode node)
    {
        if (node.Queue != this)
        {
            return;
        }

        if (node.Previous is { } previous)
        {
            previous.Next = node.Next;
        }
        else
        {
            _first = node.Next;
        }

        if (node.Next is { } next)
        {
            next.Previous = node.Previous;
        }
        else
        {
            _last = node.Previous;
        }

        node.Queue = null;
        node.Previous = null;
        node.Next = null;
        Count--;
        Debug.Assert(Count >= 0 && Count == 0 == (_first is null) && _first is null == (_last is null));
    }

    /// <summary>Wakes the first that can still be woken, and tells who that is. One whose wait was ended by something else
    /// is passed over: a wake-up must not be lost on it.</summary>
    public WaitNode? WakeOne()
    {
        while (_first is { } node)
        {
            Remove(node);
            if (node.TryWake())
            {
                return node;
            }
        }

        return null;
    }

    /// <summary>Wakes all, to send them away.</summary>
    public void RefuseAll()
    {
        while (_first is { } node)
        {
            Remove(node);
            node.IsRefused = true;
            node.TryWake();
        }
    }

    public void WakeAll()
    {
        while (WakeOne() is not null)
        {
        }
    }
}
