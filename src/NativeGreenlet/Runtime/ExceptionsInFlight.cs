using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// The entries for exceptions in flight on a stack that will never be unwound. Each owns a handle to its exception, which
/// the runtime frees when it unwinds; left alone, it would keep the exception, and what that refers to, for ever.
/// </summary>
internal static unsafe class ExceptionsInFlight
{
    private const int Attempts = 10;
    private const int MostHandles = 256;
    private const nint HandleBlock = 1 << 16; // handles come in blocks of so many bytes

    private static Thrown s_thrown;

    /// <summary>Says where an entry keeps its exception.</summary>
    public static void Initialize(Thrown thrown) => s_thrown = thrown;

    /// <summary>Checks on the calling thread, whose stack ends there, that an entry keeps its exception there.</summary>
    /// <exception cref="UnsupportedRuntimeException">It does not.</exception>
    public static void Check(nint thread, uint exceptionTracker, Thrown thrown, ulong high)
    {
        for (int i = 0; !IsThere(thread, exceptionTracker, thrown, high); i++)
        {
            if (i == Attempts)
            {
                throw new UnsupportedRuntimeException("an exception in flight does not keep its object where its descriptor says") { MayBeChance = true };
            }
        }
    }

    /// <summary>Frees the handles of a list's entries. The stack must be off the collector's chains, and still there.</summary>
    public static void Release(void* head)
    {
        if (!s_thrown.IsHandle)
        {
            return; // the stack held the object itself, and is gone
        }

        for (nint* entry = (nint*)head; entry is not null; entry = *(nint**)entry)
        {
            ReleaseOne(entry);
        }
    }

    /// <summary>Frees the handles of the entries on a parked slice, which lie elsewhere meanwhile.</summary>
    public static void Release(ng_sliced_greenlet* greenlet)
    {
        void* entry = s_thrown.IsHandle ? NativeMethods.ng_sliced_exceptions(greenlet) : null;
        while (entry is not null)
        {
            nint* saved = (nint*)NativeMethods.ng_sliced_locate(greenlet, entry);
            if (saved is null)
            {
                return; // it lay on the part of the stack that is gone with its thread
            }

            ReleaseOne(saved);
            entry = *(void**)saved;
        }
    }

    private static void ReleaseOne(nint* entry)
    {
        nint* slot = (nint*)((byte*)entry + s_thrown.Offset);
        nint value = *slot;
        *slot = 0;
        if (value == 0)
        {
            return;
        }

        // Some exceptions exist before they are needed; their handles belong to the runtime.
        GCHandle handle = GCHandle.FromIntPtr(value);
        if (handle.Target is not (OutOfMemoryException or StackOverflowException or ThreadAbortException))
        {
            handle.Free();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsThere(nint thread, uint exceptionTracker, Thrown thrown, ulong high)
    {
        try
        {
            throw new InvalidOperationException("thrown by NativeGreenlet to see where the runtime notes it");
        }
        catch (InvalidOperationException exception)
        {
            return IsNoted(*(ulong*)(thread + (nint)exceptionTracker), thrown, high, exception);
        }
    }

    // Both the entry and the handle may be any word: neither is followed before it is known to lead to memory. The entry lies
    // above the frame of this method, because the runtime calls the catch block, which calls this. Below there may be no memory yet
    // (Windows). Handles made one after the other lie close together, so ours tells; not always, and a collection may move the
    // object between the two halves of the comparison: so one failure proves nothing.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool IsNoted(ulong entry, Thrown thrown, ulong high, InvalidOperationException exception)
    {
        if (entry < (ulong)&entry || entry >= high - thrown.Offset || entry % sizeof(ulong) != 0)
        {
            return false;
        }

        nint* word = (nint*)(entry + thrown.Offset);
        if (!thrown.IsHandle)
        {
            return IsObject(word, exception);
        }

        nint found = *word;
        nint* ours = stackalloc nint[MostHandles];
        int count = 0;
        bool isClose = false;
        while (found % nint.Size == 0 && !isClose && count < MostHandles)
        {
            GCHandle handle = GCHandle.Alloc(exception);
            ours[count++] = GCHandle.ToIntPtr(handle);
            isClose = found / HandleBlock == GCHandle.ToIntPtr(handle) / HandleBlock;
        }

        // A block gets its memory piece by piece.
        bool isThere = isClose && NativeMethods.ng_readable_bytes((void*)found, (ulong)nint.Size) == (ulong)nint.Size && IsObject((nint*)found, exception);
        while (count > 0)
        {
            GCHandle.FromIntPtr(ours[--count]).Free();
        }

        return isThere;
    }

    // A collection may come between the two halves.
    private static bool IsObject(nint* word, InvalidOperationException exception) =>
        *word == Unsafe.As<InvalidOperationException, nint>(ref exception);
}
