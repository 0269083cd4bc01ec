using System.Diagnostics;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Diagnostics;
using NativeGreenlet.Cooperative.Waiting;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Cooperative.Hubs;

/// <summary>The waits of .NET in tasks of a hub, which would block its thread: parks the tasks, or tells of them. In the hub's thread;
/// where greenlets are threads, in the task's.</summary>
internal sealed class BlockedWaits : IDisposable
{
    private const string WaitsFor = "a call that blocks";
    private const string OfSlices = "greenlets are slices of one stack, to which waits of the runtime refer";
    private const int LongestPause = 16; // milliseconds between two looks at what nobody else can wait for

    private readonly HubLoop _loop;
    private readonly WaitPlaces _places = new(); // that were told
    private readonly MonitorWaits? _monitors; // if Monitor.Wait is native here
    private readonly string? _obstacle; // why none can be parked in those
    private readonly string? _greaterObstacle; // why none can be parked at all
    private long _thrownIn = -1; // the slice (HubLoop.Switches) in which a wait ended by an exception, which the runtime may still carry

    private BlockedWaits(HubLoop loop)
    {
        _loop = loop;
        if (Mode == BlockingWaits.Park && GreenletRuntime.Backend == GreenletBackend.Segments)
        {
            _monitors = MonitorWaits.OfThisThread();
            _obstacle = _monitors is null && !MonitorWaits.AreManaged ? MonitorWaits.Obstacle ?? "the hub was made inside a wait of its thread" : null;
        }
        else if (GreenletRuntime.Backend == GreenletBackend.Slices)
        {
            _greaterObstacle = OfSlices;
        }
    }

    /// <summary>What of them is done for people.</summary>
    public static string Describe(HubLoop loop) => loop.Options.BlockingWaits switch
    {
        BlockingWaits.Block => "Waits of .NET block the thread.",
        _ when GreenletRuntime.Backend == GreenletBackend.Threads => "Waits of .NET block the thread, and are not told: every greenlet is a thread here.",
        BlockingWaits.Report => "Waits of .NET block the thread, and are told.",
        _ when GreenletRuntime.Backend == GreenletBackend.Slices => $"Waits of .NET block the thread, and are told: {OfSlices}.",
        _ when !MonitorWaits.AreManaged && MonitorWaits.Obstacle is { } obstacle => $"Waits of .NET park, but for those for a pulse of a monitor, which most of its classes use: {obstacle}.",
        _ => "Waits of .NET park.",
    };

    private BlockingWaits Mode => _loop.Options.BlockingWaits;

    /// <summary>Those of a hub, on its thread; null if nothing is done about them. Where greenlets are threads, one that hands over to
    /// another waits itself, and no task does.</summary>
    public static BlockedWaits? Of(HubLoop loop) => IsTold(loop.Options) ? new BlockedWaits(loop) : null;

    /// <summary>Whether the runtime has to tell of waits.</summary>
    public static bool IsTold(HubOptions options) => options.BlockingWaits != BlockingWaits.Block && GreenletRuntime.Backend != GreenletBackend.Threads;

    public void Dispose() => _monitors?.Dispose();

    /// <summary>Waits as the caller asked for, or not longer than it takes to know that it has to wait.</summary>
    /// <param name="handles">What for.</param>
    /// <param name="waitAll">Whether for all.</param>
    /// <param name="timeout">How long, in milliseconds.</param>
    /// <param name="context">The context of the caller. There is none now.</param>
    /// <param name="result">What to return to the runtime.</param>
    /// <returns>Whether that is all. If not, the thread has to block.</returns>
    public bool TryWait(nint[] handles, bool waitAll, int timeout, SynchronizationContext? context, out int result)
    {
        result = HubThreadContext.TimedOut;

        // Between Begin and Park, and in callbacks, nobody can park: the locks of this library are held for moments only.
        if (_loop.CurrentTask is not { } task || timeout == 0 || handles.Length == 0 || !task.Waiter.IsIdle || _loop.HasEnded)
        {
            return false;
        }

        // A native Monitor.Wait that an exception leaves has its lock again first, and may have to wait for that. The exception is then a
        // word of the thread (its last thrown object), which any other that is thrown and caught meanwhile takes away; the runtime
        // reads it afterwards, and would read through null. So nothing happens here that could throw.
        if (_thrownIn == _loop.Switches && _monitors is { IsInside: true, IsInWait: false })
        {
            BlockedWaitReports.CountBlocked();
            result = HubThreadContext.Block(handles, waitAll, timeout);
            return true;
        }

        bool isThrown = true;
        try
        {
            result = HubThreadContext.Block(handles, waitAll, 0);
            bool isOver = result != HubThreadContext.TimedOut || TryPark(task, handles, waitAll, timeout, context, Mode == BlockingWaits.Park ? Hindrance() : null, ref result);
            isThrown = false;
            return isOver;
        }
        finally
        {
            _thrownIn = isThrown ? _loop.Switches : -1;
        }
    }

    private bool TryPark(GreenTask task, nint[] handles, bool waitAll, int timeout, SynchronizationContext? context, string? reason, ref int result)
    {
        bool parks = Mode == BlockingWaits.Park && reason is null;
        Count(parks);
        if (!parks || _loop.Options.RefusesWaitsInLocks)
        {
            Report(task, reason, parks);
        }

        if (!parks)
        {
            return false;
        }

        bool isEvent = handles.Length == 1 && (_monitors?.IsInWait == true || WaitedHandle.IsNoMutex(handles[0]));
        result = isEvent ? ParkFor(task, handles[0], timeout, context) : ParkAndLook(task, handles, waitAll, timeout, context);
        return true;
    }

    private static void Count(bool parks)
    {
        if (parks)
        {
            BlockedWaitReports.CountParked();
        }
        else
        {
            BlockedWaitReports.CountBlocked();
        }
    }

    private string? Hindrance() =>
        _greaterObstacle is not null ? _greaterObstacle :
        _loop.Clock.IsSystem is false ? "the hub has a time of its own" :
        _monitors is { IsInside: true, IsInWait: false } || BlockedWaitReports.IsContention() ? "it waits for its turn to have a lock, whose owner is a thread" :
        _obstacle is not null && BlockedWaitReports.IsInMonitor() ? _obstacle : null;

    private void Report(GreenTask task, string? reason, bool parks)
    {
        if (parks)
        {
            StackTrace trace = new(2, fNeedFileInfo: false);
            if (LockFinder.IsInLock(trace))
            {
                throw new InvalidOperationException($"{BlockedWaitReports.CallOf(trace)} was called inside a lock: other tasks of the hub would enter it while this one is parked. Wait outside of the lock, or set HubOptions.{nameof(HubOptions.RefusesWaitsInLocks)} to false.");
            }
        }
        else if (BlockedWaitReports.TryReport(_loop.Hub, _places, reason, out string? call, out StackTrace? trace))
        {
            _loop.Hub.TellOfBlockingWait(new HubBlockingWaitEventArgs(task, call, reason, LockFinder.IsInLock(trace), trace));
        }
    }

    // One of the thread pool's threads waits for the handle, with many others.
    private int ParkFor(GreenTask task, nint handle, int timeout, SynchronizationContext? context)
    {
        using WaitedHandle borrowed = new(handle);
        Registration registration = new(task.Waiter, task.Waiter.Begin(WaitsFor));
        bool isRegistered = false;
        Exception? reason = null;
        try
        {
            registration.Register(borrowed, timeout);
            isRegistered = true;
        }
        finally
        {
            if (!isRegistered)
            {
                task.Waiter.Abandon();
            }
        }

        try
        {
            Park(task, long.MaxValue, context);
        }
        catch (Exception exception)
        {
            reason = exception;
        }

        // When this returns, nobody waits for the handle any more. It may be another's from then on.
        registration.End();
        if (reason is not null)
        {
            if (registration.Result != 0)
            {
                ExceptionDispatchInfo.Throw(reason);
            }

            task.ThrowLater(reason); // the signal is taken, and must not be lost
        }

        return registration.Result;
    }

    // A mutex belongs to the thread that has waited for it, and of several objects each is taken only with the others: nobody else can
    // wait for them.
    private int ParkAndLook(GreenTask task, nint[] handles, bool waitAll, int timeout, SynchronizationContext? context)
    {
        long start = _loop.Clock.Time;
        int pause = 1;
        while (true)
        {
            long left = timeout == Timeout.Infinite ? long.MaxValue : timeout - ((_loop.Clock.Time - start) / TimeSpan.TicksPerMillisecond);
            if (left <= 0)
            {
                return HubThreadContext.TimedOut;
            }

            task.Waiter.Begin(WaitsFor);
            Park(task, _loop.Clock.In(TimeSpan.FromMilliseconds(Math.Min(left, pause))), context);
            pause = Math.Min(pause * 2, LongestPause);
            int result = HubThreadContext.Block(handles, waitAll, 0);
            if (result != HubThreadContext.TimedOut)
            {
                return result;
            }
        }
    }

    private void Park(GreenTask task, long due, SynchronizationContext? context)
    {
        SynchronizationContext.SetSynchronizationContext(context); // that of the thread, for the tasks that go on
        try
        {
            if (_monitors is not null)
            {
                _monitors.Around(() => task.Waiter.Park(due, isExternal: true));
            }
            else
            {
                task.Waiter.Park(due, isExternal: true);
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    // What a thread of the pool does for one wait.
    private sealed class Registration(Waiter waiter, long version)
    {
        private RegisteredWaitHandle? _registered;
        private volatile int _result = -1;

        /// <summary>What the wait returns; -1 if it has not ended.</summary>
        public int Result => _result;

        public void Register(WaitHandle handle, int timeout) =>
            _registered = ThreadPool.UnsafeRegisterWaitForSingleObject(handle, static (registration, isUp) => ((Registration)registration!).Complete(isUp), this, timeout, executeOnlyOnce: true);

        // If it was over already, there is nothing to wait for.
        public void End()
        {
            if (_result >= 0)
            {
                _registered!.Unregister(null);
                return;
            }

            using ManualResetEvent isEnded = new(false);
            if (_registered!.Unregister(isEnded))
            {
                isEnded.WaitOne();
            }
        }

        private void Complete(bool isUp)
        {
            _result = isUp ? HubThreadContext.TimedOut : 0;
            waiter.TryWake(version, WakeReason.Signalled);
        }
    }
}
