using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// Where a Thread object caches the bounds of its stack. The .NET 10 contract does not say, and that of .NET 11 says it of
/// two of the four; they are the only place where the stack's high end, its low end and the low end + 128 KiB stand side by
/// side, followed by a fourth limit.
/// </summary>
internal readonly unsafe struct StackLimits
{
    private const int SearchedBytes = 1024;
    private const ulong Sufficient = 128 * 1024; // what TryEnsureSufficientExecutionStack promises on 64-bit

    private StackLimits(uint offset, ulong sufficientStack, ulong riskyStackalloc)
    {
        Offset = offset;
        SufficientStack = sufficientStack;
        RiskyStackalloc = riskyStackalloc;
    }

    public uint Offset { get; }

    public ulong SufficientStack { get; }

    public ulong RiskyStackalloc { get; }

    /// <summary>Finds them in the calling thread's object. On a thread of a stack size that was asked for: the main
    /// thread's bounds are a matter of opinion.</summary>
    /// <exception cref="UnsupportedRuntimeException">Not found exactly once.</exception>
    public static StackLimits Find(nint thread)
    {
        void* low;
        void* high;
        ng_status status = NativeMethods.ng_thread_stack(&low, &high);
        if (status != ng_status.OK)
        {
            throw new UnsupportedRuntimeException("the system does not tell where this thread's stack is");
        }

        StackLimits? found = null;
        ulong searched = NativeMethods.ng_object_bytes((void*)thread, SearchedBytes);
        for (uint offset = 0; offset + 4 * sizeof(ulong) < searched; offset += sizeof(ulong))
        {
            ulong* words = (ulong*)(thread + (nint)offset);
            if (words[0] != (ulong)high || words[1] != (ulong)low || words[2] != (ulong)low + Sufficient)
            {
                continue;
            }

            if (found is not null)
            {
                // Behind the object may lie one of a thread that has ended and had the same stack.
                throw new UnsupportedRuntimeException("the limits of a stack stand in its Thread object twice") { MayBeChance = true };
            }

            if (words[3] < words[2] || words[3] > (ulong)high)
            {
                throw new UnsupportedRuntimeException("the fourth limit of a stack lies outside of it");
            }

            found = new StackLimits(offset, words[2] - words[1], words[3] - words[1]);
        }

        return found ?? throw new UnsupportedRuntimeException("the limits of a stack do not stand in its Thread object");
    }
}
