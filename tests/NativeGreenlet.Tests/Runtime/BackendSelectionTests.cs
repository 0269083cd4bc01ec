using System.Text.Json.Nodes;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>On a runtime that is not one we know greenlets are threads, and the description says why; who insists on
/// segments gets an exception that says what to do.</summary>
public unsafe class BackendSelectionTests
{
    [Fact]
    public void On_a_runtime_that_we_know_there_are_segments()
    {
        BackendSelection selection = BackendSelection.Choose(null, new Doctored());

        Assert.Equal(GreenletBackend.Segments, selection.Backend);
        Assert.StartsWith("Segments: the garbage collector is precise", selection.Description, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Thread")]
    [InlineData("StackWalk")]
    [InlineData("Exception")]
    public void A_missing_contract(string contract) =>
        FallsToThreads(Doctored.Without("contracts", contract), $"it has no contract '{contract}'");

    [Theory]
    [InlineData("Thread", 2)]
    [InlineData("StackWalk", 2)]
    [InlineData("Exception", 0)]
    public void A_contract_of_another_version(string contract, int version) => FallsToThreads(
        Doctored.WithContract(contract, version),
        $"it has version {RunningRuntime.Version(version)} of the contract '{contract}'; we know version {RunningRuntime.Version(1)}");

    [Theory]
    [InlineData("Thread")]
    [InlineData("StackWalk")]
    [InlineData("Exception")]
    public void A_contract_version_as_the_other_form_writes_it(string contract) => FallsToThreads(
        new Doctored(root => root["contracts"]![contract] = RunningRuntime.HasNamedVersions ? 1 : "c1"),
        $"it has no usable version of the contract '{contract}', but {(RunningRuntime.HasNamedVersions ? "1" : "\"c1\"")}");

    [Theory]
    [InlineData("Thread", "State")]
    [InlineData("Thread", "PreemptiveGCDisabled")]
    [InlineData("Thread", "Frame")]
    [InlineData("Thread", "ExceptionTracker")]
    [InlineData("Thread", "OSId")]
    [InlineData("Frame", "Next")]
    [InlineData("InlinedCallFrame", "!")]
    [InlineData("InlinedCallFrame", "CallerReturnAddress")]
    [InlineData("ExceptionInfo", "ThrownObject")]
    [InlineData("ExceptionInfo", "PreviousNestedInfo")]
    public void A_missing_field(string type, string field) =>
        FallsToThreads(Doctored.Without("types", type, field), $"its descriptor has no '{type}.{field}'");

    [Fact]
    public void A_missing_global() =>
        FallsToThreads(Doctored.Without("globals", "InlinedCallFrameIdentifier"), "its descriptor has no global 'InlinedCallFrameIdentifier'");

    [Theory]
    [InlineData("types")]
    [InlineData("globals")]
    [InlineData("contracts")]
    public void A_missing_section(string section) => FallsToThreads(Doctored.Without(section), $"its contract descriptor has no '{section}'");

    // That every wrong value is noticed is in WrongOffsetTests; here, which words come of it.
    [Theory]
    [InlineData("Thread", "State", 8, "a thread's state is not noted where its descriptor says")]
    [InlineData("Thread", "PreemptiveGCDisabled", 0, "not in cooperative mode")]
    [InlineData("Thread", "Frame", 0, "its chain of frames is not one")]
    [InlineData("Thread", "Frame", 12, "no usable offset for 'Thread.Frame'")]
    [InlineData("Thread", "Frame", 4096, "no usable offset for 'Thread.Frame'")]
    [InlineData("Thread", "ExceptionTracker", 8, "a fresh thread has an exception in flight")]
    [InlineData("Thread", "OSId", 0, "bears number")]
    [InlineData("Frame", "Next", 0, "its chain of frames is not one")]
    [InlineData("ExceptionInfo", "ThrownObject", 16, "does not keep its object where its descriptor says")]
    public void A_wrong_offset(string type, string field, int offset, string reason) =>
        FallsToThreads(Doctored.WithField(type, field, offset), reason);

    [Fact]
    public void A_wrong_identifier_of_frames() => FallsToThreads(
        new Doctored(root => root["globals"]!["InlinedCallFrameIdentifier"] = 12345),
        "the frame of a call of unmanaged code is not as its descriptor says (OtherIdentifier)");

    [Fact]
    public void A_descriptor_of_another_form()
    {
        Doctored doctored = new();
        doctored.Header->Magic++;
        FallsToThreads(doctored, "its contract descriptor starts with another magic number");

        doctored = new Doctored();
        doctored.Header->Flags = 3;
        FallsToThreads(doctored, "its contract descriptor has flags 0x3");

        doctored = new Doctored();
        doctored.Header->JsonSize /= 2;
        FallsToThreads(doctored, "its contract descriptor is not JSON");
    }

    [Fact]
    public void No_descriptor() => FallsToThreads(new Doctored { HasDescriptor = false }, "it exports no 'DotNetRuntimeContractDescriptor'");

    [Fact]
    public void NativeAOT() => FallsToThreads(new Doctored { HasDescriptor = false, IsForNativeAot = true }, "it is NativeAOT, not CoreCLR");

    [Fact]
    public void Mono() => FallsToThreads(new Doctored { HasDescriptor = false, IsForMono = true }, "it is Mono, not CoreCLR");

    [Fact]
    public void A_program_that_does_without_generated_code_is_not_taken_for_NativeAOT() =>
        Assert.Equal(GreenletBackend.Segments, BackendSelection.Choose(null, new Doctored { IsForNativeAot = true }).Backend);

    [Theory]
    [InlineData("1")]
    [InlineData("3")]
    [InlineData("\"2\"")]
    [InlineData("null")]
    [InlineData("{}")]
    public void A_descriptor_of_an_unknown_version(string version) => FallsToThreads(
        new Doctored(root => root["version"] = JsonNode.Parse(version)),
        $"its contract descriptor is of version {version[..1]}");

    [Fact]
    public void A_descriptor_without_a_version_or_on_another_baseline()
    {
        FallsToThreads(Doctored.Without("version"), "its contract descriptor has no version");
        FallsToThreads(Doctored.Without("baseline"), "its contract descriptor has the baseline none");
        FallsToThreads(new Doctored(root => root["baseline"] = "net12"), "its contract descriptor has the baseline \"net12\"");
    }

    // The rest is for runtimes whose descriptor says what is calibrated on the others.
    [Theory]
    [InlineData("Thread", "GCFrame")]
    [InlineData("Thread", "CachedStackBase")]
    [InlineData("Thread", "CachedStackLimit")]
    [InlineData("GCFrame", "Next")]
    public void A_missing_field_that_a_contract_promises(string type, string field)
    {
        if (RunningRuntime.HasNamedVersions)
        {
            FallsToThreads(Doctored.Without("types", type, field), $"its descriptor has no '{type}.{field}'");
        }
        else
        {
            ContractDescriptor descriptor = new Surroundings().ReadDescriptor();
            Assert.False(descriptor.Has(type, field)); // not promised, and not there
        }
    }

    // On every runtime: a patch may add what its contract does not promise, and then it must agree.
    [Fact]
    public void What_a_descriptor_says_differs_from_what_is_found()
    {
        ng_clr_layout layout = RuntimeLayout.Discover(new Surroundings().ReadDescriptor()).Native;
        uint limits = layout.thread_stack_limits;
        uint head = layout.thread_gc_frame;

        FallsToThreads(Says(head + 8, limits, limits + 8), "the list of protected references is not where its descriptor says");
        FallsToThreads(Says(head, limits + 8, limits + 16), "the limits of a stack are not where its descriptor says");
        FallsToThreads(Says(head, limits, limits + 16), "the limits of a stack do not lie side by side");
        FallsToThreads(Says(head, limits, limits + 8, next: 8), "its protected references are linked in another way");
        FallsToThreads(Says(4096, limits, limits + 8), "no usable offset for 'Thread.GCFrame'");

        Assert.Equal(GreenletBackend.Segments, BackendSelection.Choose(null, Says(head, limits, limits + 8)).Backend);

        static Doctored Says(uint head, uint high, uint low, uint next = 0) => new(root =>
        {
            root["types"]!["Thread"]!["GCFrame"] = head;
            root["types"]!["Thread"]!["CachedStackBase"] = high;
            root["types"]!["Thread"]!["CachedStackLimit"] = low;
            root["types"]!["GCFrame"] = new JsonObject { ["Next"] = next };
        });
    }

    [Fact]
    public void The_description_says_what_was_described_and_what_calibrated() => Assert.Contains(
        RunningRuntime.HasNamedVersions ? "the last two described and found there" : "the last two calibrated",
        BackendSelection.Choose(null, new Doctored()).Description,
        StringComparison.Ordinal);

    // Contracts decide, not the number of a release: docs/design.md.
    [Theory]
    [InlineData("12.0.0")]
    [InlineData("12.0.0-preview.1")]
    public void A_release_that_we_do_not_know_with_contracts_that_we_do(string version)
    {
        Doctored doctored = new(root => root["globals"]!["RuntimeProductVersionString"] = new JsonArray(version, "string"));

        Assert.Equal(GreenletBackend.Segments, BackendSelection.Choose(null, doctored).Backend);
    }

    private static void FallsToThreads(Doctored doctored, string reason)
    {
        BackendSelection selection = BackendSelection.Choose(null, doctored);

        Assert.Equal(GreenletBackend.Threads, selection.Backend);
        Assert.Null(selection.Bridge);
        Assert.StartsWith("Threads: this runtime is not one that we know: ", selection.Description, StringComparison.Ordinal);
        Assert.Contains(reason, selection.Description, StringComparison.Ordinal);

        GreenletException refused = Expect.Failure(GreenletError.NotSupported, () => BackendSelection.Choose("segments", doctored));
        Assert.Contains("NATIVEGREENLET_BACKEND asks for segments", refused.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.Contains("NATIVEGREENLET_BACKEND=threads", refused.Message, StringComparison.Ordinal);
        Assert.IsType<UnsupportedRuntimeException>(refused.InnerException);
    }
}
