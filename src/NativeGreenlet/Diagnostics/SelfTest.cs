using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace NativeGreenlet.Diagnostics;

/// <summary>
/// A short round of everything that can go wrong with switched stacks: references of every kind held across switches and
/// compacting collections, exceptions in flight on several stacks at once, a fault, stack limits.
/// </summary>
internal sealed class SelfTest
{
    private const int Greenlets = 16;
    private const int Rounds = 4;

    private readonly StringBuilder _report = new();
    private int _switches;
    private int _checks;

    /// <summary>Runs it on a thread of its own.</summary>
    /// <exception cref="GreenletException">Something was not as it should be.</exception>
    public static string Run()
    {
        SelfTest test = new();
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                test.RunHere();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        })
        {
            IsBackground = true,
        };
        thread.Start();
        thread.Join();
        return failure switch
        {
            null => test._report.ToString(),
            GreenletException => throw new GreenletException(((GreenletException)failure).Reason, failure.Message, failure),
            _ => throw new GreenletException(GreenletError.NotSupported, $"The self-test of NativeGreenlet failed: {failure.Message}", failure),
        };
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Throw(string message) => throw new InvalidOperationException(message);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int LengthOf(string? text) => text!.Length; // a NullReferenceException for null

    private static void Collect()
    {
        for (int i = 0; i < 1000; i++)
        {
            _ = new byte[i % 100]; // so that what survives has somewhere to move
        }

        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
    }

    private void RunHere()
    {
        long start = Stopwatch.GetTimestamp();
        _ = _report.AppendLine(GreenletRuntime.Description);
        Greenlet[] greenlets = [.. Enumerable.Range(0, Greenlets).Select(id => new Greenlet(_ => Body(id, 3)))];
        while (greenlets.Any(greenlet => !greenlet.IsDead))
        {
            foreach (Greenlet greenlet in greenlets.Where(greenlet => !greenlet.IsDead))
            {
                _ = greenlet.Switch();
                _switches++;
            }

            Collect();
        }

        Check(RuntimeHelpers.TryEnsureSufficientExecutionStack(), "the thread's own stack limits came back");
        _ = _report.AppendLine(string.Create(
            CultureInfo.InvariantCulture,
            $"ok: {Greenlets} greenlets, {_switches} switches, {_checks} checks, {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms"));
    }

    private object? Body(int id, int depth)
    {
        if (depth > 0)
        {
            object? result = Body(id, depth - 1);
            Pause();
            return result;
        }

        string text = string.Create(CultureInfo.InvariantCulture, $"greenlet {id}");
        object boxed = id;
        int[] array = [id, id + 1, id + 2];
        ref int middle = ref array[1];
        Span<int> onStack = stackalloc int[4];
        onStack.Fill(id);
        for (int round = 0; round < Rounds; round++)
        {
            Check(RuntimeHelpers.TryEnsureSufficientExecutionStack(), "a greenlet has the stack limits of its own stack");
            Pause();
            try
            {
                Throw(text);
            }
            catch (InvalidOperationException exception) when (PauseInFilter(exception, text))
            {
                Pause();
                Check(exception.Message == text, "an exception in flight survives");
            }
            finally
            {
                Pause();
            }

            try
            {
                _ = LengthOf(null);
            }
            catch (NullReferenceException)
            {
                Pause();
            }

            Check(text == string.Create(CultureInfo.InvariantCulture, $"greenlet {id}"), "a string survives");
            Check((int)boxed == id, "a boxed value survives");
            Check(middle == id + 1 && array[2] == id + 2, "a reference into an array survives");
            Check(onStack[3] == id, "the stack itself survives");
        }

        return boxed;
    }

    private bool PauseInFilter(InvalidOperationException exception, string text)
    {
        Pause();
        Check(exception.Message == text, "an exception in its filter survives");
        return true;
    }

    private void Pause()
    {
        _switches++;
        _ = Greenlet.Current.Parent!.Switch();
    }

    private void Check(bool condition, string what)
    {
        _checks++;
        if (!condition)
        {
            throw new InvalidOperationException($"it is not so that {what}");
        }
    }
}
