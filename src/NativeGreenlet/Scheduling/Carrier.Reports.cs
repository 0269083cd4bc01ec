using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Scheduling;

/// <content>Writes what the carrier's suspended greenlets are doing into dumps and stack traces.</content>
internal sealed unsafe partial class Carrier
{
    /// <summary>The managed frames of a suspended greenlet of this thread: continues it for just long enough to look.
    /// <see cref="Current"/> stays what it is meanwhile.</summary>
    public StackTrace? Report(GreenletCore core)
    {
        _reporting = core;
        _isEventful = true;
        GreenletCore self = Current.Core;
        self.State = GreenletState.Suspended;
        core.State = GreenletState.Running;
        _ = Thaw(core);
        while (_stacks!.Switch(self, core, isFinal: false) is not ng_status.OK and ng_status status)
        {
            Recover(status);
        }

        StackTrace? trace = _stackTrace;
        _stackTrace = null;
        return trace;
    }

    // Not a real switch: this greenlet was continued to tell where it is. Tells, and goes back.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private void ReportBack()
    {
        _stackTrace = new StackTrace(fNeedFileInfo: true);
        GreenletCore self = _reporting!;
        GreenletCore to = Current.Core;
        _reporting = null;
        _isEventful = IsAlwaysEventful;
        self.State = GreenletState.Suspended;
        to.State = GreenletState.Running;
        _ = Thaw(to);
        while (_stacks!.Switch(self, to, isFinal: false) is not ng_status.OK and ng_status status)
        {
            // There is no way but back. If that takes a record, the one that this stack had until now was just freed.
            if (status == ng_status.NEED_RECORD)
            {
                Thread.Yield();
            }
        }
    }

    /// <summary>Its greenlets that have begun and not ended, and the main one if that is suspended. For another thread: as of a moment
    /// ago, and it may change meanwhile.</summary>
    public IReadOnlyList<GreenletCore> Seen()
    {
        List<GreenletCore> seen = Main.Core.State == GreenletState.Suspended ? [Main.Core] : [];
        GreenletCore? core = _active.Youngest;
        for (long i = LiveCount; core is not null && i > 0; i--, core = core.NextActive)
        {
            seen.Add(core);
        }

        return seen;
    }

    /// <summary>Writes what it carries.</summary>
    public void Dump(TextWriter writer)
    {
        writer.WriteLine($"thread {ThreadId}: {LiveCount} live, {PendingKillCount} to be killed, current: {Current}");
        GreenletCore? core = _active.Youngest; // of another thread: it may change under us, so not longer than it was
        for (long i = LiveCount; core is not null && i > 0; i--, core = core.NextActive)
        {
            writer.WriteLine($"  {core.PublicObject.Target ?? "an unreachable greenlet"}, {core.StackBytesUsed} bytes of stack");
            if (this == t_current && core.State == GreenletState.Suspended)
            {
                writer.WriteLine(Report(core));
            }
        }
    }
}
