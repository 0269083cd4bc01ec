using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Diagnostics;

namespace NativeGreenlet.Scheduling;

/// <content>Killing greenlets: at once, or those that wait for it.</content>
internal sealed unsafe partial class Carrier
{
    /// <summary>Lets a greenlet be killed by this thread at its next use of the library. From any thread.</summary>
    public void EnqueueKill(Greenlet greenlet, bool isAbandoned)
    {
        if (!_hasExited)
        {
            _kills.Enqueue(greenlet, isAbandoned);
        }
    }

    /// <summary>Lets this thread do something at its next use of the library: look at its greenlets. It must not throw, nor run code of
    /// the program. From any thread.</summary>
    public void Ask(Action question)
    {
        if (!_hasExited)
        {
            _kills.Ask(question);
        }
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

        _kills.TakeQuestion()?.Invoke();
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
        while (_active.YoungestBetween(startCount, below) is { } core)
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
    /// the duration its parent is the current greenlet.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // parks
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
        long switches = SwitchCount;
        try
        {
            Kill(core, greenlet, isAbandoned ? "Killing the greenlet because all references have vanished." : "Killing the greenlet because it was disposed of.");
        }
        catch (Exception exception)
        {
            if (SwitchCount == switches)
            {
                _kills.Enqueue(greenlet, isAbandoned); // for want of a thread record it was not even reached: another time
                return;
            }

            // Its cleanup may have switched away, and this was thrown at the one that waits here; it may even have ended
            // meanwhile, at somebody else's.
            if (core.State != GreenletState.Dead || _raisedByEndOf != core.StartNumber)
            {
                greenlet.Sentinel?.WatchAgain();
                throw;
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
}
