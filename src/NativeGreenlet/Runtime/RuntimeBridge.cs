using System.Runtime.InteropServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>What the native library needs of the runtime: its layout, learned and handed over, and a way to add thread
/// records.</summary>
internal sealed unsafe class RuntimeBridge
{
    private RuntimeBridge(RuntimeLayout layout, UnstartedThreads? unstarted)
    {
        Layout = layout;
        ThreadRecords.Initialize(layout.Locator, unstarted);
        ExceptionsInFlight.Initialize(layout.Thrown);
    }

    public RuntimeLayout Layout { get; }

    /// <summary>Sets the bridge up; leaves nothing behind if that does not succeed.</summary>
    /// <exception cref="UnsupportedRuntimeException">The runtime is not one that we know.</exception>
    /// <exception cref="GreenletException">The native library is missing.</exception>
    public static RuntimeBridge Build(Surroundings surroundings)
    {
        ContractDescriptor descriptor = surroundings.ReadDescriptor();
        _ = NativeEngine.Handle;
        RuntimeLayout layout = RuntimeLayout.Discover(descriptor);
        ng_clr_layout native = layout.Native;
        ng_status status = NativeMethods.ng_clr_initialize(&native);
        return status switch
        {
            ng_status.OK => new RuntimeBridge(layout, UnstartedThreads.Find(descriptor, layout)),
            ng_status.ERROR_MEMORY or ng_status.ERROR_ADDRESS_SPACE or ng_status.ERROR_MAPPINGS or ng_status.ERROR_THREADS =>
                throw new GreenletException(GreenletError.OutOfStacks, $"Greenlets could not be set up: {NativeEngine.Message(status)}."),
            _ => throw new UnsupportedRuntimeException($"the native library does not accept its layout ({NativeEngine.Message(status)})"),
        };
    }
}
