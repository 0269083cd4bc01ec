using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// Where a Thread object keeps the head of its list of protected references (<c>m_pGCFrame</c>). The .NET 10 contract
/// does not say, and what that of .NET 11 says must be the same: inside a catch block the runtime has entries of its own on
/// it. So it is the one word, apart from the two list heads that we know, that inside a catch block points into the stack,
/// and from which links at offset 0 lead in a few steps to the value that it had outside.
/// </summary>
internal readonly unsafe struct GCFrameList
{
    private const int SearchedWords = 128;
    private const int MostSteps = 8;

    private GCFrameList(uint offset, ulong end)
    {
        Offset = offset;
        End = end;
    }

    public uint Offset { get; }

    /// <summary>What ends the list.</summary>
    public ulong End { get; }

    /// <summary>Finds it in the calling thread's object. The thread must be fresh, so that its lists are empty.</summary>
    /// <param name="thread">The Thread object.</param>
    /// <param name="frameOffset">Where it has the list of explicit frames.</param>
    /// <param name="exceptionTrackerOffset">Where it has the list of exceptions in flight.</param>
    /// <param name="startsProtected">Whether even a fresh thread has some entries, of what started it.</param>
    /// <exception cref="UnsupportedRuntimeException">Not found exactly once.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static GCFrameList Find(nint thread, uint frameOffset, uint exceptionTrackerOffset, bool startsProtected)
    {
        void* low;
        void* high;
        if (NativeMethods.ng_thread_stack(&low, &high) != ng_status.OK)
        {
            throw new UnsupportedRuntimeException("the system does not tell where this thread's stack is");
        }

        ulong* outside = stackalloc ulong[SearchedWords];
        ulong* inside = stackalloc ulong[SearchedWords];
        int searched = (int)NativeMethods.ng_object_bytes((void*)thread, SearchedWords * sizeof(ulong)) / sizeof(ulong);
        GCFrameList found = default; // no list of them: compiling that for this type takes longer than the search
        int count = 0;
        Copy(thread, outside, searched);
        try
        {
            throw new InvalidOperationException("thrown by NativeGreenlet to see where the runtime notes it");
        }
        catch (InvalidOperationException)
        {
            Copy(thread, inside, searched);
            for (uint i = 0; i < searched; i++)
            {
                uint offset = i * sizeof(ulong);
                if (offset != frameOffset && offset != exceptionTrackerOffset && inside[i] != outside[i]
                    && LeadsTo(inside[i], outside[i], (ulong)high))
                {
                    found = new GCFrameList(offset, outside[i]);
                    count++;
                }
            }

            if (exceptionTrackerOffset / sizeof(ulong) >= searched
                || !IsIn(inside[exceptionTrackerOffset / sizeof(ulong)], (ulong)low, (ulong)high))
            {
                throw new UnsupportedRuntimeException("the exception in flight is not noted where its descriptor says");
            }
        }

        if (count != 1)
        {
            throw new UnsupportedRuntimeException($"its list of protected references was found {count} times");
        }

        // The value outside ends the list, or leads through the entries of what started the thread to what does.
        ulong end = found.End;
        for (int steps = 0; startsProtected && steps < MostSteps && IsIn(end, (ulong)&end, (ulong)high); steps++)
        {
            end = *(ulong*)end;
        }

        return end is 0 or ulong.MaxValue
            ? new GCFrameList(found.Offset, end)
            : throw new UnsupportedRuntimeException("its list of protected references does not end in a value that ends lists");
    }

    // A call, so that the words are read anew.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Copy(nint thread, ulong* words, int count) =>
        new ReadOnlySpan<ulong>((void*)thread, count).CopyTo(new Span<ulong>(words, count));

    // Entries are callers'; below need be no memory yet (Windows).
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool LeadsTo(ulong head, ulong end, ulong high)
    {
        ulong at = head;
        ulong low = (ulong)&at;
        for (int steps = 0; steps < MostSteps; steps++)
        {
            if (at == end)
            {
                return steps > 0;
            }

            if (!IsIn(at, low, high))
            {
                return false;
            }

            at = *(ulong*)at;
        }

        return false;
    }

    private static bool IsIn(ulong address, ulong low, ulong high) =>
        address >= low && address < high && address % sizeof(ulong) == 0;
}
