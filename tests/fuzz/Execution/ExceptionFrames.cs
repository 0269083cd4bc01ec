using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Fuzz.Fibers;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>Exceptions, and what runs in the middle of them: catch and finally blocks, filters. Any of their parts may let
/// other exceptions through, raised inside or by other fibers.</summary>
internal static class ExceptionFrames
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Catch(Step step)
    {
        Holdings holdings = new(step.Stamp, stackalloc int[3]);
        Cell held = Sample.MakeCell(step.Stamp);
        try
        {
            PlayAndThrow(step, step.Stamp);
        }
        catch (TraceException exception)
        {
            Cell inside = new(step.Stamp, held);
            step.Player.Caught(step, exception);
            while (step.PlayNextOfHandler())
            {
                exception.Verify();
                holdings.Verify();
                Check.That(inside.Is(step.Stamp) && inside.Next == held);
            }
        }

        Sample.Verify(held, step.Stamp);
        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Finally(Step step)
    {
        Holdings holdings = new(step.Stamp, stackalloc int[3]);
        Cell held = Sample.MakeCell(step.Stamp);
        try
        {
            do
            {
                holdings.Verify();
            }
            while (step.PlayNext());
        }
        finally
        {
            CleanUp(step, held);
            holdings.Verify();
        }

        Sample.Verify(held, step.Stamp);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void FinallyUnwinding(Step step)
    {
        Holdings holdings = new(step.Stamp, stackalloc int[3]);
        Cell held = Sample.MakeCell(step.Stamp);
        double number = Sample.MakeDouble(step.Stamp);
        try
        {
            try
            {
                PlayAndThrow(step, step.Stamp);
            }
            finally
            {
                CleanUp(step, held);
                Sample.Verify(number, step.Stamp);
                holdings.Verify();
            }
        }
        catch (TraceException exception)
        {
            step.Player.Caught(step, exception);
            step.Player.PlayAll(step.Operation.Third);
            exception.Verify();
            holdings.Verify();
        }

        Sample.Verify(held, step.Stamp);
    }

    public static void Filter(Step step)
    {
        bool accepts = step.Operation.Number % 3 != 0;
        switch ((step.Operation.Number >> 7) % 4)
        {
            case 0:
                Filter(step, accepts);
                break;
            case 1:
                FilterOptimized(step, accepts);
                break;
            case 2:
                FilterAroundCatch(step);
                break;
            default:
                FilterAroundFinallyInCatch(step, accepts);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Filter(Step step, bool accepts)
    {
        Holdings holdings = new(step.Stamp, stackalloc int[3]);
        Cell held = Sample.MakeCell(step.Stamp);
        string text = Sample.MakeText(step.Stamp);
        try
        {
            try
            {
                ThrowSomehow(step);
            }
            catch (TraceException exception) when (Filter(step, exception, held, accepts))
            {
                step.Player.Caught(step, exception);
                while (step.PlayNextOfHandler())
                {
                    exception.Verify();
                    holdings.Verify();
                }
            }
            finally
            {
                Sample.Verify(text, step.Stamp);
                holdings.Verify();
            }
        }
        catch (TraceException exception)
        {
            // Rejected, or replaced by one that the handler let through.
            step.Player.Caught(step, exception);
            while (step.PlayNextOfHandler())
            {
                exception.Verify();
                Sample.Verify(text, step.Stamp);
            }
        }

        Sample.Verify(held, step.Stamp);
        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Rethrow(Step step)
    {
        Holdings holdings = new(step.Stamp, stackalloc int[3]);
        TraceException? first = null;
        try
        {
            try
            {
                PlayAndThrow(step, step.Stamp);
            }
            catch (TraceException exception)
            {
                first = exception;
                step.Player.Caught(step, exception);
                while (step.PlayNextOfHandler())
                {
                    exception.Verify();
                    holdings.Verify();
                }

                switch (step.Operation.Number % 4)
                {
                    case 0:
                        ExceptionDispatchInfo.Throw(exception);
                        break;
                    case 1:
                        TraceException.Throw(step.Stamp + 1);
                        break;
                    case 2:
                        ThrowInFinally(exception, step.Stamp + 2);
                        break;
                    default:
                        throw;
                }
            }
        }
        catch (TraceException exception)
        {
            step.Player.Caught(step, exception);
            step.Player.PlayAll(step.Operation.Third);
            exception.Verify();
            first?.Verify();
        }

        holdings.Verify();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void NullReference(Step step)
    {
        Holdings holdings = new(step.Stamp, stackalloc int[3]);
        Cell held = Sample.MakeCell(step.Stamp);
        bool isExpected = false;
        try
        {
            while (step.PlayNext())
            {
                holdings.Verify();
            }

            isExpected = true;
            Check.That(Read(null, held) == 0); // by the hardware
            Check.Fail("an exception was lost");
        }
        catch (NullReferenceException)
        {
            Check.That(isExpected);
            while (step.PlayNextOfHandler())
            {
                Sample.Verify(held, step.Stamp);
                holdings.Verify();
            }
        }

        Sample.Verify(held, step.Stamp);
        holdings.Verify();
    }

    // Callee-saved registers hold these over everything.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void FilterOptimized(Step step, bool accepts)
    {
        int s = step.Stamp;
        Cell held = Sample.MakeCell(s);
        string text = Sample.MakeText(s);
        Cell other = new(s + 1L, held);
        try
        {
            try
            {
                ThrowSomehow(step);
            }
            catch (TraceException exception) when (Filter(step, exception, held, accepts))
            {
                step.Player.Caught(step, exception);
                while (step.PlayNextOfHandler())
                {
                    exception.Verify();
                    Check.That(other.Is(s + 1L) && other.Next == held);
                }
            }
        }
        catch (TraceException exception)
        {
            step.Player.Caught(step, exception);
            while (step.PlayNextOfHandler())
            {
                Check.That(other.Is(s + 1L) && other.Next == held);
            }
        }

        Check.That(other.Is(s + 1L) && other.Next == held);
        Sample.Verify(held, s);
        Sample.Verify(text, s);
    }

    // The filter belongs to the same method as the catch block that the exception comes from.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void FilterAroundCatch(Step step)
    {
        int s = step.Stamp;
        Cell held = Sample.MakeCell(s);
        string text = Sample.MakeText(s);
        Cell other = new(s + 1L, held);
        try
        {
            try
            {
                TraceException.Throw(s);
            }
            catch (TraceException first)
            {
                PlayAndThrow(step, s + 1);
                first.Verify();
            }
        }
        catch (TraceException exception) when (Filter(step, exception, held, accepts: true))
        {
            step.Player.Caught(step, exception);
            while (step.PlayNextOfHandler())
            {
                exception.Verify();
                Check.That(other.Is(s + 1L) && other.Next == held);
            }
        }

        Check.That(other.Is(s + 1L) && other.Next == held);
        Sample.Verify(held, s);
        Sample.Verify(text, s);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FilterAroundFinallyInCatch(Step step, bool accepts)
    {
        Holdings holdings = new(step.Stamp, stackalloc int[3]);
        Cell held = Sample.MakeCell(step.Stamp);
        try
        {
            try
            {
                try
                {
                    TraceException.Throw(step.Stamp);
                }
                catch (TraceException first)
                {
                    try
                    {
                        PlayAndThrow(step, step.Stamp + 1);
                    }
                    finally
                    {
                        _ = step.PlayNextOfHandler();
                        first.Verify();
                        holdings.Verify();
                    }
                }
            }
            catch (TraceException exception) when (Filter(step, exception, held, accepts))
            {
                step.Player.Caught(step, exception);
                while (step.PlayNextOfHandler())
                {
                    exception.Verify();
                    holdings.Verify();
                }
            }
        }
        catch (TraceException exception)
        {
            step.Player.Caught(step, exception);
            while (step.PlayNextOfHandler())
            {
                holdings.Verify();
            }
        }

        Sample.Verify(held, step.Stamp);
        holdings.Verify();
    }

    private static void ThrowSomehow(Step step)
    {
        switch ((step.Operation.Number >> 5) % 4)
        {
            case 0:
                ThrowInCatch(step);
                break;
            case 1:
                ThrowThroughFinally(step);
                break;
            case 2:
                ThrowInCatchThroughFinally(step);
                break;
            default:
                PlayAndThrow(step, step.Stamp);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ThrowInCatch(Step step)
    {
        Cell cell = Sample.MakeCell(step.Stamp + 5);
        try
        {
            TraceException.Throw(step.Stamp);
        }
        catch (TraceException first)
        {
            PlayAndThrow(step, step.Stamp + 1);
            first.Verify();
        }

        Sample.Verify(cell, step.Stamp + 5);
    }

    // The exception's second pass runs these finally blocks after the filter.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ThrowThroughFinally(Step step)
    {
        int s = step.Stamp + 5;
        Cell cell = Sample.MakeCell(s);
        Cell other = new(s + 1L, cell);
        try
        {
            PlayAndThrow(step, step.Stamp);
        }
        finally
        {
            _ = step.PlayNextOfHandler();
            Check.That(other.Is(s + 1L) && other.Next == cell);
            Sample.Verify(cell, s);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static void ThrowInCatchThroughFinally(Step step)
    {
        int s = step.Stamp + 5;
        Cell cell = Sample.MakeCell(s);
        Cell other = new(s + 1L, cell);
        try
        {
            TraceException.Throw(step.Stamp);
        }
        catch (TraceException first)
        {
            try
            {
                PlayAndThrow(step, step.Stamp + 1);
            }
            finally
            {
                _ = step.PlayNextOfHandler();
                first.Verify();
                Check.That(other.Is(s + 1L) && other.Next == cell);
                Sample.Verify(cell, s);
            }
        }
    }

    // These frames are dead, but still there, while a filter runs.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void PlayAndThrow(Step step, int stamp)
    {
        Holdings holdings = new(stamp + 7, stackalloc int[3]);
        do
        {
            holdings.Verify();
        }
        while (step.PlayNext());
        TraceException.Throw(stamp);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CleanUp(Step step, Cell held)
    {
        Cell inside = new(step.Stamp, held);
        step.Player.Note(Mark.Cleanup, step.Operation, step.Stamp);
        while (step.PlayNextOfHandler())
        {
            Check.That(inside.Is(step.Stamp) && inside.Next == held);
        }

        Sample.Verify(held, step.Stamp);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Filter(Step step, TraceException exception, Cell held, bool accepts)
    {
        Fiber self = step.Player.Self;
        self.Filters++;
        Cell inside = new(step.Stamp, held);
        step.Player.Note(Mark.Filtered, step.Operation, exception.Stamp);
        foreach (Traces.Operation operation in step.Operation.Third)
        {
            step.Player.Play(operation);
            exception.Verify();
            Check.That(inside.Is(step.Stamp) && inside.Next == held);
        }

        Sample.Verify(held, step.Stamp);
        self.Filters--;
        return accepts;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowInFinally(TraceException first, int stamp)
    {
        try
        {
            ExceptionDispatchInfo.Throw(first);
        }
        finally
        {
            TraceException.Throw(stamp);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long Read(Cell? nothing, Cell held) => nothing!.Stamp + held.Stamp;
}
