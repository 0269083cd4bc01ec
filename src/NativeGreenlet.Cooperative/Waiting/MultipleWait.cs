namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>A wait that a number of several objects ends. It remembers which of them did: they need not be ready any more when
/// the task looks.</summary>
internal sealed class MultipleWait : WaitGroup
{
    private readonly Waiter _waiter;
    private readonly IGreenWaitable[] _objects; // each once
    private readonly WaitNode[] _nodes;
    private readonly int _count;
    private int _signals;

    public MultipleWait(Waiter waiter, IGreenWaitable[] objects, int count)
    {
        _waiter = waiter;
        _objects = objects;
        _nodes = new WaitNode[objects.Length];
        _count = count;
    }

    /// <inheritdoc/>
    public override IEnumerable<object> Objects => _objects;

    /// <summary>False if the time is up.</summary>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public bool Park(long due, CancellationToken cancellationToken)
    {
        long version = _waiter.Begin(this);
        _waiter.EnterPlace(this, null);
        int linked = 0;
        bool isParked = false;
        try
        {
            for (; linked < _objects.Length; linked++)
            {
                WaitNode node = new(_waiter) { Version = version, Group = this };
                _nodes[linked] = node;
                if (!_objects[linked].TryLink(node))
                {
                    node.TryWake(); // it became ready on another thread
                }
            }

            isParked = true;
            return _waiter.Park(due, isExternal: false, cancellationToken);
        }
        finally
        {
            if (!isParked)
            {
                _waiter.Abandon();
            }

            Unlink(linked);
        }
    }

    /// <summary>Waits, and tells which object was the first; null if the time is up.</summary>
    public IGreenWaitable? ParkForFirst(long due, CancellationToken cancellationToken) =>
        Park(due, cancellationToken) ? _objects[Array.FindIndex(_nodes, node => node.SignalNumber == 1)] : null;

    /// <summary>Whether an object was ready at some moment of the wait, which is over.</summary>
    public bool IsSignalled(int index) => _nodes[index].SignalNumber != 0;

    public override bool TryWake(WaitNode node)
    {
        int number = Interlocked.Increment(ref _signals);
        node.SignalNumber = number;
        return number == _count && _waiter.TryWake(node.Version, WakeReason.Signalled);
    }

    /// <inheritdoc/>
    public override void Leave(Waiter waiter, WaitQueue? queue, bool isSignalled) => Unlink(_nodes.Length); // nothing was taken

    private void Unlink(int linked)
    {
        for (int i = 0; i < linked; i++)
        {
            _objects[i].Unlink(_nodes[i]);
        }
    }
}
