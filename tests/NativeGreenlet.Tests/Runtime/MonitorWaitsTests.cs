using NativeGreenlet.Runtime;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>The words of a thread inside of <c>Monitor.Wait</c>. What parks there: <c>BlockingWaitTests</c> of the cooperative layer.</summary>
public class MonitorWaitsTests
{
    [Fact]
    public void They_are_found_or_there_are_none()
    {
        if (GreenletRuntime.Backend != GreenletBackend.Segments)
        {
            Assert.Contains("segments", MonitorWaits.Obstacle, StringComparison.Ordinal);
            Assert.False(MonitorWaits.AreManaged);
            return;
        }

        Assert.Null(MonitorWaits.Obstacle);
        Assert.Equal(Environment.Version.Major >= 11, MonitorWaits.AreManaged);
    }

    [Fact]
    public void What_a_wait_protects_stays_where_it_is_while_the_entries_are_away()
    {
        if (GreenletRuntime.Backend != GreenletBackend.Segments || MonitorWaits.AreManaged)
        {
            return;
        }

        Watcher? watcher = null;
        Thread thread = new(() =>
        {
            using MonitorWaits waits = MonitorWaits.OfThisThread()!;
            watcher = new Watcher(waits);
            Assert.False(waits.IsInside);
            SynchronizationContext.SetSynchronizationContext(watcher);
            for (int i = 0; i < 20; i++)
            {
                object monitor = new(); // the youngest object moves
                watcher.Monitor = monitor;
                lock (monitor)
                {
                    Monitor.Wait(monitor, 1);
                }
            }

            SynchronizationContext.SetSynchronizationContext(null);
            Assert.False(waits.IsInside);
        });
        thread.Start();
        thread.Join();
        Assert.Equal(20, watcher!.Count);
        Assert.Equal(0, watcher.Mistakes);
        Assert.True(watcher.HasSeenMonitor);
    }

    private sealed class Watcher : SynchronizationContext
    {
        private readonly MonitorWaits _waits;

        public Watcher(MonitorWaits waits)
        {
            _waits = waits;
            SetWaitNotificationRequired();
        }

        public int Count { get; private set; }

        public int Mistakes { get; private set; }

        public object? Monitor { get; set; }

        public bool HasSeenMonitor { get; private set; }

        public override int Wait(nint[] waitHandles, bool waitAll, int millisecondsTimeout)
        {
            SetSynchronizationContext(null);
            Count++;
            Mistakes += _waits is { IsInside: true, IsInWait: true } ? 0 : 1;
            object[] before = _waits.ProtectedReferences();
            HasSeenMonitor |= before.Contains(Monitor);
            _waits.Around(() =>
            {
                Mistakes += _waits.IsInside || _waits.ProtectedReferences().Any(each => each != _waits) ? 1 : 0;
                for (int i = 0; i < 3; i++)
                {
                    _ = new byte[1000];
                    GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
                }
            });
            Mistakes += _waits.IsInside && before.SequenceEqual(_waits.ProtectedReferences()) ? 0 : 1;
            SetSynchronizationContext(this);
            return WaitHelper(waitHandles, waitAll, millisecondsTimeout);
        }
    }
}
