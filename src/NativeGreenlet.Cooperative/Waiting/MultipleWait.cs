namespace NativeGreenlet.Cooperative;

/// <summary>A wait that any of several objects ends.</summary>
internal sealed class MultipleWait(Waiter waiter, IGreenWaitable[] objects)
{
    /// <summary>False if the time is up.</summary>
    public bool Park(long due)
    {
        long version = waiter.Begin(this);
        List<WaitNode> nodes = new(objects.Length);
        try
        {
            foreach (IGreenWaitable each in objects)
            {
                WaitNode node = new(waiter) { Version = version };
                if (!each.TryLink(node))
                {
                    waiter.TryWake(version, WakeReason.Signalled); // it became ready on another thread
                    break;
                }

                nodes.Add(node);
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

    public bool IsSharedBeyond(HubRun run) => Array.Exists(objects, each => each.IsSharedBeyond(run));

    public override string ToString() => $"one of {string.Join(", ", objects.Select(each => each.ToString()))}";
}
