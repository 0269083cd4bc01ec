using System.Diagnostics;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Clients;

/// <summary>What shows that many clients who wait hold one thread: another task of the hub that goes on meanwhile, the
/// threads of the process, and where the tasks are parked.</summary>
internal sealed class Witness : IDisposable
{
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly int _threads = Threads();
    private readonly GreenTask _ticker;
    private int _ticks;

    public Witness()
    {
        _ticker = Hub.Spawn(() =>
        {
            while (true)
            {
                Hub.Sleep(TimeSpan.FromMilliseconds(1));
                _ticks++;
            }
        });
    }

    /// <summary>As soon as <paramref name="count"/> tasks wait inside a method of a library.</summary>
    public void Testify(int count, string method)
    {
        InHub.Until(() =>
        {
            using StringWriter dump = new();
            Hub.Current.Dump(dump);
            return dump.ToString().Split(method).Length - 1 == count;
        });
        int ticks = _ticks;
        while (_ticks < ticks + 20)
        {
            Hub.Yield(); // for ever, if the others kept the hub from going on
        }

        Assert.Equal(_thread, Environment.CurrentManagedThreadId);
        if (GreenletRuntime.Backend != GreenletBackend.Threads)
        {
            // Those that .NET has for its own I/O may have come.
            Assert.True(Threads() - _threads < count / 2, $"{Threads()} threads, and {_threads} before {count} clients waited");
        }

        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
    }

    /// <summary>Called by the clients' tasks.</summary>
    public void SeeThread()
    {
        if (GreenletRuntime.Backend != GreenletBackend.Threads)
        {
            Assert.Equal(_thread, Environment.CurrentManagedThreadId);
        }
    }

    public void Dispose() => _ticker.Kill();

    private static int Threads()
    {
        using Process self = Process.GetCurrentProcess();
        return self.Threads.Count;
    }
}
