using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Runtime;

/// <summary>
/// A thread-static field of the calling thread that stays where it is until this is disposed of. The runtime keeps fields
/// without references in the thread's own memory (<c>ThreadLocalData</c>), but only a few dozen bytes of them: those of the
/// types that are used first. The fields of every other type are the elements of an array of bytes on the heap, one array a
/// type, which the collector moves. Which it is depends on what the program did before. So an address is never taken for
/// granted: an array is pinned, and what is neither is refused.
/// </summary>
internal unsafe struct ThreadStaticField : IDisposable
{
    private const int MostBytes = 64; // of the fields of one type
    private const int OwnBytes = 512; // of a thread's own memory, with what describes it
    private const int ToLength = 8; // from an array's start
    private const int ToElements = 16;

    private PinnedGCHandle<object> _array; // not allocated if there is none

    private ThreadStaticField(void* address, PinnedGCHandle<object> array)
    {
        Address = (nint*)address;
        _array = array;
    }

    public delegate ref byte Accessor();

    public readonly nint* Address { get; }

    /// <summary>Whether the collector would have moved it.</summary>
    public readonly bool IsInArray => _array.IsAllocated;

    /// <summary>Finds the calling thread's field.</summary>
    /// <param name="field">Returns it.</param>
    /// <param name="own">The thread's own memory for such fields.</param>
    /// <exception cref="UnsupportedRuntimeException">It is somewhere else.</exception>
    public static ThreadStaticField Pin(Accessor field, nint own)
    {
        fixed (byte* address = &field())
        {
            if ((nuint)((nint)address - own) < OwnBytes)
            {
                return new ThreadStaticField(address, default);
            }

            nint array = FindArray((nint)address);
            return new ThreadStaticField(address, new PinnedGCHandle<object>(Unsafe.As<nint, object>(ref array)));
        }
    }

    public void Dispose() => _array.Dispose();

    // The array cannot move: its element is pinned.
    private static nint FindArray(nint element)
    {
        for (nint index = 0; index < MostBytes; index += sizeof(nint))
        {
            nint array = element - index - ToElements;
            if (*(nint*)array == typeof(sbyte[]).TypeHandle.Value && *(int*)(array + ToLength) is var length && length >= index + sizeof(nint) && length <= MostBytes)
            {
                return array;
            }
        }

        throw new UnsupportedRuntimeException("it keeps fields of threads in another form");
    }
}
