using System.Runtime.InteropServices;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>What the switch without a transition needs of the runtime: taken if all of it is said and fits, else left
/// alone, and greenlets work without it.</summary>
public class TransitionFrameTests
{
    private const ulong MostIdentifiers = 64;

    private static bool IsForThisPlatform => RuntimeInformation.ProcessArchitecture == Architecture.X64 && !OperatingSystem.IsWindows();

    [Fact]
    public unsafe void It_is_used_where_it_can_be()
    {
        _ = new Greenlet(() => { }).Switch();

        Assert.Equal(IsForThisPlatform, NativeMethods.ng_clr_direct() is not null);
    }

    [Theory]
    [InlineData("FramedMethodFrame", "TransitionBlockPtr")]
    [InlineData("TransitionBlock", "!")]
    [InlineData("TransitionBlock", "ReturnAddress")]
    [InlineData("TransitionBlock", "CalleeSavedRegisters")]
    [InlineData("CalleeSavedRegisters", "!")]
    [InlineData("CalleeSavedRegisters", "R12")]
    [InlineData("CalleeSavedRegisters", "Rbx")]
    [InlineData("CalleeSavedRegisters", "Rbp")]
    public void Every_other_offset_turns_it_off(string type, string field)
    {
        if (!IsForThisPlatform)
        {
            return;
        }

        uint real = new Surroundings().ReadDescriptor().Offset(type, field);
        Assert.False(IsDescribed(Doctored.Without("types", type, field)));
        for (int offset = 0; offset < 256; offset += sizeof(ulong))
        {
            Assert.Equal(offset == real, IsDescribed(Doctored.WithField(type, field, offset)));
        }
    }

    [Fact]
    public void Every_other_identifier_turns_it_off()
    {
        if (!IsForThisPlatform)
        {
            return;
        }

        ulong real = new Surroundings().ReadDescriptor().Value("DynamicHelperFrameIdentifier");
        Assert.False(IsDescribed(Doctored.Without("globals", "DynamicHelperFrameIdentifier")));
        for (ulong identifier = 0; identifier < MostIdentifiers; identifier++)
        {
            ulong value = identifier;
            Doctored doctored = new(root => root["globals"]!["DynamicHelperFrameIdentifier"] = value);
            Assert.Equal(identifier == real, IsDescribed(doctored));
        }
    }

    private static bool IsDescribed(Doctored doctored)
    {
        ng_clr_layout layout = new() { frame_next = sizeof(ulong) };
        ContractDescriptor descriptor = doctored.ReadDescriptor();
        TransitionFrame.Describe(descriptor, RuntimeEdition.Of(descriptor), ref layout);
        return layout.transition_frame_identifier != 0;
    }
}
