using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Peer;

/// <summary>A call of native code that the collector is not told of, and which does next to nothing: what a switch would
/// cost if no collector had to be considered.</summary>
internal sealed unsafe class CallWorks : Works
{
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<int, int> _abs =
        (delegate* unmanaged[Cdecl, SuppressGCTransition]<int, int>)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "abs");

    public CallWorks()
    {
        Add("floor", Call);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Call(int count)
    {
        delegate* unmanaged[Cdecl, SuppressGCTransition]<int, int> abs = _abs;
        for (int i = 0; i < count; i++)
        {
            _ = abs(i);
        }
    }
}
