using System.Text;
using System.Text.Json.Nodes;
using NativeGreenlet.Interop;
using NativeGreenlet.Runtime;
using NativeGreenlet.Tests.Infrastructure;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>Both forms of the descriptor, on whichever runtime the tests run: texts that runtimes have, whole and
/// doctored.</summary>
public class DescriptorFormsTests
{
    private const string Numbered = "10.0.12-linux-x64";
    private const string Named = "11.0.0-linux-x64";

    public static TheoryData<string> Forms => [Numbered, Named];

    public static TheoryData<string, string> Contracts => Combine(["Thread", "StackWalk", "Exception"]);

    public static TheoryData<string, string> Sections => Combine(["types", "globals", "contracts", "version", "baseline"]);

    public static TheoryData<string, string> Fields
    {
        get
        {
            TheoryData<string, string> fields = Combine(
                [
                    "Thread.State", "Thread.PreemptiveGCDisabled", "Thread.Frame", "Thread.ExceptionTracker", "Frame.Next", "InlinedCallFrame.!",
                    "InlinedCallFrame.CallerReturnAddress", "ExceptionInfo.ThrownObject", "ExceptionInfo.PreviousNestedInfo",
                ]);
            foreach (string name in (string[])["Thread.GCFrame", "Thread.CachedStackBase", "Thread.CachedStackLimit", "GCFrame.Next"])
            {
                fields.Add(Named, name);
            }

            return fields;
        }
    }

    [Fact]
    public void The_numbered_form_is_read()
    {
        ContractDescriptor descriptor = Read(Numbered);
        RuntimeEdition edition = RuntimeEdition.Of(descriptor);
        RuntimeLayout.Description description = RuntimeLayout.Describe(descriptor, edition);

        Assert.Equal("0", descriptor.Form);
        Assert.Equal("1", descriptor.Version("Thread"));
        Assert.True(edition.ThrownIsHandle);
        Assert.False(edition.SaysWhereListsAre);
        Assert.False(edition.ThreadsStartProtected);
        Assert.False(edition.DescribesHelperFrames);
        Assert.Equal(new Thrown(8, IsHandle: true), description.Thrown);
        Assert.Equal(new DescribedLists(null, null), description.Lists);
        IsLayout(description, frame: 8, tracker: 352);
        Assert.Equal(304u, descriptor.Offset("Thread", "GCHandle")); // [304, "GCHandle"]
        Assert.Equal(5ul, descriptor.Value("SOSBreakingChangeVersion")); // ["0x5", "uint8"]
    }

    [Fact]
    public void The_named_form_is_read()
    {
        ContractDescriptor descriptor = Read(Named);
        RuntimeEdition edition = RuntimeEdition.Of(descriptor);
        RuntimeLayout.Description description = RuntimeLayout.Describe(descriptor, edition);

        Assert.Equal("2", descriptor.Form);
        Assert.Equal("c1", descriptor.Version("Thread"));
        Assert.Equal("c2", descriptor.Version("StressLog"));
        Assert.False(edition.ThrownIsHandle);
        Assert.True(edition.SaysWhereListsAre);
        Assert.True(edition.ThreadsStartProtected);
        Assert.True(edition.DescribesHelperFrames);
        Assert.Equal(new Thrown(168, IsHandle: false), description.Thrown);
        Assert.Equal(new DescribedLists(608, 120), description.Lists);
        IsLayout(description, frame: 8, tracker: 280);
        Assert.Equal(5ul, descriptor.Value("SOSBreakingChangeVersion")); // "0x5"
    }

    [Theory]
    [MemberData(nameof(Contracts))]
    public void An_unknown_or_missing_contract_is_named(string form, string contract)
    {
        string one = form == Named ? "c1" : "1";
        string other = form == Named ? "c2" : "2";

        Refused($"it has version {other} of the contract '{contract}'; we know version {one}", form, root => root["contracts"]![contract] = Version(other, form));
        Refused($"it has no contract '{contract}'", form, root => root["contracts"]!.AsObject().Remove(contract));
        string written = form == Named ? "1" : "\"c1\"";
        Refused($"it has no usable version of the contract '{contract}', but {written}", form, root => root["contracts"]![contract] = JsonNode.Parse(written));
    }

    [Theory]
    [MemberData(nameof(Sections))]
    public void A_section_that_is_missing_or_another_is_refused(string form, string section)
    {
        Refused(section, form, root => root.Remove(section));
        Refused(section, form, root => root[section] = new JsonArray());
        Refused(section, form, root => root[section] = null);
    }

    [Theory]
    [MemberData(nameof(Fields))]
    public void A_field_that_is_missing_or_impossible_is_named(string form, string path)
    {
        string[] names = path.Split('.');
        Refused($"'{path}'", form, root => root["types"]![names[0]]!.AsObject().Remove(names[1]));
        Refused($"'{names[0]}.", form, root => root["types"]!.AsObject().Remove(names[0]));
        foreach (string value in (string[])["\"8\"", "-8", "65536", "[8]", "[\"8\", \"pointer\"]", "{}", "null", "true"])
        {
            Refused($"no usable offset for '{path}'", form, root => root["types"]![names[0]]![names[1]] = JsonNode.Parse(value));
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Text_that_is_cut_off_is_refused_wherever_it_ends(string form)
    {
        byte[] text = Text(form);
        for (int length = 0; length < text.Length; length += length < text.Length - 64 ? 37 : 1)
        {
            byte[] part = text[..length];
            _ = Assert.Throws<UnsupportedRuntimeException>(() => ContractDescriptor.Parse(part));
        }
    }

    [Theory]
    [InlineData(Numbered, "\"Thread\"", "\"Th\\u0072ead\"")]
    [InlineData(Named, "\"Thread\"", "\"Th\\u0072ead\"")]
    [InlineData(Named, "\"c1\"", "\"c1")]
    [InlineData(Named, "\"c1\"", "c1")]
    [InlineData(Named, "\"c1\"", "\"c\t1\"")]
    [InlineData(Named, "\"0x1\"", "0x1")]
    [InlineData(Numbered, "\"0x1\"", "\"0x1")]
    [InlineData(Numbered, "\"baseline\"", "\"version\"")]
    [InlineData(Named, "\"Exception\"", "\"Thread\"")]
    public void Malformed_strings_and_names_that_come_twice_are_refused(string form, string original, string malformed)
    {
        string text = Encoding.UTF8.GetString(Text(form));
        Assert.Contains(original, text, StringComparison.Ordinal);
        int last = text.LastIndexOf(original, StringComparison.Ordinal);
        string other = string.Concat(text.AsSpan(0, last), malformed, text.AsSpan(last + original.Length));

        UnsupportedRuntimeException refused = Assert.Throws<UnsupportedRuntimeException>(() => ContractDescriptor.Parse(Encoding.UTF8.GetBytes(other)));

        Assert.Equal("its contract descriptor is not JSON", refused.Message);
    }

    // They describe the collector, and nothing of them is read: absent they are not missed, but they must be what they are.
    [Fact]
    public void Sub_descriptors_may_be_absent_but_not_of_another_form()
    {
        foreach (string? sub in (string?[])[null, "{}", "{ \"GC\": 7, \"Other\": \"text\" }", "{ \"types\": { \"Thread\": { \"Frame\": 16 } } }"])
        {
            RuntimeLayout.Description description = Describe(Named, root =>
            {
                _ = root.Remove("subDescriptors");
                if (sub is not null)
                {
                    root["subDescriptors"] = JsonNode.Parse(sub);
                }
            });
            Assert.Equal(8u, description.Layout.thread_frame);
        }

        foreach (string sub in (string[])["[]", "7", "null", "\"GC\""])
        {
            Refused("'subDescriptors'", Named, root => root["subDescriptors"] = JsonNode.Parse(sub));
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Limits_and_protected_references_that_cannot_be_taken_are_refused(string form)
    {
        Refused("side by side", form, root => Say(root, 608, 120, 136, 0));
        Refused("linked in another way", form, root => Say(root, 608, 120, 128, 8));
        Refused("'Thread.GCFrame'", form, root => Say(root, 604, 120, 128, 0)); // not aligned
        Refused("'Thread.CachedStackBase'", form, root => Say(root, 608, 1024, 1032, 0));

        // Amendments add fields: what a numbered one says is compared, too.
        Assert.Equal(new DescribedLists(608, 120), Describe(form, root => Say(root, 608, 120, 128, 0)).Lists);

        static void Say(JsonObject root, int head, int high, int low, int next)
        {
            root["types"]!["Thread"]!["GCFrame"] = head;
            root["types"]!["Thread"]!["CachedStackBase"] = high;
            root["types"]!["Thread"]!["CachedStackLimit"] = low;
            root["types"]!["GCFrame"] = new JsonObject { ["Next"] = next };
        }
    }

    // In a process of its own: a check that is missing reads what is not there.
    [Fact]
    public void The_description_of_another_runtime_is_refused()
    {
        InChild.Result child = InChild.Run(TakeOther);

        Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{child.Output}\n{child.Error}");
        Assert.Equal("refused", child.Output.Trim());
    }

    [Fact]
    public void The_design_lists_the_contract_versions_that_are_known()
    {
        IEnumerable<string> listed = File.ReadLines(RepositoryFile.Path("design.md"))
            .SkipWhile(line => !line.StartsWith("| form | contract | version |", StringComparison.Ordinal))
            .Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => string.Join(", ", line.Trim('|').Split('|', StringSplitOptions.TrimEntries).Take(3).Select(cell => cell.Trim('`'))));

        Assert.Equal(RuntimeEdition.Known.Order(), listed.Order());
    }

    private static void TakeOther()
    {
        _ = NativeEngine.Handle;
        ContractDescriptor other = Read(RunningRuntime.HasNamedVersions ? Numbered : Named);
        try
        {
            _ = RuntimeLayout.Discover(other);
            Console.WriteLine("taken");
        }
        catch (UnsupportedRuntimeException)
        {
            Console.WriteLine("refused");
        }
    }

    private static void IsLayout(RuntimeLayout.Description description, uint frame, uint tracker)
    {
        Assert.Equal(0u, description.Layout.thread_state);
        Assert.Equal(4u, description.Layout.thread_preemptive_disabled);
        Assert.Equal(frame, description.Layout.thread_frame);
        Assert.Equal(tracker, description.Layout.thread_exception_tracker);
        Assert.Equal(8u, description.Layout.frame_next);
        Assert.Equal(56u, description.Layout.frame_size);
        Assert.Equal(1ul, description.Layout.frame_identifier);
        Assert.Equal(32u, description.ReturnAddress);
    }

    private static TheoryData<string, string> Combine(string[] others)
    {
        TheoryData<string, string> all = [];
        foreach (string other in others)
        {
            all.Add(Numbered, other);
            all.Add(Named, other);
        }

        return all;
    }

    private static JsonNode Version(string version, string form) => form == Named ? JsonValue.Create(version) : JsonNode.Parse(version)!;

    private static void Refused(string expected, string form, Action<JsonObject> change)
    {
        UnsupportedRuntimeException refused = Assert.Throws<UnsupportedRuntimeException>(() => { _ = Describe(form, change); });
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    private static RuntimeLayout.Description Describe(string form, Action<JsonObject> change)
    {
        JsonObject root = JsonNode.Parse(Text(form))!.AsObject();
        change(root);
        ContractDescriptor descriptor = ContractDescriptor.Parse(Encoding.UTF8.GetBytes(root.ToJsonString()));
        return RuntimeLayout.Describe(descriptor, RuntimeEdition.Of(descriptor));
    }

    private static ContractDescriptor Read(string form) => ContractDescriptor.Parse(Text(form));

    private static byte[] Text(string form)
    {
        using Stream stream = typeof(DescriptorFormsTests).Assembly.GetManifestResourceStream(form)!;
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
