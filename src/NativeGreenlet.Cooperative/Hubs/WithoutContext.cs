namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>While it lasts the thread has no <see cref="SynchronizationContext"/>: the continuations of what is begun
/// meanwhile need not come back to the hub.</summary>
internal readonly ref struct WithoutContext : IDisposable
{
    private readonly SynchronizationContext? _context;

    private WithoutContext(SynchronizationContext? context)
    {
        _context = context;
        if (context is not null)
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    public static WithoutContext Begin() => new(SynchronizationContext.Current);

    public void Dispose()
    {
        if (_context is not null)
        {
            SynchronizationContext.SetSynchronizationContext(_context);
        }
    }
}
