using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Diagnostics;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Core;

/// <summary>
/// An OS thread on which greenlets run: which one is current, what is in flight between two of them, and the switch.
/// Only its own thread uses it, except for the queue of greenlets to kill.
/// </summary>
/// <remarks>
/// What is in flight belongs to the transfer, not to a greenlet: the side that leaves sets it, the side that continues
/// takes it before any other code runs, so nothing that runs in between, a tracer or the start of a parent, can clobber
/// it. No local variable of a method that parks may refer to a <see cref="Greenlet"/> across the switch: it would keep
/// alive from a stack what only its users should keep alive.
/// </remarks>
[StackTraceHidden]
internal sealed unsafe class Carrier
{
    [ThreadStatic]
    private static Carrier? t_current;

    private readonly Thread _thread = Thread.CurrentThread;
    private readonly KillQueue _kills = new();
    private readonly Stack<GCHandle> _spareHandles = new();

    private delegate* unmanaged[Cdecl]<ng_carrier*, ng_greenlet*, uint, ng_status> _switch;
    private ng_carrier* _native;

    // In flight from the side that leaves to the side that continues.
    private object? _value;
    private ExceptionDispatchInfo? _error;
    private Greenlet? _origin;
    private GreenletCore? _ended;
    private ExecutionContext? _leftContext;
    private GreenletCore? _reporting; // one that is continued only to tell where it is
    private volatile bool _isEventful; // something besides a value is in flight, or someone listens

    private Stacks? _stacks;
    private BatonThread? _afterExit;
    private StackTrace? _stackTrace;
    private GreenletTraceCallback? _tracer;
    private GreenletCore? _firstActive;
    private AbandonmentSentinel? _spareSentinel;
    private bool _logsSwitches;
    private volatile bool _hasExited;

    private Carrier()
    {
        Main = Greenlet.CreateMain(this);
        Current = Main;
    }

    /// <summary>The greenlet that the thread executes.</summary>
    public Greenlet Current { get; private set; }

    /// <summary>The greenlet that stands for the thread's own stack.</summary>
    public Greenlet Main { get; }

    public int ThreadId => _thread.ManagedThreadId;

    /// <summary>Whether its thread is known to have ended.</summary>
    public bool HasExited => _hasExited;

    /// <summary>Switches made on this thread so far.</summary>
    public long SwitchCount { get; private set; }

    /// <summary>The calling thread's carrier, if it is one.</summary>
    public static Carrier? OfThisThreadOrNull => t_current;

    /// <summary>The calling thread's carrier; it becomes one at the first use.</summary>
    public static Carrier OfThisThread => t_current ?? Create();

    /// <summary>Whether greenlets wait to be killed by this thread.</summary>
    public bool HasKills => _kills.HasAny;

    public GreenletTraceCallback? Tracer
    {
        get => _tracer;
        set
        {
            _tracer = value;
            _isEventful = HasListener;
        }
    }

    /// <summary>Whether an event is written for each switch. Set by any thread.</summary>
    public bool LogsSwitches
    {
        set
        {
            _logsSwitches = value;
            _isEventful = true; // settles itself at the next switch
        }
    }

    /// <summary>Greenlets started so far.</summary>
    public long StartCount { get; private set; }

    /// <summary>Greenlets that have begun and not ended.</summary>
    public long LiveCount { get; private set; }

    /// <summary>Of those, the suspended ones: all but the current one.</summary>
    public long SuspendedCount => LiveCount - (Current.IsMain ? 0 : 1);

    public long PendingKillCount => _kills.Count;

    // What the side that left made the thread's context. A stack that is a thread of its own still has its own.
    private ExecutionContext? LeftContext => _native is not null ? _leftContext : ThreadContext.Current;

    private bool HasListener => _tracer is not null || _logsSwitches;

    /// <summary>Lets a greenlet be killed by this thread at its next use of the library. From any thread.</summary>
    public void EnqueueKill(Greenlet greenlet, bool isAbandoned)
    {
        if (!_hasExited)
        {
            _kills.Enqueue(greenlet, isAbandoned);
        }
    }

    /// <summary>
    /// Continues a suspended greenlet, or one that <see cref="TryPrepareStart"/> made ready, with a value or an exception.
    /// Returns, or throws, what the current greenlet receives when it is continued in turn.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public object? Transfer(Greenlet target, object? value, ExceptionDispatchInfo? error)
    {
        GreenletCore self = Current.Core;
        GreenletCore to = target.Core;
        ExecutionContext? context = _native is not null ? ThreadContext.Of(_thread) : ThreadContext.Current;
        if (context != _leftContext) // nearly always the same: reading is cheaper than writing a reference
        {
            _leftContext = context;
        }

        if (context != self.Context)
        {
            self.Context = context;
        }

        _value = value;
        if (error is not null)
        {
            _error = error;
            _isEventful = true;
        }

        _origin = Current;
        Current = target;
        self.State = GreenletState.Suspended;
        to.State = GreenletState.Running;
        SwitchCount++;
        ng_status status = _native is not null ? _switch(_native, to.Native, 0) : _stacks!.Switch(self, to, isFinal: false);

        // Here the greenlet that was current before continues, some time later; or nothing happened yet. The second try is
        // made from here as well: each frame between would cost every collection for as long as the stack is parked.
        while (status != ng_status.OK)
        {
            Recover(status);
            status = _switch(_native, Current.Core.Native, 0); // stacks that are threads never refuse
        }

        return Take();
    }

    /// <summary>Gives a greenlet that has not started its stack. It is bound to this thread from here on. False if another
    /// thread was faster: it adopted it, by re-parenting, and started it, or disposed of it.</summary>
    /// <exception cref="GreenletException">No stack can be had; the greenlet is as it was.</exception>
    public bool TryPrepareStart(Greenlet greenlet)
    {
        Attach();
        GreenletCore core = greenlet.Core;
        if (Interlocked.CompareExchange(ref core.Carrier, this, null) is not null)
        {
            return false;
        }

        if (!core.TryLeaveUnstarted(GreenletState.Running))
        {
            core.Carrier = null;
            return false;
        }

        try
        {
            _stacks.Create(core);
        }
        catch
        {
            core.State = GreenletState.Unstarted;
            core.Carrier = null;
            throw;
        }

        greenlet.ForgetRun();
        core.UnshareContextOfOtherThread();
        Activate(core, greenlet);
        AbandonmentSentinel sentinel = _spareSentinel ?? new AbandonmentSentinel();
        _spareSentinel = null;
        greenlet.Sentinel = sentinel;
        sentinel.Watch(greenlet);
        GreenletEventSource.IfEnabled?.Start(greenlet.ToString());
        return true;
    }

    /// <summary>Kills the greenlets that became unreachable or were disposed of by other threads. Their cleanup runs
    /// here, and whatever it does.</summary>
    public void DrainKills()
    {
        // One after the other, not one inside the other. Only in the victim itself: its cleanup may switch away and never
        // come back, and that must not keep the others alive.
        if (Current.Core.IsVictim)
        {
            return;
        }

        for (int count = _kills.Count; count > 0 && _kills.TryDequeue(out Greenlet? greenlet, out bool isAbandoned); count--)
        {
            GreenletCore victim = greenlet.Core;
            victim.IsVictim = true;
            try
            {
                KillQueued(greenlet, isAbandoned);
            }
            finally
            {
                victim.IsVictim = false;
            }
        }
    }

    /// <summary>Kills every greenlet that was started after a number of starts, the youngest first. One that survives its
    /// <see cref="GreenletExit"/> is reported and passed over.</summary>
    public void KillStartedAfter(long startCount)
    {
        long below = long.MaxValue;
        while (YoungestActive(startCount, below) is { } core)
        {
            if (core.PublicObject.Target is Greenlet greenlet)
            {
                KillQueued(greenlet, isAbandoned: false);
            }

            if (core.State != GreenletState.Dead)
            {
                below = core.StartNumber; // it survived: go on with those before it
            }
        }
    }

    /// <summary>
    /// Raises <see cref="GreenletExit"/> inside a suspended greenlet and returns when it has ended or switched back. For
    /// the duration its parent is the current greenlet (row 81).
    /// </summary>
    public void Kill(GreenletCore core, Greenlet greenlet, string message)
    {
        core.OwnParent = core.TreeParent;
        core.Parent = Current;
        try
        {
            _ = Transfer(greenlet, null, ExceptionDispatchInfo.Capture(new GreenletExit(message)));
        }
        finally
        {
            // Unless it was given another meanwhile, or another kill of it goes on.
            if (core.OwnParent is { } parent && core.Parent == Current)
            {
                core.Parent = parent;
                core.OwnParent = null;
            }
        }
    }

    /// <summary>The managed frames of a suspended greenlet of this thread: continues it for just long enough to look.
    /// <see cref="Current"/> stays what it is meanwhile.</summary>
    public StackTrace? Report(GreenletCore core)
    {
        _reporting = core;
        _isEventful = true;
        GreenletCore self = Current.Core;
        self.State = GreenletState.Suspended;
        core.State = GreenletState.Running;
        while (_stacks!.Switch(self, core, isFinal: false) is not ng_status.OK and ng_status status)
        {
            Recover(status);
        }

        StackTrace? trace = _stackTrace;
        _stackTrace = null;
        return trace;
    }

    /// <summary>Ends a carrier whose thread has ended: what is still suspended on it is dead at once, nothing of it
    /// runs any more, and its stacks are given back (row 85).</summary>
    public void Exit()
    {
        _hasExited = true;
        List<GreenletCore> suspended = [];
        while (_firstActive is { } core)
        {
            suspended.Add(core);
            Deactivate(core);
            core.State = GreenletState.Dead;
        }

        while (_spareHandles.TryPop(out GCHandle handle))
        {
            handle.Free();
        }

        Main.Core.State = GreenletState.Dead;
        _kills.Clear();
        _native = null;
        _stacks?.Detach(this, suspended);
    }

    /// <summary>Lets greenlets whose stacks are threads end by an exception, one after the other, although their carrier
    /// is gone. The caller stands in for it.</summary>
    public void UnwindAfterExit(IReadOnlyList<GreenletCore> suspended)
    {
        _afterExit = BatonThread.OfCaller();
        foreach (GreenletCore core in suspended)
        {
            Current = Main;
            _error = ExceptionDispatchInfo.Capture(new GreenletExit("The greenlet's thread has ended."));
            _origin = Main;
            _isEventful = true;
            core.Thread!.Give();
            _afterExit.Wait();
        }
    }

    /// <summary>Runs a greenlet that was given the calling thread for its stack.</summary>
    public void LiveOnThisThread()
    {
        t_current = this;
        Live();
        t_current = null;
        ThreadContext.Forget();
    }

    public long StackBytesUsed(GreenletCore core) => _stacks?.BytesUsed(core) ?? 0;

    /// <summary>Writes what it carries.</summary>
    public void Dump(TextWriter writer)
    {
        writer.WriteLine($"thread {ThreadId}: {LiveCount} live, {PendingKillCount} to be killed, current: {Current}");
        GreenletCore? core = _firstActive; // of another thread: it may change under us, so not longer than it was
        for (long i = LiveCount; core is not null && i > 0; i--, core = core.NextActive)
        {
            writer.WriteLine($"  {core.PublicObject.Target ?? "an unreachable greenlet"}, {core.StackBytesUsed} bytes of stack");
            if (this == t_current && core.State == GreenletState.Suspended)
            {
                writer.WriteLine(Report(core));
            }
        }
    }

    /// <summary>Whether its thread is alive.</summary>
    public bool IsThreadAlive => _thread.IsAlive;

    private static Carrier Create()
    {
        Carrier carrier = new();
        CarrierRegistry.Add(carrier);
        t_current = carrier;
        return carrier;
    }

    // Gives this thread its stacks, on the first start of a greenlet: its own stack is the current one.
    [MemberNotNull(nameof(_stacks))]
    private void Attach()
    {
        if (_stacks is not null)
        {
            return;
        }

        if (BackendSelection.Instance.Bridge is not { } bridge)
        {
            _stacks = new ThreadStacks(this);
            return;
        }

        NativeStacks stacks = NativeStacks.Attach(bridge, Main.Core);
        _stacks = stacks;
        _native = stacks.Native;
        _switch = stacks.SwitchPointer;
    }

    // The switch did nothing but say why. Does what it asks for, so that it can be tried again; or undoes what was done
    // for it.
    private void Recover(ng_status status)
    {
        try
        {
            _stacks!.Recover(status);
        }
        catch (GreenletException)
        {
            UndoTransfer();
            throw;
        }
    }

    private void UndoTransfer()
    {
        if (_reporting is { } reporting)
        {
            reporting.State = GreenletState.Suspended;
            Current.Core.State = GreenletState.Running;
            _reporting = null;
            _isEventful = HasListener;
            return;
        }

        Greenlet target = Current;
        GreenletCore core = target.Core;
        Current = _origin!;
        Current.Core.State = GreenletState.Running;
        _origin = null;
        _value = null;
        _error = null;
        _isEventful = HasListener;
        if (core.HasBegun || core.IsMain)
        {
            core.State = GreenletState.Suspended;
        }
        else
        {
            Deactivate(core);
            ReleaseSentinel(target);
            _stacks!.Release(core);
            core.Carrier = null;
            core.State = GreenletState.Unstarted;
        }
    }

    // What the greenlet that continues does first: takes what is in flight, in its own execution context.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private object? Take()
    {
        if (_isEventful)
        {
            return TakeEventful();
        }

        object? value = _value;
        _value = null;
        _origin = null;
        ExecutionContext? mine = Current.Core.Context;
        if (mine != LeftContext)
        {
            ThreadContext.Replace(mine);
        }

        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private object? TakeEventful()
    {
        while (_reporting is not null)
        {
            ReportBack();
        }

        object? value = _value;
        ExceptionDispatchInfo? error = _error;
        Greenlet origin = _origin!;
        _value = null;
        _error = null;
        _origin = null;
        _isEventful = HasListener;
        if (_ended is { } ended)
        {
            _ended = null;
            _stacks!.Release(ended);
        }

        ExecutionContext? mine = Current.Core.Context;
        if (mine != LeftContext)
        {
            ThreadContext.Replace(mine);
        }

        if (_logsSwitches)
        {
            GreenletEventSource.IfEnabled?.Switch(origin.ToString(), Current.ToString());
        }

        if (_tracer is { } tracer)
        {
            try
            {
                tracer(error is null ? GreenletTraceEvent.Switch : GreenletTraceEvent.Throw, origin, Current);
            }
            catch
            {
                Tracer = null;
                throw;
            }
        }

        error?.Throw();
        return value;
    }

    // Not a real switch: this greenlet was continued to tell where it is. Tells, and goes back.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private void ReportBack()
    {
        _stackTrace = new StackTrace(fNeedFileInfo: true);
        GreenletCore self = _reporting!;
        GreenletCore to = Current.Core;
        _reporting = null;
        _isEventful = HasListener;
        self.State = GreenletState.Suspended;
        to.State = GreenletState.Running;
        while (_stacks!.Switch(self, to, isFinal: false) is not ng_status.OK and ng_status status)
        {
            // There is no way but back. If that takes a record, the one that this stack had until now was just freed.
            if (status == ng_status.NEED_RECORD)
            {
                Thread.Yield();
            }
        }
    }

    /// <summary>The life of a greenlet, on its own stack. Returns only if that stack is a thread.</summary>
    public void Live()
    {
        GreenletCore core = Current.Core;
        core.HasBegun = true;
        object? result = RunBody(core, out ExceptionDispatchInfo? error);
        Finish(core, result, error);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private object? RunBody(GreenletCore core, out ExceptionDispatchInfo? error)
    {
        error = null;
        try
        {
            object? value = Take();
            Func<object?, object?> run = core.Run!;
            core.Run = null;
            return run(value);
        }
        catch (GreenletExit exit)
        {
            return exit; // a way to end, not an error
        }
        catch (Exception exception)
        {
            error = ExceptionDispatchInfo.Capture(exception);
            return null;
        }
    }

    // Ends the current greenlet: continues the nearest ancestor that can be, with the result or the exception.
    private void Finish(GreenletCore core, object? result, ExceptionDispatchInfo? error)
    {
        if (_afterExit is { } waiting)
        {
            core.Thread!.Heir = waiting; // there is nowhere to go
            return;
        }

        Greenlet next = NextAlive(core.Parent!, ref result, ref error);
        GreenletCore to = next.Core;

        ReleaseSentinel(Current);
        Deactivate(core);
        core.Run = null;
        core.State = GreenletState.Dead;
        GreenletEventSource.IfEnabled?.Death(Current.ToString());
        ExecutionContext? context = ThreadContext.Current;
        core.Context = context;
        _leftContext = context;
        _value = result;
        _error = error;
        _origin = Current;
        _ended = core;
        _isEventful = true;
        Current = next;
        to.State = GreenletState.Running;
        SwitchCount++;
        while (_stacks!.Switch(core, to, isFinal: true) == ng_status.RETRY)
        {
        }
    }

    // Climbs from a parent: dead ones are passed over, unstarted ones are started with a result, and die of an exception.
    private Greenlet NextAlive(Greenlet parent, ref object? result, ref ExceptionDispatchInfo? error)
    {
        Greenlet next = parent;
        while (true)
        {
            GreenletCore core = next.Core;
            GreenletState state = core.State; // before the carrier: whoever starts it is its carrier first
            if ((core.Carrier ?? Greenlet.Lineage(next)) != this)
            {
                // Re-parented behind our back to another thread's tree.
                error = ExceptionDispatchInfo.Capture(Greenlet.WrongThread(next, this));
                result = null;
                return Main;
            }

            switch (state)
            {
                case GreenletState.Suspended:
                    return next;

                case GreenletState.Dead:
                    next = core.Parent!;
                    break;

                default:
                    if (error is not null)
                    {
                        _ = next.TryEndUnstarted();
                        break;
                    }

                    try
                    {
                        if (next.ResolveRun() && TryPrepareStart(next))
                        {
                            return next;
                        }
                    }
                    catch (Exception exception)
                    {
                        error = ExceptionDispatchInfo.Capture(exception);
                        result = null;
                        next = core.Parent!;
                    }

                    break;
            }
        }
    }

    private void KillQueued(Greenlet greenlet, bool isAbandoned)
    {
        GreenletCore core = greenlet.Core;
        if (core.State == GreenletState.Running)
        {
            _kills.Enqueue(greenlet, isAbandoned); // it asks for itself; another greenlet will do it
            return;
        }

        if (greenlet.TryEndUnstarted() || core.State == GreenletState.Dead)
        {
            return;
        }

        GreenletEventSource.IfEnabled?.Kill(greenlet.ToString(), isAbandoned);

        try
        {
            Kill(core, greenlet, isAbandoned ? "Killing the greenlet because all references have vanished." : "Killing the greenlet because it was disposed of.");
        }
        catch (Exception exception)
        {
            if (core.State != GreenletState.Dead)
            {
                greenlet.Sentinel?.WatchAgain();
                throw; // not of the greenlet: its cleanup switched away, and this was thrown at the one that waits here
            }

            Greenlet.RaiseUnobservedException(greenlet, exception);
            return;
        }

        if (core.State != GreenletState.Dead)
        {
            greenlet.Sentinel?.WatchAgain();
            Greenlet.RaiseSwallowedExit(greenlet);
        }
    }

    // The list is in the order of starts, the youngest first; a killed greenlet may start others.
    private GreenletCore? YoungestActive(long above, long below)
    {
        GreenletCore? core = _firstActive;
        while (core is not null && core.StartNumber >= below)
        {
            core = core.NextActive;
        }

        return core is not null && core.StartNumber > above ? core : null;
    }

    private void ReleaseSentinel(Greenlet greenlet)
    {
        if (greenlet.Sentinel is { } sentinel)
        {
            sentinel.Watch(null);
            greenlet.Sentinel = null;
            _spareSentinel = sentinel.HasRun ? _spareSentinel : sentinel;
        }
    }

    private void Activate(GreenletCore core, Greenlet greenlet)
    {
        // Weak handles are dear to allocate and cheap to point elsewhere.
        if (_spareHandles.TryPop(out GCHandle handle))
        {
            handle.Target = greenlet;
        }
        else
        {
            handle = GCHandle.Alloc(greenlet, GCHandleType.WeakTrackResurrection);
        }

        core.PublicObject = handle;
        core.StartNumber = ++StartCount;
        core.NextActive = _firstActive;
        if (_firstActive is not null)
        {
            _firstActive.PreviousActive = core;
        }

        _firstActive = core;
        LiveCount++;
    }

    private void Deactivate(GreenletCore core)
    {
        GCHandle handle = core.PublicObject;
        handle.Target = null;
        core.PublicObject = default;
        _spareHandles.Push(handle);
        LiveCount--;
        if (core.PreviousActive is { } previous)
        {
            previous.NextActive = core.NextActive;
        }
        else
        {
            _firstActive = core.NextActive;
        }

        if (core.NextActive is { } next)
        {
            next.PreviousActive = core.PreviousActive;
        }

        core.PreviousActive = null;
        core.NextActive = null;
    }
}
