using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Diagnostics;
using NativeGreenlet.Interop;
using NativeGreenlet.Lifecycle;
using NativeGreenlet.Runtime;
using NativeGreenlet.Stacks;

namespace NativeGreenlet.Scheduling;

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
internal sealed unsafe partial class Carrier
{
    /// <summary>Every stack in a segment has at least so many bytes.</summary>
    public const nuint LeastReach = 1 << 17;

    private const int RecallEvery = 1024;

    [ThreadStatic]
    private static Carrier? t_current;

    private static Carrier? s_recent; // a guess at the caller's, which a look at its stack confirms; any thread's may be here

    private readonly Thread _thread = Thread.CurrentThread;
    private readonly KillQueue _kills = new();
    private readonly ActiveGreenlets _active = new();

    private delegate* unmanaged[Cdecl]<ng_carrier*, ng_greenlet*, uint, ng_status> _commit;
    private delegate*<ng_carrier*, ng_greenlet*, ulong> _direct = &Refuse;
    private delegate*<ng_carrier*, ng_greenlet*, ulong> _directEnd = &Refuse;
    private ng_carrier* _native;
    private nuint _stackTop; // the current greenlet's
    private Greenlet _current;

    // In flight from the side that leaves to the side that continues.
    private object? _value;
    private ExceptionDispatchInfo? _error;
    private Greenlet? _origin; // if there is an event, or the way out is a transition
    private GreenletCore? _ended;
    private ExecutionContext? _leftContext; // where stacks are threads; else it is the thread's own
    private GreenletCore? _reporting; // one that is continued only to tell where it is
    private volatile bool _isEventful; // something besides a value is in flight, someone listens, or stacks are threads
    private int _looked; // times that the guess was wrong
    private long _raisedByEndOf; // the start number of the greenlet whose end raised the last exception here; 0 for none

    private CarrierStacks? _stacks;
    private BatonThread? _afterExit;
    private StackTrace? _stackTrace;
    private GreenletTraceCallback? _tracer;
    private AbandonmentSentinel? _spareSentinel;
    private bool _logsSwitches;
    private volatile bool _hasExited;

    private Carrier()
    {
        Main = Greenlet.CreateMain(this);
        Current = Main;
    }

    /// <summary>The greenlet that the thread executes.</summary>
    public Greenlet Current
    {
        get => _current;

        [MemberNotNull(nameof(_current))]
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private set
        {
            _current = value;
            _stackTop = value.Core.StackTop;
        }
    }

    /// <summary>The greenlet that stands for the thread's own stack.</summary>
    public Greenlet Main { get; }

    /// <summary>Whether its thread is one of this library's, whose greenlets are in no figure of the program.</summary>
    public bool IsOfLibrary { get; } = FreezeCheck.IsRunning;

    public int ThreadId => _thread.ManagedThreadId;

    /// <summary>What the system calls its thread; 0 where that is not known.</summary>
    public ulong SystemThreadId { get; private set; }

    /// <summary>Whether its thread is known to have ended.</summary>
    public bool HasExited => _hasExited;

    /// <summary>Switches made on this thread so far.</summary>
    public long SwitchCount { get; private set; }

    /// <summary>The calling thread's carrier, if it is one.</summary>
    public static Carrier? OfThisThreadOrNull => t_current;

    /// <summary>The calling thread's carrier; it becomes one at the first use.</summary>
    public static Carrier OfThisThread => t_current ?? Create();

    /// <summary>The greenlet that the calling thread executes, after those that are to be killed. Where another than the main
    /// one calls, that its stack is the guessed carrier's tells it without thread-local data: most of the time of asking those
    /// is waiting for one word that leads to the next, and a guess is not waited for.</summary>
    public static Greenlet CurrentOfThisThread
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        [SkipLocalsInit]
        get
        {
            byte here;
            Carrier? guess = s_recent;
            if (guess is not null && guess._stackTop - (nuint)(&here) < LeastReach && !guess.HasKills)
            {
                return guess._current;
            }

            Carrier? carrier = t_current;
            return carrier is not null && carrier._stackTop == 0 && !carrier.HasKills ? carrier._current : LookUpCurrent();
        }
    }

    /// <summary>Whether this is the carrier of the calling thread, which tells the address of a variable on its stack. Finds
    /// out faster than by thread-local data where a greenlet other than the main one calls: a variable on the current
    /// greenlet's own stack is its thread's. On another thread, which may ask while this one switches, it is on none of the
    /// stacks that have been the current one's, or that stack has been given back before and the current one is another.
    /// The main greenlet's stack says nothing: when its thread has ended, it may be another thread's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsOfThisThread(void* here) => _stackTop - (nuint)here < LeastReach || this == t_current;

    /// <summary>Whether greenlets wait to be killed by this thread.</summary>
    public bool HasKills => _kills.HasAny;

    public GreenletTraceCallback? Tracer
    {
        get => _tracer;
        set
        {
            _tracer = value;
            _isEventful = IsAlwaysEventful;
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
    public long StartCount => _active.StartCount;

    /// <summary>Greenlets that have begun and not ended.</summary>
    public long LiveCount => _active.Count;

    /// <summary>Of those, the suspended ones: all but the current one.</summary>
    public long SuspendedCount => LiveCount - (Current.IsMain ? 0 : 1);

    public long PendingKillCount => _kills.Count;

    private bool IsAlwaysEventful => _tracer is not null || _logsSwitches || _native is null || _freezesAlways || _isFreezingDue;

    /// <summary>
    /// Continues a suspended greenlet, or one that <see cref="TryPrepareStart"/> made ready, with a value or an exception.
    /// Returns, or throws, what the current greenlet receives when it is continued in turn.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // each frame less on a parked stack is time less for every collection
    public object? Transfer(Greenlet target, object? value, ExceptionDispatchInfo? error)
    {
        GreenletCore self = Current.Core;
        ExecutionContext? context = ThreadContext.Of(_thread);
        if (context != self.Context) // nearly always the same: reading is cheaper than writing a reference
        {
            self.Context = context;
        }

        if (value is not null) // whoever continued last has left null here
        {
            _value = value;
        }

        if (error is not null)
        {
            _error = error;
            _isEventful = true;
        }

        if (_isEventful)
        {
            _origin = Current;
        }

        Current = target;
        GreenletCore to = target.Core;
        self.State = GreenletState.Suspended;
        to.State = GreenletState.Running;
        SwitchCount++;

        // After it the greenlet that was current before continues, some time later; or nothing happened yet. From here on
        // nothing may need the other's core: it would be alive for as long as this stack is parked, and with it its parent.
        if (_direct(_native, to.Native) != 0)
        {
            while (!TransferWithTransition(self) && _direct(_native, Current.Core.Native) != 0)
            {
            }
        }

        return Take(self);
    }

    /// <summary>As <see cref="Greenlet.Switch"/>, with no value, for a caller that knows its carrier.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public object? SwitchTo(Greenlet target)
    {
        GreenletCore core = target.Core;
        return core.Carrier == this && core.State == GreenletState.Suspended && !HasKills ? Transfer(target, null, null) : Greenlet.Dispatch(target, null, null);
    }

    public long StackBytesUsed(GreenletCore core) => _stacks?.BytesUsed(core) ?? 0;

    /// <summary>Whether its thread is alive.</summary>
    public bool IsThreadAlive => _thread.IsAlive;

    // The guess is changed rarely: all threads read it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Greenlet LookUpCurrent()
    {
        Carrier carrier = OfThisThread;
        if (carrier.HasKills)
        {
            carrier.DrainKills();
        }

        if (carrier._stackTop != 0 && carrier != s_recent && carrier._looked++ % RecallEvery == 0)
        {
            s_recent = carrier;
        }

        return carrier.Current;
    }

    private static Carrier Create()
    {
        Carrier carrier = new();
        CarrierRegistry.Add(carrier);
        t_current = carrier;
        BackendSelection.Publish();
        return carrier;
    }

    // The switch by a transition to native code, which can do all: apart, because a method with such a call prepares for it
    // whenever it is called. False if it is to be tried without a transition again, now that what was missing for that is there: by
    // the caller, because each frame between would cost every collection for as long as the stack is parked.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private bool TransferWithTransition(GreenletCore self)
    {
        if (Thaw(Current.Core))
        {
            return false;
        }

        GreenletCore to = Current.Core;
        _origin ??= PublicObject(self);
        if (_native is null)
        {
            _leftContext = ThreadContext.Current; // this greenlet's thread's, which need not be the carrier's
            self.Context = _leftContext;
        }

        ng_status status = _native is not null ? _commit(_native, to.Native, 0) : _stacks!.Switch(self, to, isFinal: false);
        while (status != ng_status.OK)
        {
            Recover(status);
            if (status == ng_status.NEED_RECORD)
            {
                return false;
            }

            status = _commit(_native, Current.Core.Native, 0); // stacks that are threads never refuse
        }

        return true;
    }

    // Gives this thread its stacks, on the first start of a greenlet: its own stack is the current one.
    [MemberNotNull(nameof(_stacks))]
    private void Attach()
    {
        if (_stacks is not null)
        {
            return;
        }

        FreezeSetting.Settle();
        if (BackendSelection.Instance.Bridge is not { } bridge)
        {
            _stacks = new ThreadStacks(this);
            _isEventful = true;
            return;
        }

        NativeStacks stacks = NativeStacks.Attach(BackendSelection.Instance.Backend, bridge, Main.Core);
        _stacks = stacks;
        _native = stacks.Native;
        SystemThreadId = stacks.SystemThreadId;
        _commit = stacks.Commit;
        _direct = stacks.Direct is var direct && direct is not null ? direct : &Refuse;
        _directEnd = stacks.DirectEnd is var end && end is not null ? end : &Refuse;
        PrepareToFreeze();
    }

    // The switch did nothing but say why. Does what it asks for, so that it can be tried again; or undoes what was done
    // for it.
    private void Recover(ng_status status)
    {
        try
        {
            if (_stacks!.TryRecover(status))
            {
                return;
            }
        }
        catch
        {
            UndoTransfer();
            throw;
        }

        // Undone before it is explained: to find out which method was called loads what its attributes are, and so may call
        // handlers of the program.
        UndoTransfer();
        throw _stacks.Refusal();
    }

    // Nothing else may refer to the greenlet that is left; while it has not been left it is to be neither collected nor killed.
    private Greenlet PublicObject(GreenletCore self) => self == Main.Core ? Main : (Greenlet)self.PublicObject.Target!;

    private void UndoTransfer()
    {
        if (_reporting is { } reporting)
        {
            reporting.State = GreenletState.Suspended;
            Current.Core.State = GreenletState.Running;
            _reporting = null;
            _isEventful = IsAlwaysEventful;
            return;
        }

        SwitchCount--;
        Greenlet target = Current;
        GreenletCore core = target.Core;
        Current = _origin!;
        Current.Core.State = GreenletState.Running;
        _origin = null;
        _value = null;
        _error = null;
        _isEventful = IsAlwaysEventful;
        if (core.HasBegun || core.IsMain)
        {
            core.State = GreenletState.Suspended;
        }
        else
        {
            _active.Remove(core);
            ReleasePark(core);
            ReleaseSentinel(target);
            _stacks!.Release(core);
            core.Carrier = null;
            core.State = GreenletState.Unstarted;
        }
    }

    // What the greenlet that continues does first: takes what is in flight, in its own execution context.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private object? Take(GreenletCore self)
    {
        if (_isEventful)
        {
            return TakeEventful();
        }

        object? value = _value;
        _value = null;
        _origin = null;
        ExecutionContext? mine = self.Context;
        if (mine != ThreadContext.Of(_thread))
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
        Greenlet? origin = _origin;
        _value = null;
        _error = null;
        _origin = null;
        _isEventful = IsAlwaysEventful;
        long endOf = 0;
        if (_ended is { } ended)
        {
            _ended = null;
            endOf = ended.StartNumber;
            _stacks!.Release(ended);
        }

        ExecutionContext? mine = Current.Core.Context;
        if (_native is null)
        {
            ContinueOnOwnThread(mine);
        }
        else if (mine != ThreadContext.Of(_thread))
        {
            ThreadContext.Replace(mine);
        }

        if (_freezesAlways || _isFreezingDue)
        {
            FreezeParked(origin?.Core);
        }

        if (_logsSwitches && origin is not null) // null if another thread asked for events on the way
        {
            GreenletEventSource.IfEnabled?.Switch(origin.ToString(), Current.ToString());
        }

        if (_tracer is { } tracer)
        {
            try
            {
                tracer(error is null ? GreenletTraceEvent.Switch : GreenletTraceEvent.Throw, origin!, Current);
            }
            catch
            {
                Tracer = null;
                _raisedByEndOf = endOf;
                throw;
            }
        }

        if (error is not null)
        {
            _raisedByEndOf = endOf; // only now: what ran above may have switched
            error.Throw();
        }

        return value;
    }

    // Where the stack is a thread: it never had the context of the side that left. Handlers of changed values are told the
    // very change from that one, as where both are one thread.
    private void ContinueOnOwnThread(ExecutionContext? mine)
    {
        if (_hasExited)
        {
            return; // unwinds on its own thread, in the context that it had; nothing was left for it
        }

        ThreadContext.Assume(_leftContext);
        ThreadContext.Replace(mine);
    }

    // In place of a switch without a transition, where there is none.
    private static ulong Refuse(ng_carrier* carrier, ng_greenlet* target) => 1;
}
