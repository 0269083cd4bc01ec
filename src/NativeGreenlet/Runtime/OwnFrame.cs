using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// Compares what the descriptor says of explicit frames with one that the runtime itself makes: while managed code is in a
/// call of unmanaged code, the first frame of its thread is an <c>InlinedCallFrame</c> on its stack.
/// </summary>
internal static unsafe class OwnFrame
{
    private const ulong MostInstructionBytes = 1024;

    /// <summary>Makes the comparison on the calling thread, whose stack has these bounds.</summary>
    /// <exception cref="UnsupportedRuntimeException">They differ.</exception>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)] // else both calls go by one stub
    public static void Check(nint thread, in ng_clr_layout layout, uint returnAddress, ulong low, ulong high)
    {
        Question question = new()
        {
            Head = (ulong*)(thread + (nint)layout.thread_frame),
            Identifier = layout.frame_identifier,
            Next = layout.frame_next,
            End = layout.frame_end,
            ReturnAddress = returnAddress,
            Size = layout.frame_size,
            Low = low,
            High = high,
        };
        delegate* unmanaged[Cdecl]<Question*, Answer> look = &Look;
        Answer answer = look(&question);
        ulong first = question.Found;
        if (answer == Answer.Fits)
        {
            // From another place, a few instructions on. That tells a return address from its neighbours, which stay.
            answer = look(&question);
            if (question.Found <= first || question.Found - first > MostInstructionBytes)
            {
                answer = Answer.OtherReturnAddress;
            }
        }

        if (answer != Answer.Fits)
        {
            throw new UnsupportedRuntimeException($"the frame of a call of unmanaged code is not as its descriptor says ({answer})");
        }
    }

    // While it runs, its caller's frame is the first.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static Answer Look(Question* question)
    {
        // The frame is a caller's. Below this method's own frame there may be no memory yet (Windows).
        ulong frame = *question->Head;
        if (frame < (ulong)&frame || !IsOnStack(question, frame) || question->High - frame < question->Size)
        {
            return Answer.NotFirst;
        }

        if (*(ulong*)frame != question->Identifier)
        {
            return Answer.OtherIdentifier;
        }

        ulong next = *(ulong*)(frame + question->Next);
        if (next != question->End && (next <= frame || !IsOnStack(question, next)))
        {
            return Answer.OtherLink;
        }

        ulong returnAddress = *(ulong*)(frame + question->ReturnAddress);
        question->Found = returnAddress;
        return returnAddress == 0 || IsOnStack(question, returnAddress) ? Answer.OtherReturnAddress : Answer.Fits;
    }

    private static bool IsOnStack(Question* question, ulong address) =>
        address >= question->Low && address < question->High && address % sizeof(ulong) == 0;

    private enum Answer
    {
        Fits,
        NotFirst,
        OtherIdentifier,
        OtherLink,
        OtherReturnAddress,
    }

    private struct Question
    {
        public ulong* Head;
        public ulong Identifier;
        public ulong Next;
        public ulong End;
        public ulong ReturnAddress;
        public ulong Size;
        public ulong Low;
        public ulong High;
        public ulong Found;
    }
}
