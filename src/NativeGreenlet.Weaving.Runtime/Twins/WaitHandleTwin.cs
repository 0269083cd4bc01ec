using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Locks;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="WaitHandle"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(WaitHandle))]
[StackTraceHidden]
public static class WaitHandleTwin
{
    public static bool WaitOne(WaitHandle self) => WaitOne(self, Timeout.Infinite);

    public static bool WaitOne(WaitHandle self, int millisecondsTimeout) =>
        Parking.IsOriginal(millisecondsTimeout) ? self.WaitOne(millisecondsTimeout) : WaitInHub(self, Parking.Time(millisecondsTimeout));

    public static bool WaitOne(WaitHandle self, TimeSpan timeout) => Parking.IsOriginal(timeout) ? self.WaitOne(timeout) : WaitInHub(self, timeout);

    public static bool WaitOne(WaitHandle self, int millisecondsTimeout, bool exitContext) => WaitOne(self, millisecondsTimeout);

    public static bool WaitOne(WaitHandle self, TimeSpan timeout, bool exitContext) => WaitOne(self, timeout);

    public static bool WaitAll(WaitHandle[] waitHandles) => WaitAll(waitHandles, Timeout.Infinite);

    public static bool WaitAll(WaitHandle[] waitHandles, int millisecondsTimeout) =>
        Parking.IsOriginal(millisecondsTimeout) || HasMutex(waitHandles)
            ? WaitHandle.WaitAll(waitHandles, millisecondsTimeout)
            : Parking.Until(() => WaitHandle.WaitAll(waitHandles, 0), Parking.Time(millisecondsTimeout));

    public static bool WaitAll(WaitHandle[] waitHandles, TimeSpan timeout) =>
        Parking.IsOriginal(timeout) || HasMutex(waitHandles)
            ? WaitHandle.WaitAll(waitHandles, timeout)
            : Parking.Until(() => WaitHandle.WaitAll(waitHandles, 0), timeout);

    public static bool WaitAll(WaitHandle[] waitHandles, int millisecondsTimeout, bool exitContext) => WaitAll(waitHandles, millisecondsTimeout);

    public static bool WaitAll(WaitHandle[] waitHandles, TimeSpan timeout, bool exitContext) => WaitAll(waitHandles, timeout);

    public static int WaitAny(WaitHandle[] waitHandles) => WaitAny(waitHandles, Timeout.Infinite);

    public static int WaitAny(WaitHandle[] waitHandles, int millisecondsTimeout) =>
        Parking.IsOriginal(millisecondsTimeout) || HasMutex(waitHandles)
            ? WaitHandle.WaitAny(waitHandles, millisecondsTimeout)
            : AnyInHub(waitHandles, Parking.Time(millisecondsTimeout));

    public static int WaitAny(WaitHandle[] waitHandles, TimeSpan timeout) =>
        Parking.IsOriginal(timeout) || HasMutex(waitHandles) ? WaitHandle.WaitAny(waitHandles, timeout) : AnyInHub(waitHandles, timeout);

    public static int WaitAny(WaitHandle[] waitHandles, int millisecondsTimeout, bool exitContext) => WaitAny(waitHandles, millisecondsTimeout);

    public static int WaitAny(WaitHandle[] waitHandles, TimeSpan timeout, bool exitContext) => WaitAny(waitHandles, timeout);

    [GreenletTwin("SignalAndWait", IsStatic = true)]
    public static bool SignalAndWait(WaitHandle toSignal, WaitHandle toWaitOn) => SignalAndWait(toSignal, toWaitOn, Timeout.Infinite, exitContext: false);

    [GreenletTwin("SignalAndWait", IsStatic = true)]
    public static bool SignalAndWait(WaitHandle toSignal, WaitHandle toWaitOn, TimeSpan timeout, bool exitContext)
    {
        if (Parking.IsOriginal(timeout) || toSignal is null || toWaitOn is null)
        {
            return WaitHandle.SignalAndWait(toSignal!, toWaitOn!, timeout, exitContext);
        }

        Signal(toSignal);
        return WaitOne(toWaitOn, timeout);
    }

    [GreenletTwin("SignalAndWait", IsStatic = true)]
    public static bool SignalAndWait(WaitHandle toSignal, WaitHandle toWaitOn, int millisecondsTimeout, bool exitContext) =>
        Parking.IsOriginal(millisecondsTimeout)
            ? WaitHandle.SignalAndWait(toSignal, toWaitOn, millisecondsTimeout, exitContext)
            : SignalAndWait(toSignal, toWaitOn, Parking.Time(millisecondsTimeout), exitContext);

    // The original does it to whatever kind of handle; what it waits for here is there already.
    private static void Signal(WaitHandle handle)
    {
        if (handle is Mutex mutex)
        {
            MutexTwin.ReleaseMutex(mutex);
            return;
        }

        using ManualResetEvent isSet = new(true);
        WaitHandle.SignalAndWait(handle, isSet, 0, exitContext: false);
    }

    private static bool WaitInHub(WaitHandle handle, TimeSpan timeout) => handle is Mutex mutex
        ? GreenMonitor.TryEnter<MutexKind>(mutex, Hub.CurrentTaskOrNull!, timeout)
        : Handles.Wait(handle, timeout);

    private static int AnyInHub(WaitHandle[] handles, TimeSpan timeout)
    {
        int index = WaitHandle.WaitTimeout;
        Parking.Until(() => (index = WaitHandle.WaitAny(handles, 0)) != WaitHandle.WaitTimeout, timeout);
        return index;
    }

    // Which task has a mutex is known for one that is waited for alone.
    private static bool HasMutex(WaitHandle[] handles) => handles is not null && Array.Exists(handles, handle => handle is Mutex);
}
