using System.Runtime.CompilerServices;

namespace NativeGreenlet.Stacks;

/// <summary>The addresses between which the stacks of all greenlets lie. Code whose stack lies elsewhere is in no greenlet but the main
/// one of its thread, and need not look for another: the comparison costs less than a thread static. With stacks of several sizes there are
/// several regions, and stacks of threads may lie between them: whoever runs on such a one has to look.</summary>
/// <remarks>The range only grows. So a reader that sees one end from before a change, and the other from after it, sees at least the
/// range from before.</remarks>
internal static unsafe class StackRange
{
    // Nowhere, until the first region has been reserved; everywhere where greenlets run on stacks of threads or of fibers.
    private static nuint s_low = nuint.MaxValue;
    private static nuint s_end;
    private static readonly Lock s_lock = new(); // of who adds

    /// <summary>Whether the caller may be in a greenlet that is not its thread's main one.</summary>
    public static bool MayHoldCaller
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            byte here;
            return (nuint)(&here) >= s_low && (nuint)(&here) < s_end;
        }
    }

    /// <summary>Adds a region, before it gives out a stack.</summary>
    /// <param name="low">Its first address; 0 where its stacks may lie anywhere.</param>
    /// <param name="end">The address behind its last.</param>
    public static void Add(nuint low, nuint end)
    {
        if (low == 0)
        {
            end = nuint.MaxValue;
        }

        lock (s_lock)
        {
            (s_low, s_end) = (Math.Min(s_low, low), Math.Max(s_end, end));
        }
    }

    /// <summary>Adds the stacks of all threads.</summary>
    public static void AddAll() => Add(0, nuint.MaxValue);
}
