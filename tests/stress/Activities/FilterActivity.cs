using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stress.Activities;

/// <summary>
/// Pauses inside exception filters: in the first pass of an exception, while the frames between the throw and the filter
/// are still there. Nothing throws inside a filter, because plain .NET does not survive that under a collector's pressure.
/// </summary>
internal sealed class FilterActivity : Activity
{
    public override string Name => "filters";

    public override int Weight => 8;

    public override bool AlwaysThrows => true;

    public override void Play(Actor actor, int depth)
    {
        int stamp = actor.Stamp();
        switch (actor.Random.Next(8))
        {
            case 0:
                Accepted(actor, depth, stamp);
                break;
            case 1:
                Rejected(actor, depth, stamp);
                break;
            case 2:
                ReplacedInCatch(actor, depth, stamp);
                break;
            case 3:
                ReplacedInCatchWithFinally(actor, depth, stamp);
                break;
            case 4:
                FinallyBelow(actor, depth, stamp);
                break;
            case 5:
                SeveralFilters(actor, depth, stamp, actor.Random.Next(1, 4), isOutermost: true);
                break;
            case 6:
                DeeperBeforeAndAfter(actor, depth, stamp);
                break;
            default:
                OutOfLambda(actor, depth, stamp);
                break;
        }
    }

    /// <summary>The filter of every variant.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Filter(Actor actor, int depth, Mishap mishap, int stamp, Cell held, bool accepts)
    {
        actor.EnterFilter();
        Cell inside = new(stamp, held);
        actor.Pause();
        Check.That(inside.Is(stamp) && inside.Next == held && held.Is(stamp));
        mishap.Verify(mishap.Stamp);
        if (actor.Once(2))
        {
            actor.Descend(depth);
            Check.That(inside.Is(stamp) && inside.Next == held && held.Is(stamp));
        }

        actor.LeaveFilter();
        return accepts;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Accepted(Actor actor, int depth, int stamp)
    {
        Holdings holdings = new(stamp, stackalloc int[6]);
        Cell held = new(stamp);
        try
        {
            ThrowWithHoldings(actor, stamp);
        }
        catch (Mishap mishap) when (Filter(actor, depth, mishap, stamp, held, accepts: true))
        {
            actor.MayPause();
            mishap.Verify(stamp);
            holdings.Verify();
        }

        Check.That(held.Is(stamp));
        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Rejected(Actor actor, int depth, int stamp)
    {
        Holdings holdings = new(stamp, stackalloc int[6]);
        Cell held = new(stamp);
        try
        {
            try
            {
                ThrowWithHoldings(actor, stamp);
            }
            catch (Mishap mishap) when (Filter(actor, depth, mishap, stamp, held, accepts: false))
            {
                Check.Fail("a filter's answer was lost");
            }
            finally
            {
                actor.MayPause();
                holdings.Verify();
            }
        }
        catch (Mishap mishap)
        {
            actor.Pause();
            mishap.Verify(stamp);
            Check.That(held.Is(stamp));
            holdings.Verify();
        }
    }

    // Outer filter for an exception that was thrown while another is being handled.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ReplacedInCatch(Actor actor, int depth, int stamp)
    {
        Cell held = new(stamp);
        string text = Holdings.Text(stamp);
        Cell other = new(stamp + 1L, held);
        try
        {
            try
            {
                Mishap.Throw(actor, stamp);
            }
            catch (Mishap first)
            {
                Mishap.Throw(actor, stamp + 1);
                GC.KeepAlive(first);
            }
        }
        catch (Mishap second) when (Filter(actor, depth, second, stamp, held, accepts: true))
        {
            actor.Pause();
            second.Verify(stamp + 1);
            Check.That(other.Next == held && text == Holdings.Text(stamp));
        }

        Check.That(other.Next == held && held.Is(stamp) && text == Holdings.Text(stamp));
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ReplacedInCatchWithFinally(Actor actor, int depth, int stamp)
    {
        Cell held = new(stamp);
        string text = Holdings.Text(stamp);
        Cell other = new(stamp + 1L, held);
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
                    Mishap.Throw(actor, stamp + 1);
                }
                finally
                {
                    actor.Pause();
                    Check.That(other.Next == held && held.Is(stamp) && text == Holdings.Text(stamp));
                    first.Verify(stamp);
                }
            }
        }
        catch (Mishap second) when (Filter(actor, depth, second, stamp, held, accepts: true))
        {
            actor.Pause();
            second.Verify(stamp + 1);
            Check.That(other.Next == held && text == Holdings.Text(stamp));
        }

        Check.That(other.Next == held && held.Is(stamp) && text == Holdings.Text(stamp));
    }

    // Locals that are used only after the try statement, and in a finally between the throw and the filter.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void FinallyBelow(Actor actor, int depth, int stamp)
    {
        Cell held = new(stamp);
        string text = Holdings.Text(stamp);
        Cell other = new(stamp + 1L, held);
        try
        {
            ThrowThroughFinally(actor, stamp);
        }
        catch (Mishap mishap) when (Filter(actor, depth, mishap, stamp, held, accepts: true))
        {
            actor.Pause();
        }

        Check.That(other.Next == held && held.Is(stamp) && text == Holdings.Text(stamp));
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ThrowThroughFinally(Actor actor, int stamp)
    {
        Cell cell = new(stamp + 5L);
        Cell other = new(stamp + 6L, cell);
        try
        {
            Mishap.Throw(actor, stamp);
        }
        finally
        {
            actor.Pause();
            Check.That(other.Next == cell && cell.Is(stamp + 5L) && other.Is(stamp + 6L));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void SeveralFilters(Actor actor, int depth, int stamp, int rejections, bool isOutermost)
    {
        Holdings holdings = new(stamp, stackalloc int[6]);
        Cell held = new(stamp);
        try
        {
            if (rejections == 0)
            {
                ThrowWithHoldings(actor, stamp);
            }
            else
            {
                SeveralFilters(actor, depth, stamp, rejections - 1, isOutermost: false);
            }
        }
        catch (Mishap mishap) when (Filter(actor, depth, mishap, stamp, held, accepts: isOutermost))
        {
            mishap.Verify(stamp);
            actor.Pause();
            holdings.Verify();
            return;
        }
        finally
        {
            actor.MayPause();
            holdings.Verify();
            Check.That(held.Is(stamp));
        }

        Check.Fail("an exception was lost");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DeeperBeforeAndAfter(Actor actor, int depth, int stamp)
    {
        Cell held = new(stamp);
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
                    actor.Descend(depth);
                    ThrowWithHoldings(actor, stamp + 1);
                }
                finally
                {
                    actor.Pause();
                    first.Verify(stamp);
                    Check.That(held.Is(stamp));
                }
            }
        }
        catch (Mishap second) when (Filter(actor, depth, second, stamp, held, accepts: true))
        {
            second.Verify(stamp + 1);
            actor.Descend(depth - 1);
            Check.That(held.Is(stamp));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void OutOfLambda(Actor actor, int depth, int stamp)
    {
        Cell held = new(stamp);
        List<Cell> cells = [held, new Cell(stamp + 1L)];
        try
        {
            cells.ForEach(cell =>
            {
                actor.MayPause();
                Check.That(cell.Is(cell.Stamp));
                if (cell != held)
                {
                    ThrowWithHoldings(actor, stamp);
                }
            });
            Check.Fail("an exception was lost");
        }
        catch (Mishap mishap) when (Filter(actor, depth, mishap, stamp, held, accepts: true))
        {
            actor.MayPause();
            Check.That(cells[0] == held && held.Is(stamp) && cells[1].Is(stamp + 1L));
        }
    }

    // These frames are dead but still there while the filter runs.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowWithHoldings(Actor actor, int stamp)
    {
        Holdings holdings = new(stamp + 7, stackalloc int[4]);
        actor.MayPause();
        holdings.Verify();
        Mishap.Throw(actor, stamp);
    }
}
