namespace NativeGreenlet.Orleans.Turns;

/// <summary>Holds a thread of the pool while a slice runs in a hub.</summary>
internal sealed class Holder
{
    private readonly object _gate = new(); // a Lock cannot be waited for
    private bool _isReleased;

    /// <summary>Waits until the slice has run.</summary>
    public void Wait()
    {
        lock (_gate)
        {
            while (!_isReleased)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>It has, or will not.</summary>
    public void Release()
    {
        lock (_gate)
        {
            _isReleased = true;
            Monitor.Pulse(_gate);
        }
    }
}
