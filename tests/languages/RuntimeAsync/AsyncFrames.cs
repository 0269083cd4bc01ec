using System.Globalization;

#if RUNTIME_ASYNC
namespace NativeGreenlet.RuntimeAsync;
#else
namespace NativeGreenlet.Common.StateMachines;
#endif

/// <summary>Asynchronous methods below which somebody switches: before they first await, and again when they go on, on the
/// stack of whoever completes what they await. Compiled twice: suspended by the runtime (this project), and as state machines
/// (a file of the programs that use it), which are the control and what there is before .NET 11.</summary>
public static class AsyncFrames
{
    /// <summary>Whether the methods of this copy are those that the runtime suspends.</summary>
#if RUNTIME_ASYNC
    public static bool AreOfTheRuntime => true;
#else
    public static bool AreOfTheRuntime => false;
#endif

    /// <summary>So many asynchronous methods below each other, each of which holds contents.</summary>
    /// <param name="depth">How many.</param>
    /// <param name="stamp">What tells the contents from others.</param>
    /// <param name="begin">Called by the innermost at first. False: it does not wait.</param>
    /// <param name="gate">What the innermost awaits.</param>
    /// <param name="resume">Called by the innermost when it goes on.</param>
    /// <param name="error">What it throws then; null for nothing.</param>
    /// <returns>The stamp and the depth, added up.</returns>
    public static async Task<long> PlayAsync(int depth, long stamp, Func<bool> begin, Task gate, Action resume, Func<Exception>? error)
    {
        Contents contents = new(stamp + depth);
        (long Number, string Text) pair = (stamp - depth, Contents.TextOf(stamp));
        long result;
        if (depth > 0)
        {
            result = await PlayAsync(depth - 1, stamp, begin, gate, resume, error);
        }
        else
        {
            if (begin())
            {
                await gate;
                resume();
            }

            result = stamp;
            if (error is not null)
            {
                throw error();
            }
        }

        contents.Verify(stamp + depth);
        Require(pair == (stamp - depth, Contents.TextOf(stamp)));
        return depth > 0 ? result + 1 : result;
    }

    /// <summary>The same, inside of a catch block with a filter, and of a finally block that awaits, too.</summary>
    /// <param name="depth">How many methods inside.</param>
    /// <param name="stamp">What tells the contents from others.</param>
    /// <param name="begin">Called by the innermost at first. False: it does not wait.</param>
    /// <param name="gate">What the innermost awaits.</param>
    /// <param name="resume">Called by the innermost when it goes on.</param>
    /// <param name="error">What it throws then.</param>
    /// <param name="filter">Whether an exception is that one; may let others run.</param>
    /// <param name="handle">Called in the handler.</param>
    /// <returns>The stamp, negative, if the exception came.</returns>
    public static async ValueTask<long> GuardedAsync(int depth, long stamp, Func<bool> begin, Task gate, Action resume, Func<Exception> error, Predicate<Exception> filter, Action handle)
    {
        Contents contents = new(stamp);
        int cleanups = 0;
        try
        {
            try
            {
                return await PlayAsync(depth, stamp, begin, gate, resume, error);
            }
            finally
            {
                await Task.CompletedTask;
                cleanups++;
            }
        }
        catch (Exception exception) when (filter(exception))
        {
            handle();
            await gate;
            contents.Verify(stamp);
            Require(cleanups == 1);
            return -stamp;
        }
    }

    private static void Require(bool holds)
    {
        if (!holds)
        {
            throw new InvalidOperationException("CORRUPT contents of an asynchronous method");
        }
    }

    private sealed class Contents(long stamp)
    {
        private readonly string _text = TextOf(stamp);
        private readonly long[] _numbers = [stamp, ~stamp, stamp * 3];

        public static string TextOf(long stamp) => string.Create(CultureInfo.InvariantCulture, $"async {stamp}");

        public void Verify(long stamp) => Require(_text == TextOf(stamp) && _numbers[0] == stamp && _numbers[1] == ~stamp && _numbers[2] == stamp * 3);
    }
}
