using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Locks;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the methods of <see cref="ReaderWriterLockSlim"/> in woven code. The lock belongs to the task inside a hub, to the thread
/// outside; code that is not woven does not see who is in it.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(ReaderWriterLockSlim))]
[StackTraceHidden]
public static class ReaderWriterLockSlimTwin
{
    public static void EnterReadLock(ReaderWriterLockSlim self) => TryEnter(self, ReaderWriterMode.Read, Timeout.InfiniteTimeSpan);

    public static bool TryEnterReadLock(ReaderWriterLockSlim self, TimeSpan timeout) =>
        Parking.IsValid(timeout) ? TryEnter(self, ReaderWriterMode.Read, timeout) : self.TryEnterReadLock(timeout);

    public static bool TryEnterReadLock(ReaderWriterLockSlim self, int millisecondsTimeout) =>
        millisecondsTimeout >= Timeout.Infinite ? TryEnter(self, ReaderWriterMode.Read, Parking.Time(millisecondsTimeout)) : self.TryEnterReadLock(millisecondsTimeout);

    public static void ExitReadLock(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).Exit(ReaderWriterMode.Read);

    public static void EnterUpgradeableReadLock(ReaderWriterLockSlim self) => TryEnter(self, ReaderWriterMode.Upgradeable, Timeout.InfiniteTimeSpan);

    public static bool TryEnterUpgradeableReadLock(ReaderWriterLockSlim self, TimeSpan timeout) =>
        Parking.IsValid(timeout) ? TryEnter(self, ReaderWriterMode.Upgradeable, timeout) : self.TryEnterUpgradeableReadLock(timeout);

    public static bool TryEnterUpgradeableReadLock(ReaderWriterLockSlim self, int millisecondsTimeout) =>
        millisecondsTimeout >= Timeout.Infinite ? TryEnter(self, ReaderWriterMode.Upgradeable, Parking.Time(millisecondsTimeout)) : self.TryEnterUpgradeableReadLock(millisecondsTimeout);

    public static void ExitUpgradeableReadLock(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).Exit(ReaderWriterMode.Upgradeable);

    public static void EnterWriteLock(ReaderWriterLockSlim self) => TryEnter(self, ReaderWriterMode.Write, Timeout.InfiniteTimeSpan);

    public static bool TryEnterWriteLock(ReaderWriterLockSlim self, TimeSpan timeout) =>
        Parking.IsValid(timeout) ? TryEnter(self, ReaderWriterMode.Write, timeout) : self.TryEnterWriteLock(timeout);

    public static bool TryEnterWriteLock(ReaderWriterLockSlim self, int millisecondsTimeout) =>
        millisecondsTimeout >= Timeout.Infinite ? TryEnter(self, ReaderWriterMode.Write, Parking.Time(millisecondsTimeout)) : self.TryEnterWriteLock(millisecondsTimeout);

    public static void ExitWriteLock(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).Exit(ReaderWriterMode.Write);

    [GreenletTwin("get_IsReadLockHeld")]
    public static bool IsReadLockHeld(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).DepthOf(ReaderWriterMode.Read) > 0;

    [GreenletTwin("get_IsUpgradeableReadLockHeld")]
    public static bool IsUpgradeableReadLockHeld(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).DepthOf(ReaderWriterMode.Upgradeable) > 0;

    [GreenletTwin("get_IsWriteLockHeld")]
    public static bool IsWriteLockHeld(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).DepthOf(ReaderWriterMode.Write) > 0;

    [GreenletTwin("get_RecursiveReadCount")]
    public static int RecursiveReadCount(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).DepthOf(ReaderWriterMode.Read);

    [GreenletTwin("get_RecursiveUpgradeCount")]
    public static int RecursiveUpgradeCount(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).DepthOf(ReaderWriterMode.Upgradeable);

    [GreenletTwin("get_RecursiveWriteCount")]
    public static int RecursiveWriteCount(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).DepthOf(ReaderWriterMode.Write);

    [GreenletTwin("get_CurrentReadCount")]
    public static int CurrentReadCount(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).ReaderCount;

    [GreenletTwin("get_WaitingReadCount")]
    public static int WaitingReadCount(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).WaitingCount(ReaderWriterMode.Read);

    [GreenletTwin("get_WaitingUpgradeCount")]
    public static int WaitingUpgradeCount(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).WaitingCount(ReaderWriterMode.Upgradeable);

    [GreenletTwin("get_WaitingWriteCount")]
    public static int WaitingWriteCount(ReaderWriterLockSlim self) => GreenReaderWriter.Of(self).WaitingCount(ReaderWriterMode.Write);

    private static bool TryEnter(ReaderWriterLockSlim self, ReaderWriterMode mode, TimeSpan timeout)
    {
        long start = Stopwatch.GetTimestamp();
        if (!IsOpen(self))
        {
            if (!(Hub.IsInside ? Parking.Until(() => IsOpen(self), timeout) : IsOpenIn(self, timeout)))
            {
                return false;
            }

            TimeSpan left = timeout - Stopwatch.GetElapsedTime(start);
            timeout = timeout == Timeout.InfiniteTimeSpan ? timeout : left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }

        return GreenReaderWriter.Of(self).TryEnter(mode, timeout);
    }

    // Refuses a lock that is disposed of, and waits for code that is not woven and writes.
    private static bool IsOpen(ReaderWriterLockSlim self) => IsOpenIn(self, TimeSpan.Zero);

    private static bool IsOpenIn(ReaderWriterLockSlim self, TimeSpan timeout)
    {
        bool isOpen = self.TryEnterReadLock(timeout);
        if (isOpen)
        {
            self.ExitReadLock();
        }

        return isOpen;
    }
}
