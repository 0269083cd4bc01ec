using System.Reflection;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Runtime;

/// <summary>
/// Where a thread keeps the frame of the explicit tail call that is under way (<c>TailCallTls.Frame</c>). A call with the
/// prefix <c>.tail</c> that the processor's own jump cannot do is made by <c>RuntimeHelpers.DispatchTailCalls</c>, whose frame
/// is on the stack; a call of another such function compares its return address with this frame's. So the word belongs to the
/// stack, and outside of such calls it leads to an entry that is the same for all threads.
/// </summary>
internal static unsafe class TailCalls
{
    private const BindingFlags Private = BindingFlags.Static | BindingFlags.NonPublic;
    private const uint ThreadBytes = 1024;
    private const int BufferBytes = 64;

    [ThreadStatic]
    private static nint* t_word;

    [ThreadStatic]
    private static nint t_seen;

    private static uint s_offset;

    /// <summary>What the word leads to outside of tail calls.</summary>
    public static nint Rest { get; private set; }

    /// <summary>The word of a Thread object; null before it was found.</summary>
    public static nint* Of(nint thread) => Rest == 0 ? null : (nint*)(thread + s_offset);

    /// <summary>Finds it on the calling thread, on which no tail call is under way, and makes one to see it change.</summary>
    /// <exception cref="UnsupportedRuntimeException">It is not where we know it.</exception>
    public static void Find(nint thread, ulong high)
    {
        MethodInfo? info = typeof(RuntimeHelpers).GetMethod("GetTailCallInfo", Private);
        MethodInfo? dispatch = typeof(RuntimeHelpers).GetMethod("DispatchTailCalls", Private);
        MethodInfo? allocate = typeof(RuntimeHelpers).GetMethod("AllocTailCallArgBuffer", Private);
        if (info is null || dispatch is null || allocate is null || allocate.GetParameters().Length != 2 || info.GetParameters().Length != 2 || dispatch.GetParameters().Length != 3)
        {
            throw new UnsupportedRuntimeException("its explicit tail calls are made in another way");
        }

        nint slot = 1; // where a return address would be: not that of the entry at rest, which is 0
        nint returnAddress = 0;
        nint* word = ((delegate*<nint*, nint*, nint*>)info.MethodHandle.GetFunctionPointer())(&slot, &returnAddress);
        nint offset = (nint)word - thread;
        if (offset < 0 || offset >= ThreadBytes || offset % nint.Size != 0)
        {
            throw new UnsupportedRuntimeException("the frame of an explicit tail call is not noted in the Thread object");
        }

        nint rest = *word;
        byte result = 0;
        t_word = word;
        _ = ((delegate*<int, nint, nint>)allocate.MethodHandle.GetFunctionPointer())(BufferBytes, 0); // a caller's arguments
        t_seen = 0;
        ((delegate*<nint*, delegate*<nint, ref byte, nint*, void>, ref byte, void>)dispatch.MethodHandle.GetFunctionPointer())(&slot, &Called, ref result);
        if (rest == 0 || t_seen == 0 || t_seen == rest || *word != rest || (ulong)t_seen >= high)
        {
            throw new UnsupportedRuntimeException("the frame of an explicit tail call is noted elsewhere");
        }

        s_offset = (uint)offset;
        Rest = rest;
    }

    // What a tail call's target finds. It makes no other one.
    private static void Called(nint arguments, ref byte result, nint* frame)
    {
        _ = arguments;
        _ = result;
        t_seen = *t_word == (nint)frame ? (nint)frame : 0;
        frame[0] = 0;
        frame[1] = 0;
    }
}
