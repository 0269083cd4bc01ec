namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>Compacts the heap again and again, from a thread of its own: what parked stacks refer to moves under them.</summary>
internal sealed class Compactor : IDisposable
{
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;

    public Compactor()
    {
        _thread = new Thread(() =>
        {
            while (!_stop.Wait(TimeSpan.FromMilliseconds(20)))
            {
                GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
            }
        })
        {
            IsBackground = true,
        };
        _thread.Start();
    }

    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _stop.Dispose();
    }
}
