namespace NativeGreenlet.Servers;

/// <summary>Idle connections to the downstream service, the one used last first; the same for all servers.</summary>
internal sealed class ConnectionPool<T>
    where T : class
{
    private readonly Lock _lock = new();
    private readonly Stack<T> _idle = new();

    public T? TryTake()
    {
        lock (_lock)
        {
            return _idle.TryPop(out T? connection) ? connection : null;
        }
    }

    public void Return(T connection)
    {
        lock (_lock)
        {
            _idle.Push(connection);
        }
    }
}
