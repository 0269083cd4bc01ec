using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
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
    [InlineData("FramedMethodFrame", "!")]
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

        ContractDescriptor descriptor = new Surroundings().ReadDescriptor();
        Assert.True(IsDescribed(new Doctored()));
        uint real = descriptor.Offset(type, field);
        Assert.False(IsDescribed(Doctored.Without("types", type, field)));
        for (int offset = 0; offset < 256; offset += sizeof(ulong))
        {
            Assert.Equal(offset == real, IsDescribed(Doctored.WithField(type, field, offset)));
        }
    }

    // What .NET 11 describes, a later patch of .NET 10 may; if so it must fit.
    [Fact]
    public void A_helper_frame_of_another_form_turns_it_off()
    {
        if (!IsForThisPlatform)
        {
            return;
        }

        uint end = new Surroundings().ReadDescriptor().Offset("FramedMethodFrame", "!");
        Assert.True(IsDescribed(WithHelperFrame(end, end + 8)));
        for (uint other = 0; other < 128; other += 4)
        {
            Assert.Equal(other == end, IsDescribed(WithHelperFrame(other, end + 8)));
            Assert.Equal(other == end + 8, IsDescribed(WithHelperFrame(end, other)));
        }

        if (RunningRuntime.HasNamedVersions)
        {
            Assert.False(IsDescribed(Doctored.Without("types", "DynamicHelperFrame")));
            Assert.False(IsDescribed(Doctored.Without("types", "DynamicHelperFrame", "DynamicHelperFrameFlags")));
        }

        static Doctored WithHelperFrame(uint flags, uint size) =>
            new(root => root["types"]!["DynamicHelperFrame"] = new JsonObject { ["!"] = size, ["DynamicHelperFrameFlags"] = flags });
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
