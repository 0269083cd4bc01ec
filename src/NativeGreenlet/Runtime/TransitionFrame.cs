using System.Runtime.InteropServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// The frame by which the runtime's own stubs, which are called as managed methods are, lead the collector to the registers
/// of their callers. The switch without a transition shows such a one.
/// </summary>
internal static class TransitionFrame
{
    // In the order in which the native library saves them: that of the runtime's stubs on x86-64, other than on Windows.
    private static readonly string[] s_registers = ["R12", "R13", "R14", "R15", "Rbx", "Rbp"];

    /// <summary>Fills in what the descriptor says of it. Where it does not say all, or something else than we save, nothing:
    /// every switch then makes a transition.</summary>
    public static void Describe(ContractDescriptor descriptor, RuntimeEdition edition, ref ng_clr_layout layout)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64 || OperatingSystem.IsWindows())
        {
            return;
        }

        try
        {
            uint frameBlock = descriptor.Offset("FramedMethodFrame", "TransitionBlockPtr");
            uint blockRegisters = descriptor.Offset("TransitionBlock", "CalleeSavedRegisters");
            uint blockReturn = descriptor.Offset("TransitionBlock", "ReturnAddress");
            ulong identifier = descriptor.Value("DynamicHelperFrameIdentifier");
            // Link and identifier come first, then the block and the method.
            uint frameSize = descriptor.Offset("FramedMethodFrame", "!");
            bool fits = frameSize == frameBlock + 2 * sizeof(ulong)
                && descriptor.Offset("CalleeSavedRegisters", "!") == s_registers.Length * sizeof(ulong)
                && descriptor.Offset("TransitionBlock", "!") == blockReturn + sizeof(ulong)
                && frameBlock == 2 * sizeof(ulong) && layout.frame_next == sizeof(ulong)
                && blockReturn == blockRegisters + (s_registers.Length * sizeof(ulong))
                && descriptor.IsOneOf("FrameIdentifier", "DynamicHelperFrameIdentifier");
            if (edition.DescribesHelperFrames || descriptor.Has("DynamicHelperFrame", "!"))
            {
                // Its flags, and nothing else, follow the method: the zeros that we have there mean "no arguments".
                fits &= descriptor.Offset("DynamicHelperFrame", "DynamicHelperFrameFlags") == frameSize
                    && descriptor.Offset("DynamicHelperFrame", "!") == frameSize + sizeof(ulong);
            }

            for (int i = 0; i < s_registers.Length; i++)
            {
                fits &= descriptor.Offset("CalleeSavedRegisters", s_registers[i]) == i * sizeof(ulong);
            }

            if (fits)
            {
                layout.transition_frame_block = frameBlock;
                layout.transition_block_registers = blockRegisters;
                layout.transition_block_return = blockReturn;
                layout.transition_frame_identifier = identifier;
            }
        }
        catch (UnsupportedRuntimeException)
        {
            // It does not say.
        }
    }
}
