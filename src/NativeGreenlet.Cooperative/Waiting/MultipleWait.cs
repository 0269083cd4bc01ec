namespace NativeGreenlet.Cooperative;

/// <summary>A wait that a number of several objects ends.</summary>
internal sealed class MultipleWait(Waiter waiter, IGreenWaitable[] objects, int count)
{
    private int _missing = count;

    /// <summary>What it waits for.</summary>
    public IReadOnlyList<IGreenWaitable> Objects => objects;

    /// <summary>False if the time is up.</summary>
    public bool Park(long due)
    {
        long version = waiter.Begin(this);
        List<WaitNode> nodes = new(objects.Length);
        try
        {
            foreach (IGreenWaitable each in objects)
            {
                WaitNode node = new(waiter) { Version = version, Group = this };
                nodes.Add(node);
                if (!each.TryLink(node))
                {
                    node.TryWake(); // it became ready on another thread
                }
            }

            return waiter.Park(due, isExternal: false);
        }
        finally
        {
            for (int i = 0; i < nodes.Count; i++)
            {
                objects[i].Unlink(nodes[i]);
            }
        }
    }

    /// <summary>One of the objects is ready. Whether that is enough.</summary>
    public bool IsLast() => Interlocked.Decrement(ref _missing) == 0;

    public override string ToString() => $"one of {string.Join(", ", objects.Select(each => each.ToString()))}";
}
