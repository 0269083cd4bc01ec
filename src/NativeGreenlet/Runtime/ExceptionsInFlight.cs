using System.Runtime.InteropServices;

namespace NativeGreenlet.Runtime;

/// <summary>
/// The entries for exceptions in flight on a stack that will never be unwound. Each owns a handle to its exception, which
/// the runtime frees when it unwinds; left alone, it would keep the exception, and what that refers to, for ever.
/// </summary>
internal static unsafe class ExceptionsInFlight
{
    private static uint s_thrownObject;

    /// <summary>Learns where an entry keeps its handle.</summary>
    /// <exception cref="UnsupportedRuntimeException">The descriptor does not say.</exception>
    public static void Initialize(ContractDescriptor descriptor) => s_thrownObject = descriptor.Offset("ExceptionInfo", "ThrownObject");

    /// <summary>Frees the handles of a list's entries. The stack must be off the collector's chains, and still there.</summary>
    public static void Release(void* head)
    {
        for (nint* entry = (nint*)head; entry is not null; entry = *(nint**)entry)
        {
            nint* slot = (nint*)((byte*)entry + s_thrownObject);
            nint value = *slot;
            *slot = 0;
            if (value == 0)
            {
                continue;
            }

            // Some exceptions exist before they are needed; their handles belong to the runtime.
            GCHandle handle = GCHandle.FromIntPtr(value);
            if (handle.Target is not (OutOfMemoryException or StackOverflowException or ThreadAbortException))
            {
                handle.Free();
            }
        }
    }
}
