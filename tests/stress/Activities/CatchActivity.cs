using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace NativeGreenlet.Stress.Activities;

/// <summary>Pauses inside try, catch and finally blocks, of exceptions that are nested, thrown again, replaced, or raised
/// by the hardware.</summary>
internal sealed class CatchActivity : Activity
{
    public override string Name => "catch";

    public override int Weight => 10;

    public override bool AlwaysThrows => true;

    public override bool IsTransparent => true;

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        switch (actor.Random.Next(11))
        {
            case 0:
                TryAndCatch(actor, depth, stamp);
                break;
            case 1:
                FinallyWithout(actor, depth, stamp);
                break;
            case 2:
                FinallyWhileUnwinding(actor, depth, stamp);
                break;
            case 3:
                NestedInCatch(actor, depth, stamp);
                break;
            case 4:
                ThrownAgain(actor, depth, stamp);
                break;
            case 5:
                ReplacedInFinally(actor, depth, stamp);
                break;
            case 6:
                NullReference(actor, depth, stamp);
                break;
            case 7:
                DivideByZero(actor, depth, stamp);
                break;
            case 8:
                ThroughManyFrames(actor, depth, stamp, actor.Random.Next(1, 6));
                break;
            case 9:
                FinallyInsideCatch(actor, depth, stamp);
                break;
            default:
                LeavingLoops(actor, depth, stamp);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void TryAndCatch(Actor actor, int depth, int stamp)
    {
        Holdings holdings = new(stamp, stackalloc int[6]);
        try
        {
            actor.MayPause();
            holdings.Verify();
            Mishap.Throw(actor, stamp);
        }
        catch (Mishap mishap)
        {
            Cell inside = new(stamp);
            actor.Pause();
            mishap.Verify(stamp);
            holdings.Verify();
            actor.Descend(depth);
            Check.That(inside.Is(stamp));
            mishap.Verify(stamp);
        }

        actor.MayPause();
        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FinallyWithout(Actor actor, int depth, int stamp)
    {
        Holdings holdings = new(stamp, stackalloc int[6]);
        Cell cell = new(stamp);
        try
        {
            actor.Pause();
            holdings.Verify();
        }
        finally
        {
            Cell inside = new(stamp + 1L, cell);
            actor.Descend(depth);
            holdings.Verify();
            Check.That(inside.Is(stamp + 1L) && inside.Next == cell && cell.Is(stamp));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FinallyWhileUnwinding(Actor actor, int depth, int stamp)
    {
        Holdings holdings = new(stamp, stackalloc int[6]);
        Cell cell = new(stamp);
        try
        {
            try
            {
                Mishap.Throw(actor, stamp);
            }
            finally
            {
                Cell inside = new(stamp + 1L, cell);
                actor.Pause();
                holdings.Verify();
                actor.Descend(depth);
                Check.That(inside.Is(stamp + 1L) && inside.Next == cell && cell.Is(stamp));
            }
        }
        catch (Mishap mishap)
        {
            actor.Pause();
            mishap.Verify(stamp);
            holdings.Verify();
        }

        Check.That(cell.Is(stamp));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void NestedInCatch(Actor actor, int depth, int stamp)
    {
        Holdings holdings = new(stamp, stackalloc int[6]);
        try
        {
            try
            {
                Mishap.Throw(actor, stamp);
            }
            catch (Mishap first)
            {
                actor.MayPause();
                try
                {
                    Mishap.Throw(actor, stamp + 1);
                }
                catch (Mishap second)
                {
                    actor.Pause();
                    first.Verify(stamp);
                    second.Verify(stamp + 1);
                    holdings.Verify();
                    actor.Descend(depth);
                }

                actor.MayPause();
                first.Verify(stamp);
                Mishap.Throw(actor, stamp + 2);
            }
        }
        catch (Mishap third)
        {
            actor.Pause();
            third.Verify(stamp + 2);
            holdings.Verify();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrownAgain(Actor actor, int depth, int stamp)
    {
        Holdings holdings = new(stamp, stackalloc int[6]);
        bool keepsTrace = true;
        Mishap? original = null;
        try
        {
            try
            {
                Mishap.Throw(actor, stamp);
            }
            catch (Mishap mishap)
            {
                original = mishap;
                actor.Pause();
                mishap.Verify(stamp);
                holdings.Verify();
                actor.Figures.Exceptions++;
                switch (actor.Random.Next(3))
                {
                    case 0:
                        throw;
                    case 1:
                        ExceptionDispatchInfo.Throw(mishap);
                        break;
                    default:
                        keepsTrace = false;
#pragma warning disable CA2200 // on purpose: the other way to throw again
                        throw mishap;
#pragma warning restore CA2200
                }
            }
        }
        catch (Mishap mishap)
        {
            actor.Pause();
            Check.That(mishap == original);
            mishap.Verify(stamp);
            holdings.Verify();
            if (keepsTrace && actor.Once(4))
            {
                Check.That(mishap.StackTrace!.Contains(nameof(Mishap.Throw), StringComparison.Ordinal));
            }

            actor.Descend(depth);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReplacedInFinally(Actor actor, int depth, int stamp)
    {
        Holdings holdings = new(stamp, stackalloc int[6]);
        try
        {
            try
            {
                Mishap.Throw(actor, stamp);
            }
            finally
            {
                actor.Pause();
                holdings.Verify();
                Mishap.Throw(actor, stamp + 1);
            }
        }
        catch (Mishap mishap)
        {
            actor.Descend(depth);
            mishap.Verify(stamp + 1);
            holdings.Verify();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void NullReference(Actor actor, int depth, int stamp)
    {
        Holdings holdings = new(stamp, stackalloc int[6]);
        Cell? nothing = actor.Id < 0 ? new Cell(0) : null;
        try
        {
            try
            {
                actor.Figures.Exceptions++;
                nothing!.Stamp = 1;
            }
            finally
            {
                actor.MayPause();
                holdings.Verify();
            }
        }
        catch (NullReferenceException exception)
        {
            actor.Pause();
            Check.That(exception.StackTrace!.Contains(nameof(NullReference), StringComparison.Ordinal));
            holdings.Verify();
            actor.Descend(depth);
        }

        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DivideByZero(Actor actor, int depth, int stamp)
    {
        Cell cell = new(stamp);
        int zero = actor.Id < 0 ? 1 : 0;
        int quotient = 5;
        try
        {
            actor.Figures.Exceptions++;
            quotient = stamp / zero;
        }
        catch (DivideByZeroException)
        {
            actor.Descend(depth);
            Check.That(cell.Is(stamp));
        }

        Check.That(quotient == 5 && cell.Is(stamp));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThroughManyFrames(Actor actor, int depth, int stamp, int frames)
    {
        Cell cell = new(stamp);
        try
        {
            UnwoundFrame(actor, depth, stamp, frames);
            Check.Fail("an exception was lost");
        }
        catch (Mishap mishap)
        {
            mishap.Verify(stamp);
            actor.MayPause();
            Check.That(cell.Is(stamp));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void UnwoundFrame(Actor actor, int depth, int stamp, int frames)
    {
        Holdings holdings = new(stamp + frames, stackalloc int[4]);
        try
        {
            if (frames == 0)
            {
                actor.Descend(depth);
                Mishap.Throw(actor, stamp);
            }

            UnwoundFrame(actor, depth, stamp, frames - 1);
        }
        finally
        {
            actor.MayPause();
            holdings.Verify();
        }
    }

    // The handlers use locals of the method; paused in a finally, during the second pass of the exception that replaces
    // the one being handled.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void FinallyInsideCatch(Actor actor, int depth, int stamp)
    {
        Cell cell = new(stamp);
        string text = Holdings.Text(stamp);
        Cell other = new(stamp + 1L, cell);
        try
        {
            try
            {
                Mishap.Throw(actor, stamp);
            }
            catch (Mishap first)
            {
                try
                {
                    actor.MayPause();
                    Mishap.Throw(actor, stamp + 1);
                }
                finally
                {
                    actor.Pause();
                    Check.That(other.Next == cell && cell.Is(stamp) && text == Holdings.Text(stamp));
                    first.Verify(stamp);
                    actor.Descend(depth);
                }
            }
        }
        catch (Mishap second)
        {
            actor.Pause();
            second.Verify(stamp + 1);
            Check.That(other.Next == cell && other.Is(stamp + 1L));
        }

        Check.That(other.Next == cell && cell.Is(stamp) && text == Holdings.Text(stamp));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LeavingLoops(Actor actor, int depth, int stamp)
    {
        Holdings holdings = new(stamp, stackalloc int[6]);
        int handled = 0;
        for (int i = 0; i < 3; i++)
        {
            try
            {
                if (i == 1)
                {
                    actor.Descend(depth);
                    continue;
                }

                Mishap.Throw(actor, stamp + i);
            }
            catch (Mishap mishap)
            {
                actor.MayPause();
                mishap.Verify(stamp + i);
                holdings.Verify();
                handled++;
                continue;
            }
            finally
            {
                actor.MayPause();
                holdings.Verify();
            }
        }

        Check.That(handled == 2);
    }
}
