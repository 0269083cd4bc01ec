using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>What freezing has to know of the runtime: its map of managed code, where its heap is, and how native code shows
/// references to the collector.</summary>
internal static unsafe class FreezeLayout
{
    // RangeSection::RANGE_SECTION_COLLECTIBLE. Not described; the check at the first use has code that can be unloaded.
    private const uint Collectible = 1;

    // As System.Runtime.GCFrameRegistration of .NET 10, where the descriptor does not have it. The check has byrefs.
    private const uint References = 16;
    private const uint Count = 24;
    private const uint Interior = 28;

    /// <summary>Reads it, for the native library.</summary>
    /// <exception cref="UnsupportedRuntimeException">Something is not as we know it.</exception>
    public static ng_freeze_layout Read()
    {
        ContractDescriptor.Header* header = CoreClr.FindDescriptor();
        if (header is null)
        {
            throw new UnsupportedRuntimeException("it has no contract descriptor");
        }

        ContractDescriptor descriptor = ContractDescriptor.Read(header);
        const string Contract = "ExecutionManager";
        if (descriptor.Version(Contract) is not ("2" or "c1") and var version)
        {
            throw new UnsupportedRuntimeException($"it has version {version} of the contract '{Contract}'; we know 2 and c1");
        }

        bool isFrameDescribed = descriptor.Has("GCFrame", "ObjRefs");
        ng_freeze_layout layout = new()
        {
            size = (uint)sizeof(ng_freeze_layout),
            fragment_begin = descriptor.Offset("RangeSectionFragment", "RangeBegin"),
            fragment_end = descriptor.Offset("RangeSectionFragment", "RangeEndOpen"),
            fragment_section = descriptor.Offset("RangeSectionFragment", "RangeSection"),
            fragment_next = descriptor.Offset("RangeSectionFragment", "Next"),
            section_flags = descriptor.Offset("RangeSection", "Flags"),
            section_collectible = Collectible,
            gc_frame_references = isFrameDescribed ? descriptor.Offset("GCFrame", "ObjRefs") : References,
            gc_frame_count = isFrameDescribed ? descriptor.Offset("GCFrame", "NumObjRefs") : Count,
            gc_frame_interior = isFrameDescribed ? descriptor.Offset("GCFrame", "GCFlags") : Interior,
            code_map = (ulong)Pointer(descriptor, header, "ExecutionManagerCodeRangeMapAddress") + descriptor.Offset("RangeSectionMap", "TopLevelData"),
        };
        FindDescriptions(descriptor, ref layout);
        FindHeap(descriptor, header, ref layout);
        return layout;
    }

    /// <summary>Tells the native library where the frame of a transition says from where the collector walks on.</summary>
    /// <exception cref="UnsupportedRuntimeException">Something is not as we know it.</exception>
    public static void DescribeFrame()
    {
        ContractDescriptor descriptor = ContractDescriptor.Read(CoreClr.FindDescriptor());
        uint stackPointer = descriptor.Offset("InlinedCallFrame", "CallSiteSP");
        uint returnAddress = descriptor.Offset("InlinedCallFrame", "CallerReturnAddress");
        uint framePointer = descriptor.Offset("InlinedCallFrame", "CalleeSavedFP");
        if (NativeMethods.ng_freeze_describe_frame(stackPointer, returnAddress, framePointer) != ng_status.OK)
        {
            throw new UnsupportedRuntimeException("its InlinedCallFrame has another form");
        }
    }

    /// <summary>Forgets how descriptions of types and methods are told from other memory: whatever leads out of the heap may be one.</summary>
    public static void ForgetDescriptions(ref ng_freeze_layout layout) => layout.chunk_size = 0;

    // Without it freezing is possible, too, but little is frozen beside code that can be unloaded.
    private static void FindDescriptions(ContractDescriptor descriptor, ref ng_freeze_layout layout)
    {
        try
        {
            if (descriptor.Version("RuntimeTypeSystem") is "1" or "c1")
            {
                layout.table_class = descriptor.Offset("MethodTable", "EEClassOrCanonMT");
                layout.class_table = descriptor.Offset("EEClass", "MethodTable");
                layout.method_index = descriptor.Offset("MethodDesc", "ChunkIndex");
                layout.method_alignment = (uint)descriptor.Value("MethodDescAlignment");
                layout.chunk_table = descriptor.Offset("MethodDescChunk", "MethodTable");
                layout.chunk_size = descriptor.Offset("MethodDescChunk", "!");
            }
        }
        catch (UnsupportedRuntimeException)
        {
            ForgetDescriptions(ref layout);
        }
    }

    private static nint Pointer(ContractDescriptor descriptor, ContractDescriptor.Header* header, string global)
    {
        ulong index = descriptor.PointerIndex(global);
        return index < header->PointerCount && header->Pointers[index] != 0
            ? header->Pointers[index]
            : throw new UnsupportedRuntimeException($"its descriptor has no address for '{global}'");
    }

    // Only regions lie in one range of addresses that is reserved once and holds nothing else.
    private static void FindHeap(ContractDescriptor descriptor, ContractDescriptor.Header* header, ref ng_freeze_layout layout)
    {
        ulong range = GC.GetConfigurationVariables().TryGetValue("GCRegionRange", out object? value) && value is long bytes ? (ulong)bytes : 0;
        if (range == 0)
        {
            throw new UnsupportedRuntimeException("its collector does not have regions");
        }

        object any = new();
        ulong inside = (ulong)AddressOf(ref any);
        ulong low = 0;
        ulong high = 0;
        if (descriptor.HasGlobal("GCLowestAddress") && descriptor.HasGlobal("GCHighestAddress"))
        {
            low = *(ulong*)Pointer(descriptor, header, "GCLowestAddress");
            high = *(ulong*)Pointer(descriptor, header, "GCHighestAddress");
        }
        else
        {
            fixed (byte* module = OperatingSystem.IsWindows() ? "coreclr.dll"u8 : "libcoreclr"u8)
            {
                if (NativeMethods.ng_freeze_find_heap((sbyte*)module, inside, range, &low, &high) != ng_status.OK)
                {
                    throw new UnsupportedRuntimeException("the bounds of its heap are not found in its data");
                }
            }
        }

        if (inside < low || inside >= high || high - low < range / 2)
        {
            throw new UnsupportedRuntimeException("the bounds of its heap make no sense");
        }

        layout.heap_low = low;
        layout.heap_high = high;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint AddressOf(ref object any) => *(nint*)Unsafe.AsPointer(ref any);
}
