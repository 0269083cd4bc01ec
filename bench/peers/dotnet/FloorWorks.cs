using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Peer;

/// <summary>
/// The least that a switch from managed code can cost: into native code, and from there back into managed code, with
/// nothing in between. A method that native code may call is called through a pointer as if it were native.
/// </summary>
internal sealed unsafe class FloorWorks : Works
{
    public FloorWorks()
    {
        Add("floor", Floor);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Floor(int count)
    {
        delegate* unmanaged[Cdecl]<nint, nint, uint, int> callback = &Callback;
        for (int i = 0; i < count; i++)
        {
            _ = callback(0, 0, 0);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Callback(nint carrier, nint target, uint isFinal) => 0;
}
