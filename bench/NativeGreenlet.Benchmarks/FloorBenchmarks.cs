using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Benchmarks;

/// <summary>
/// The least that a switch can cost. It is a call of native code which calls back into managed code, because only there
/// the collector cannot interfere; so the floor is such a call that does nothing.
/// </summary>
public unsafe class FloorBenchmarks
{
    private delegate* unmanaged[Cdecl]<uint> _version;
    private delegate* unmanaged[Cdecl, SuppressGCTransition]<uint> _versionWithoutTransition;
    private delegate* unmanaged[Cdecl]<nint, nint, uint, int> _callback;
    private delegate* unmanaged[Cdecl]<void*, void*, nuint, nuint, delegate* unmanaged[Cdecl]<void*, void*, int>, void*> _search;

    [GlobalSetup]
    public void Setup()
    {
        nint version = NativeEngine.Export(nameof(NativeMethods.ng_abi_version));
        _version = (delegate* unmanaged[Cdecl]<uint>)version;
        _versionWithoutTransition = (delegate* unmanaged[Cdecl, SuppressGCTransition]<uint>)version;
        _callback = &Callback;
        nint library = OperatingSystem.IsWindows() ? NativeLibrary.Load("ucrtbase") : NativeLibrary.GetMainProgramHandle();
        _search = (delegate* unmanaged[Cdecl]<void*, void*, nuint, nuint, delegate* unmanaged[Cdecl]<void*, void*, int>, void*>)
            NativeLibrary.GetExport(library, "bsearch");
    }

    [Benchmark(Description = "native call without a GC transition")]
    public uint WithoutTransition() => _versionWithoutTransition();

    [Benchmark(Description = "native call")]
    public uint NativeCall() => _version();

    /// <summary>Nothing native between the two transitions: the callback is called as if it were the native function.</summary>
    [Benchmark(Baseline = true, Description = "native call that calls back")]
    public int CallThatCallsBack() => _callback(0, 0, 0);

    /// <summary>With some C in between: bsearch of one element calls its comparer once.</summary>
    [Benchmark(Description = "bsearch that calls back")]
    public bool SearchThatCallsBack()
    {
        int element = 0;
        return _search(&element, &element, 1, sizeof(int), &Compare) != null;
    }

    [Benchmark(OperationsPerInvoke = 2 * OwnThread.Rounds, Description = "a greenlet's switch")]
    public void Switch() => OwnThread.Switch(static () => Bouncing.Start());

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Callback(nint carrier, nint target, uint isFinal) => 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Compare(void* key, void* element) => 0;
}
