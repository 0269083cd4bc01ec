using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Stacks;

namespace NativeGreenlet.Runtime;

/// <summary>Everything the native library must know about the runtime's structures: read from the descriptor,
/// calibrated where it says nothing, and checked against a live thread.</summary>
internal sealed unsafe class RuntimeLayout
{
    private const int CalibrationStack = 512 * 1024;
    private const int Attempts = 4;
    private const int MostFrames = 64;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    // Thread::TS_Hijacked. The one value that is neither described nor can be calibrated; it has been the same since
    // the runtime's first public source. It is checked to be clear on a thread that nobody is suspending, and a wrong
    // value can do no more than retry.
    private const uint Hijacked = 0x80;

    private RuntimeLayout(ThreadLocator locator, ng_clr_layout native, Description description, uint threadLocalData)
    {
        Locator = locator;
        ThreadLocalData = threadLocalData;
        Native = native;
        Thrown = description.Thrown;
        AreListsDescribed = description.Lists is { ProtectedReferences: not null, StackLimits: not null };
    }

    public ThreadLocator Locator { get; }

    public ng_clr_layout Native { get; }

    /// <summary>Where a Thread object leads to the fields that each thread has; 0 if that is not described as we know it. Only
    /// the checking mode looks there.</summary>
    public uint ThreadLocalData { get; }

    /// <summary>Where an entry for an exception in flight keeps it.</summary>
    public Thrown Thrown { get; }

    /// <summary>Whether the descriptor says itself what is calibrated.</summary>
    public bool AreListsDescribed { get; }

    /// <summary>Learns the layout of the running runtime.</summary>
    /// <exception cref="UnsupportedRuntimeException">Something does not fit.</exception>
    public static RuntimeLayout Discover(ContractDescriptor descriptor)
    {
        RuntimeEdition edition = RuntimeEdition.Of(descriptor);
        Description description = Describe(descriptor, edition);
        ThreadLocator locator = new(descriptor);
        ng_clr_layout layout = description.Layout;
        locator.RequireMemory(layout);
        nint caller = locator.Current();
        uint threadLocalData = ThreadWords.FindFields(descriptor);
        if (edition.SuspendsAsyncMethods)
        {
            AsyncWords.Find(ThreadWords.OwnFields(caller, threadLocalData));
        }

        UnsupportedRuntimeException? failure;
        int attempt = 0;
        do
        {
            failure = TryCalibrate(locator, caller, description, edition, CalibrationStack << attempt, ref layout);
        }
        while (failure is { MayBeChance: true } && ++attempt < Attempts);
        return failure is null ? new RuntimeLayout(locator, layout, description, threadLocalData) : throw failure;
    }

    /// <summary>What the descriptor says, with no look at the running runtime.</summary>
    /// <exception cref="UnsupportedRuntimeException">Something is missing or impossible.</exception>
    public static Description Describe(ContractDescriptor descriptor, RuntimeEdition edition)
    {
        ng_clr_layout layout = new()
        {
            size = (uint)sizeof(ng_clr_layout),
            thread_state = descriptor.ThreadOffset("State", sizeof(uint)),
            thread_preemptive_disabled = descriptor.ThreadOffset("PreemptiveGCDisabled", sizeof(uint)),
            thread_frame = descriptor.ThreadOffset("Frame", sizeof(ulong)),
            thread_exception_tracker = descriptor.ThreadOffset("ExceptionTracker", sizeof(ulong)),
            frame_next = descriptor.Offset("Frame", "Next"),
            frame_size = descriptor.Offset("InlinedCallFrame", "!"),
            hijacked_mask = Hijacked,
            frame_identifier = descriptor.Value("InlinedCallFrameIdentifier"),
            start_frame_identifier = (uint)descriptor.Value("DebuggerU2MCatchHandlerFrameIdentifier"),
            frame_end = ulong.MaxValue,
            exception_tracker_end = 0,
        };

        // An anchor is an InlinedCallFrame with no return address: all zero but for its identifier and its link.
        uint returnAddress = descriptor.Offset("InlinedCallFrame", "CallerReturnAddress");
        if (returnAddress < sizeof(ulong) || returnAddress == layout.frame_next || returnAddress + sizeof(ulong) > layout.frame_size)
        {
            throw new UnsupportedRuntimeException("its InlinedCallFrame has no place for a return address");
        }

        if (layout.frame_next > layout.frame_size - sizeof(ulong))
        {
            throw new UnsupportedRuntimeException("its frames are linked outside of themselves");
        }

        if (descriptor.Offset("ExceptionInfo", "PreviousNestedInfo") != 0)
        {
            throw new UnsupportedRuntimeException("its exceptions in flight are linked in another way");
        }

        TransitionFrame.Describe(descriptor, edition, ref layout);
        Thrown thrown = new(descriptor.Offset("ExceptionInfo", "ThrownObject"), edition.ThrownIsHandle);
        return new Description(layout, returnAddress, thrown, DescribedLists.Read(descriptor, edition));
    }

    // On a fresh thread: its lists are empty and its stack has the bounds that were asked for.
    private static UnsupportedRuntimeException? TryCalibrate(ThreadLocator locator, nint caller, Description description, RuntimeEdition edition, int stackSize, ref ng_clr_layout result)
    {
        UnsupportedRuntimeException? failure = null;
        ng_clr_layout layout = result;
        Thread thread = new(
            () =>
            {
                try
                {
                    Calibrate(locator, caller, description, edition, ref layout);
                }
                catch (UnsupportedRuntimeException exception)
                {
                    failure = exception;
                }
                catch (NullReferenceException exception)
                {
                    failure = new UnsupportedRuntimeException("its descriptor leads to places that are no memory", exception);
                }
            },
            stackSize)
        {
            IsBackground = true,
            Name = "NativeGreenlet calibration",
        };
        ThreadSupply.Start(thread);
        thread.Join();
        result = layout;
        return failure;
    }

    private static void Calibrate(ThreadLocator locator, nint caller, Description description, RuntimeEdition edition, ref ng_clr_layout layout)
    {
        void* low;
        void* high;
        if (NativeMethods.ng_thread_stack(&low, &high) != ng_status.OK)
        {
            throw new UnsupportedRuntimeException("the system does not tell where this thread's stack is");
        }

        locator.RequireMemory(layout);
        nint thread = locator.Current();
        ThreadStateFlags.Check((uint*)(thread + (nint)layout.thread_state), layout.hijacked_mask);
        CheckMode(caller, layout.thread_preemptive_disabled);
        if (*(ulong*)(thread + (nint)layout.thread_exception_tracker) != layout.exception_tracker_end)
        {
            throw new UnsupportedRuntimeException("a fresh thread has an exception in flight");
        }

        CheckFrames(thread, layout, (ulong)high);
        OwnFrame.Check(thread, layout, description.ReturnAddress, (ulong)low, (ulong)high);
        ExceptionsInFlight.Check(thread, layout.thread_exception_tracker, description.Thrown, (ulong)high);
        TailCalls.Find(thread, (ulong)high);
        ThreadWords.Learn(thread);
        if (!OperatingSystem.IsLinux())
        {
            TypeLoads.Learn(thread);
        }

        StackLimits limits = StackLimits.Find(thread);
        GCFrameList protectedReferences = GCFrameList.Find(thread, layout.thread_frame, layout.thread_exception_tracker, edition.ThreadsStartProtected);
        description.Lists.RequireAgreement(protectedReferences.Offset, limits.Offset);
        layout.thread_stack_limits = limits.Offset;
        layout.sufficient_stack = limits.SufficientStack;
        layout.risky_stackalloc = limits.RiskyStackalloc;
        layout.thread_gc_frame = protectedReferences.Offset;
        layout.gc_frame_end = protectedReferences.End;
    }

    // The thread that waits for this one is, or soon will be, in preemptive mode. That running threads are in cooperative
    // mode was seen already.
    private static void CheckMode(nint caller, uint preemptiveDisabled)
    {
        uint* mode = (uint*)(caller + (nint)preemptiveDisabled);
        if (!SpinWait.SpinUntil(() => Volatile.Read(ref *mode) == 0, s_patience))
        {
            throw new UnsupportedRuntimeException("a thread that waits is not in preemptive mode");
        }
    }

    // The chain of explicit frames must lie on the stack, go up, and end as we expect. They are callers'; below is memory
    // that need not be there yet, on Windows, and reading it would end the process.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CheckFrames(nint thread, in ng_clr_layout layout, ulong high)
    {
        ulong frame = *(ulong*)(thread + (nint)layout.thread_frame);
        ulong previous = 0;
        ulong low = (ulong)&previous;
        for (int i = 0; frame != layout.frame_end; i++)
        {
            if (i == MostFrames || frame < low || frame > high - layout.frame_next - sizeof(ulong) || frame <= previous || frame % sizeof(ulong) != 0)
            {
                throw new UnsupportedRuntimeException("its chain of frames is not one");
            }

            previous = frame;
            frame = *(ulong*)(frame + layout.frame_next);
        }
    }
    /// <summary>What a descriptor says.</summary>
    /// <param name="Layout">Offsets and values for the native library; those that are calibrated are zero.</param>
    /// <param name="ReturnAddress">Where an InlinedCallFrame has its return address.</param>
    /// <param name="Thrown">Where an exception in flight is kept.</param>
    /// <param name="Lists">What it says of the places that are also calibrated.</param>
    internal readonly record struct Description(ng_clr_layout Layout, uint ReturnAddress, Thrown Thrown, DescribedLists Lists);
}
