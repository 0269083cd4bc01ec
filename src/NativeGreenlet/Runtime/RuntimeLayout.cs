using System.Runtime.InteropServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>Everything the native library must know about the runtime's structures: read from the descriptor,
/// calibrated where it says nothing, and checked against a live thread.</summary>
internal sealed unsafe class RuntimeLayout
{
    private const int CalibrationStack = 512 * 1024;
    private const int MostFrames = 64;

    // Thread::TS_Hijacked. The one value that is neither described nor can be calibrated; it has been the same since
    // the runtime's first public source. It is checked to be clear on a thread that nobody is suspending, and a wrong
    // value can do no more than retry.
    private const uint Hijacked = 0x80;

    private RuntimeLayout(ThreadLocator locator, ng_clr_layout native)
    {
        Locator = locator;
        Native = native;
    }

    public ThreadLocator Locator { get; }

    public ng_clr_layout Native { get; }

    /// <summary>Learns the layout of the running runtime.</summary>
    /// <exception cref="UnsupportedRuntimeException">Something does not fit.</exception>
    public static RuntimeLayout Discover(ContractDescriptor descriptor)
    {
        descriptor.Require("Thread", 1);
        descriptor.Require("StackWalk", 1);
        descriptor.Require("Exception", 1);

        ThreadLocator locator = new(descriptor);
        ng_clr_layout layout = new()
        {
            size = (uint)sizeof(ng_clr_layout),
            thread_state = descriptor.Offset("Thread", "State"),
            thread_preemptive_disabled = descriptor.Offset("Thread", "PreemptiveGCDisabled"),
            thread_frame = descriptor.Offset("Thread", "Frame"),
            thread_exception_tracker = descriptor.Offset("Thread", "ExceptionTracker"),
            frame_next = descriptor.Offset("Frame", "Next"),
            frame_size = descriptor.Offset("InlinedCallFrame", "!"),
            hijacked_mask = Hijacked,
            frame_identifier = descriptor.Value("InlinedCallFrameIdentifier"),
            frame_end = ulong.MaxValue,
            exception_tracker_end = 0,
        };

        // An anchor is an InlinedCallFrame with no return address: all zero but for its identifier and its link.
        uint returnAddress = descriptor.Offset("InlinedCallFrame", "CallerReturnAddress");
        if (returnAddress < sizeof(ulong) || returnAddress == layout.frame_next || returnAddress + sizeof(ulong) > layout.frame_size)
        {
            throw new UnsupportedRuntimeException("its InlinedCallFrame has no place for a return address");
        }

        if (descriptor.Offset("ExceptionInfo", "PreviousNestedInfo") != 0)
        {
            throw new UnsupportedRuntimeException("its exceptions in flight are linked in another way");
        }

        ExceptionsInFlight.Initialize(descriptor);

        // On a fresh thread: its lists are empty and its stack has the bounds that were asked for.
        UnsupportedRuntimeException? failure = null;
        Thread thread = new(
            () =>
            {
                try
                {
                    Calibrate(locator, ref layout);
                }
                catch (UnsupportedRuntimeException exception)
                {
                    failure = exception;
                }
            },
            CalibrationStack)
        {
            IsBackground = true,
            Name = "NativeGreenlet calibration",
        };
        thread.UnsafeStart();
        thread.Join();
        return failure is null ? new RuntimeLayout(locator, layout) : throw failure;
    }

    private static void Calibrate(ThreadLocator locator, ref ng_clr_layout layout)
    {
        nint thread = locator.Current();
        if (!locator.IsListed(thread))
        {
            throw new UnsupportedRuntimeException("its list of threads does not hold the calling one");
        }

        if ((*(uint*)(thread + (nint)layout.thread_state) & layout.hijacked_mask) != 0)
        {
            throw new UnsupportedRuntimeException("a thread's state says that it is being stopped when it is not");
        }

        if (*(ulong*)(thread + (nint)layout.thread_exception_tracker) != layout.exception_tracker_end)
        {
            throw new UnsupportedRuntimeException("a fresh thread has an exception in flight");
        }

        CheckFrames(thread, layout);
        StackLimits limits = StackLimits.Find(thread);
        GCFrameList protectedReferences = GCFrameList.Find(thread, layout.thread_frame, layout.thread_exception_tracker);
        layout.thread_stack_limits = limits.Offset;
        layout.sufficient_stack = limits.SufficientStack;
        layout.risky_stackalloc = limits.RiskyStackalloc;
        layout.thread_gc_frame = protectedReferences.Offset;
        layout.gc_frame_end = protectedReferences.End;
    }

    // The chain of explicit frames must lie on the stack, go up, and end as we expect.
    private static void CheckFrames(nint thread, in ng_clr_layout layout)
    {
        void* low;
        void* high;
        if (NativeMethods.ng_thread_stack(&low, &high) != ng_status.OK)
        {
            throw new UnsupportedRuntimeException("the system does not tell where this thread's stack is");
        }

        ulong frame = *(ulong*)(thread + (nint)layout.thread_frame);
        ulong previous = 0;
        for (int i = 0; frame != layout.frame_end; i++)
        {
            if (i == MostFrames || frame < (ulong)low || frame >= (ulong)high || frame <= previous || frame % sizeof(ulong) != 0)
            {
                throw new UnsupportedRuntimeException("its chain of frames is not one");
            }

            previous = frame;
            frame = *(ulong*)(frame + layout.frame_next);
        }
    }
}
