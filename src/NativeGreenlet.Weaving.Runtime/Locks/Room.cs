using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Locks;

/// <summary>Tasks that wait for objects: for a lock to be given back, or for a pulse. Who gives one back asks <see cref="IsEmpty"/>
/// first, which is all that it costs when nobody waits.</summary>
internal sealed class Room
{
    private readonly Lock _gate = new();
    private readonly Dictionary<object, LinkedList<GreenEvent>> _waiting = new(ReferenceEqualityComparer.Instance);
    private volatile int _count;

    public bool IsEmpty => _count == 0;

    /// <summary>Lets a task wait: the event is set when it is its turn.</summary>
    public LinkedListNode<GreenEvent> Enter(object target)
    {
        LinkedListNode<GreenEvent> node = new(new GreenEvent());
        lock (_gate)
        {
            if (!_waiting.TryGetValue(target, out LinkedList<GreenEvent>? queue))
            {
                _waiting.Add(target, queue = new LinkedList<GreenEvent>());
            }

            queue.AddLast(node);
            _count++;
        }

        Interlocked.MemoryBarrier(); // before the lock is tried once more: who gives it back looks here after that
        return node;
    }

    /// <summary>Ends the wait. Whether it had its turn.</summary>
    public bool Leave(object target, LinkedListNode<GreenEvent> node)
    {
        lock (_gate)
        {
            if (node.List is not { } queue)
            {
                return true;
            }

            Remove(target, queue, node);
            return false;
        }
    }

    /// <summary>Lets the first of those that wait for an object have its turn. False if none does.</summary>
    public bool WakeOne(object target)
    {
        lock (_gate)
        {
            if (!_waiting.TryGetValue(target, out LinkedList<GreenEvent>? queue))
            {
                return false;
            }

            LinkedListNode<GreenEvent> first = queue.First!;
            Remove(target, queue, first);
            first.Value.Set();
            return true;
        }
    }

    /// <summary>Lets the first of those that wait for each object have its turn.</summary>
    public void WakeOneOfEach()
    {
        lock (_gate)
        {
            foreach (object target in _waiting.Keys.ToArray())
            {
                WakeOne(target);
            }
        }
    }

    private void Remove(object target, LinkedList<GreenEvent> queue, LinkedListNode<GreenEvent> node)
    {
        queue.Remove(node);
        _count--;
        if (queue.Count == 0)
        {
            _waiting.Remove(target);
        }
    }
}
