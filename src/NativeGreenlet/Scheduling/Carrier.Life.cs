using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Diagnostics;
using NativeGreenlet.Interop;
using NativeGreenlet.Lifecycle;
using NativeGreenlet.Stacks;

namespace NativeGreenlet.Scheduling;

/// <content>How greenlets start and end on it, and how it ends itself.</content>
internal sealed unsafe partial class Carrier
{
    /// <summary>Gives a greenlet that has not started its stack. It is bound to this thread from here on. False if another
    /// thread was faster: it adopted it, by re-parenting, and started it, or disposed of it.</summary>
    /// <exception cref="GreenletException">No stack can be had; the greenlet is as it was.</exception>
    public bool TryPrepareStart(Greenlet greenlet)
    {
        Debug.Assert(this == t_current);
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
        _active.Add(core, greenlet);
        WatchPark(core);
        AbandonmentSentinel sentinel = _spareSentinel ?? new AbandonmentSentinel();
        _spareSentinel = null;
        greenlet.Sentinel = sentinel;
        sentinel.Watch(greenlet);
        GreenletEventSource.IfEnabled?.Start(greenlet.ToString());
        return true;
    }

    /// <summary>What a greenlet is to run, for its stack's bottom frame to call: so nothing else of ours stays on the stack
    /// while it lives. It is called with what <see cref="Begin"/> returns.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static Func<object?, object?> TakeBody()
    {
        GreenletCore core = t_current!.Current.Core;
        core.HasBegun = true;
        Func<object?, object?> run = core.Run!;
        core.Run = null;
        return run;
    }

    /// <summary>What a greenlet does first on its own stack: takes what it was started with. Not by an out parameter: that
    /// would stay on the stack, too.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static object? Begin()
    {
        Carrier carrier = t_current!;
        return carrier.Take(carrier.Current.Core);
    }

    /// <summary>What has come of a body that threw: <see cref="GreenletExit"/> is a way to end, not an error.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static object? Caught(Exception exception, out ExceptionDispatchInfo? error)
    {
        error = exception is GreenletExit ? null : ExceptionDispatchInfo.Capture(exception);
        return error is null ? exception : null;
    }

    /// <summary>The last act of a greenlet on a stack of ours, with what has come of its body. Does not return.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void End(object? result, ExceptionDispatchInfo? error)
    {
        Carrier carrier = t_current!;
        carrier.Finish(carrier.Current.Core, result, error);
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
        Debug.Assert(to.State is GreenletState.Suspended or GreenletState.Running && to.Carrier == this);

        ReleaseSentinel(Current);
        Current.Locals = null;
        _active.Remove(core);
        ReleasePark(core);
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
        if (_directEnd(_native, to.Native) != 0)
        {
            if (Thaw(to))
            {
                _ = _directEnd(_native, to.Native); // or it is to be done with a transition
            }

            while (_stacks!.Switch(core, to, isFinal: true) == ng_status.RETRY)
            {
            }
        }
    }

    /// <summary>Says what a value or an exception for a greenlet does. Gives an unstarted one its stack for a value, after what it
    /// is to run was looked up; ends it for an exception.</summary>
    /// <param name="target">The greenlet.</param>
    /// <param name="hasError">Whether an exception is on its way, not a value.</param>
    /// <param name="needsBody">Whether what it is to run is looked up for an exception, too: as <see cref="Greenlet.Throw(Exception?)"/>
    /// does, and the end of a child does not.</param>
    /// <exception cref="GreenletException">It cannot be started; it is as it was.</exception>
    /// <exception cref="Exception">What the lookup of its body threw.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // as Greenlet.Dispatch: unoptimized code would keep `target` alive
    public Resolution Resolve(Greenlet target, bool hasError, bool needsBody)
    {
        Debug.Assert(this == t_current); // its state is its thread's own
        while (true)
        {
            GreenletCore core = target.Core;
            GreenletState state = core.State; // before the carrier: whoever starts it is its carrier first
            if ((core.Carrier ?? Greenlet.Lineage(target)) != this)
            {
                return Resolution.WrongThread;
            }

            switch (state)
            {
                case GreenletState.Suspended:
                    return Resolution.Continue;

                case GreenletState.Running:
                    return Resolution.Current;

                case GreenletState.Dead:
                    return Resolution.Dead;

                default:
                    // Whatever happens meanwhile, it is looked at again: to look up the body may switch, and so may another thread
                    // have started the greenlet.
                    if ((needsBody || !hasError) && !target.ResolveRun())
                    {
                        break;
                    }

                    if (hasError)
                    {
                        _ = target.TryEndUnstarted(); // it will never run; dead, it passes the exception on
                    }
                    else if (TryPrepareStart(target))
                    {
                        return Resolution.Continue;
                    }

                    break;
            }
        }
    }

    // Climbs from the parent of the greenlet that ends: dead ones are passed over.
    private Greenlet NextAlive(Greenlet parent, ref object? result, ref ExceptionDispatchInfo? error)
    {
        Greenlet next = parent;
        while (true)
        {
            try
            {
                switch (Resolve(next, error is not null, needsBody: false))
                {
                    case Resolution.Continue:
                        return next;

                    case Resolution.WrongThread: // re-parented behind our back to another thread's tree
                        error = ExceptionDispatchInfo.Capture(Greenlet.WrongThread(next, this));
                        result = null;
                        return Main;

                    case Resolution.Current: // another thread was about to start it, and could not
                        continue;

                    default:
                        break;
                }
            }
            catch (Exception exception)
            {
                error = ExceptionDispatchInfo.Capture(exception);
                result = null;
            }

            next = next.Core.Parent!;
        }
    }

    /// <summary>Ends a carrier whose thread has ended: what is still suspended on it is dead at once, nothing of it
    /// runs any more, and its stacks are given back.</summary>
    public void Exit()
    {
        _hasExited = true;
        Current = Main; // no stack is this carrier's any more, before any becomes another's
        _ = Interlocked.CompareExchange(ref s_recent, null, this);
        List<GreenletCore> suspended = _active.Clear();
        suspended.ForEach(core => core.State = GreenletState.Dead);

        Main.Core.State = GreenletState.Dead;
        _kills.Clear();
        _native = null;
        _direct = &Refuse;
        _directEnd = &Refuse;
        _parked = null;
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

    /// <summary>Runs a greenlet that was given the calling thread for its stack. Optimized from the first call: unoptimized
    /// code would keep the body while it runs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void LiveOnThisThread()
    {
        t_current = this;
        GreenletCore core = Current.Core; // it may end after its carrier, when nothing is current
        object? result;
        ExceptionDispatchInfo? error = null;
        try
        {
            result = TakeBody()(Begin());
        }
        catch (Exception exception)
        {
            result = Caught(exception, out error);
        }

        Finish(core, result, error);
        t_current = null;
        ThreadContext.Forget();
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
}
