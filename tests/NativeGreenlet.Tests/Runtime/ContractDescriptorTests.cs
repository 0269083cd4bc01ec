using System.Text;
using System.Text.Json.Nodes;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>A runtime whose description does not fit must be refused with a sentence that says what does not fit, never
/// guessed at.</summary>
public unsafe class ContractDescriptorTests
{
    private const string Good = """
        {
          "version": 0,
          "baseline": "empty",
          "types": {
            "Thread": { "Id": [8, "uint32"], "OSId": [360, "nuint"], "State": [16, "uint32"], "PreemptiveGCDisabled": 20, "Frame": [24, "pointer"] },
            "InlinedCallFrame": { "!": 64, "CallerReturnAddress": 40 }
          },
          "globals": { "Direct": 12, "Hex": ["0x7fffffffffff", "pointer"], "Decimal": "77", "Store": [[1], "pointer"], "Plain": [2] },
          "contracts": { "Thread": 1, "StackWalk": 1 }
        }
        """;

    [Fact]
    public void Offsets_sizes_globals_and_contracts_are_read()
    {
        ContractDescriptor descriptor = Parse(Good);

        Assert.Equal(360u, descriptor.Offset("Thread", "OSId"));
        Assert.Equal(20u, descriptor.Offset("Thread", "PreemptiveGCDisabled"));
        Assert.Equal(64u, descriptor.Offset("InlinedCallFrame", "!"));
        Assert.Equal(12ul, descriptor.Value("Direct"));
        Assert.Equal(0x7fffffffffff, (long)descriptor.Value("Hex"));
        Assert.Equal(77ul, descriptor.Value("Decimal"));
        Assert.Equal("1", descriptor.Version("Thread"));
        Assert.Equal("0", descriptor.Form);
    }

    [Theory]
    [InlineData("")]
    [InlineData("garbage")]
    [InlineData("{ \"types\": {")]
    [InlineData("{ \"types\": }")]
    public void What_is_not_JSON_is_refused(string json) => Refused("not JSON", () => Parse(json));

    [Theory]
    [InlineData("types")]
    [InlineData("globals")]
    [InlineData("contracts")]
    public void A_missing_section_is_refused(string section)
    {
        JsonObject root = Root();
        root.Remove(section);
        Refused($"'{section}'", () => Parse(root.ToJsonString()));

        root[section] = new JsonArray();
        Refused($"'{section}'", () => Parse(root.ToJsonString()));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("null")]
    public void JSON_of_another_form_is_refused(string json) => Refused("'types'", () => Parse(json));

    [Fact]
    public void A_missing_type_or_field_is_refused()
    {
        ContractDescriptor descriptor = Parse(Good);

        Refused("'Frame.Next'", () => descriptor.Offset("Frame", "Next"));
        Refused("'Thread.ExceptionTracker'", () => descriptor.Offset("Thread", "ExceptionTracker"));
    }

    [Theory]
    [InlineData("\"text\"")]
    [InlineData("[]")]
    [InlineData("[\"pointer\", 24]")]
    [InlineData("[24]")]
    [InlineData("[24, 8]")]
    [InlineData("[24, \"pointer\", 8]")]
    [InlineData("-8")]
    [InlineData("65536")]
    [InlineData("1.5")]
    [InlineData("null")]
    [InlineData("{}")]
    public void An_offset_that_is_none_is_refused(string offset)
    {
        ContractDescriptor descriptor = Parse(With("types", "Thread", "Frame", offset));

        Refused("'Thread.Frame'", () => descriptor.Offset("Thread", "Frame"));
    }

    [Theory]
    [InlineData("\"text\"")]
    [InlineData("\"0xyz\"")]
    [InlineData("-1")]
    [InlineData("[[1], \"pointer\"]")]
    [InlineData("[1]")]
    [InlineData("\"\"")]
    [InlineData("{}")]
    [InlineData("null")]
    public void A_value_that_is_none_is_refused(string value)
    {
        JsonObject root = Root();
        root["globals"]!["Direct"] = JsonNode.Parse(value);
        ContractDescriptor descriptor = Parse(root.ToJsonString());

        Refused("'Direct'", () => descriptor.Value("Direct"));
    }

    [Fact]
    public void A_missing_global_is_refused()
    {
        ContractDescriptor descriptor = Parse(Good);

        Refused("'Nothing'", () => descriptor.Value("Nothing"));
    }

    [Theory]
    [InlineData("\"1\"")]
    [InlineData("\"c1\"")]
    [InlineData("\"\"")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("[1]")]
    [InlineData("null")]
    public void A_contract_version_that_is_none_is_refused(string version)
    {
        Refused("no contract 'Exception'", () => Parse(Good).Version("Exception"));
        Refused("no usable version of the contract 'Thread'", () => Parse(With("contracts", "Thread", null, version)).Version("Thread"));
    }

    [Fact]
    public void The_header_is_checked()
    {
        byte[] json = Encoding.UTF8.GetBytes(Good);
        fixed (byte* text = json)
        {
            ContractDescriptor.Header good = new()
            {
                Magic = 0x0043414443434e44,
                Flags = 1,
                JsonSize = (uint)json.Length,
                Json = text,
            };
            Assert.Equal(12, (int)ContractDescriptor.Read(&good).Value("Direct"));

            ContractDescriptor.Header bad = good;
            bad.Magic++;
            RefusedHeader("magic", bad);
            bad = good;
            bad.Flags = 3; // of a 32-bit process
            RefusedHeader("flags 0x3", bad);
            bad = good;
            bad.JsonSize = 0;
            RefusedHeader("sizes", bad);
            bad.JsonSize = uint.MaxValue;
            RefusedHeader("sizes", bad);
            bad = good;
            bad.Json = null;
            RefusedHeader("sizes", bad);
            bad = good;
            bad.JsonSize -= 4;
            RefusedHeader("not JSON", bad);
        }
    }

    [Fact]
    public void The_running_runtime_describes_itself()
    {
        ContractDescriptor descriptor = new Surroundings().ReadDescriptor();

        _ = RuntimeEdition.Of(descriptor);
        Assert.NotEqual(0u, descriptor.Offset("Thread", "Frame"));
    }

    [Theory]
    [InlineData("types", "ExceptionInfo", "PreviousNestedInfo", "8", "linked in another way")]
    [InlineData("types", "InlinedCallFrame", "CallerReturnAddress", "4000", "return address")]
    [InlineData("types", "Thread", "Frame", "\"lost\"", "'Thread.Frame'")]
    public void The_layout_is_not_made_of_a_description_that_does_not_fit(string section, string type, string? field, string value, string expected)
    {
        JsonObject root = RunningDescription();
        Set(root, section, type, field, value);
        ContractDescriptor doctored = ContractDescriptor.Parse(Encoding.UTF8.GetBytes(root.ToJsonString()));

        Refused(expected, () => RuntimeLayout.Discover(doctored));
    }

    [Fact]
    public void The_layout_of_the_running_runtime_is_found()
    {
        _ = NativeEngine.Handle;
        ContractDescriptor descriptor = ContractDescriptor.Parse(Encoding.UTF8.GetBytes(RunningDescription().ToJsonString()));

        ng_clr_layout layout = RuntimeLayout.Discover(descriptor).Native;

        Assert.Equal((uint)sizeof(ng_clr_layout), layout.size);
        Assert.Equal(descriptor.Offset("Thread", "Frame"), layout.thread_frame);
        Assert.NotEqual(0u, layout.thread_gc_frame);
        Assert.NotEqual(0u, layout.thread_stack_limits);
        Assert.True(layout.sufficient_stack > 0 && layout.risky_stackalloc > layout.sufficient_stack);
    }

    private static ContractDescriptor Parse(string json) => ContractDescriptor.Parse(Encoding.UTF8.GetBytes(json));

    private static JsonObject Root() => JsonNode.Parse(Good)!.AsObject();

    private static string With(string section, string name, string? field, string value)
    {
        JsonObject root = Root();
        Set(root, section, name, field, value);
        return root.ToJsonString();
    }

    private static void Set(JsonObject root, string section, string name, string? field, string value)
    {
        JsonNode? node = JsonNode.Parse(value);
        if (field is null)
        {
            root[section]![name] = node;
        }
        else
        {
            root[section]![name]![field] = node;
        }
    }

    private static UnsupportedRuntimeException Refused(string expected, Func<object?> action)
    {
        UnsupportedRuntimeException exception = Assert.Throws<UnsupportedRuntimeException>(() => { _ = action(); });
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        return exception;
    }

    private static UnsupportedRuntimeException Refused(string expected, Action action) => Refused(
        expected,
        () =>
        {
            action();
            return null;
        });

    private static void RefusedHeader(string expected, ContractDescriptor.Header header)
    {
        UnsupportedRuntimeException exception = Assert.Throws<UnsupportedRuntimeException>(() => { ReadCopy(header); });
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);

        static void ReadCopy(ContractDescriptor.Header copy) => _ = ContractDescriptor.Read(&copy);
    }

    private static JsonObject RunningDescription() => JsonNode.Parse(RunningRuntime.Json)!.AsObject();
}
