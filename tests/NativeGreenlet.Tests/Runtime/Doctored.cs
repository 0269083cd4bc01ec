using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using NativeGreenlet.Runtime;

namespace NativeGreenlet.Tests.Runtime;

/// <summary>The surroundings of this process with something changed: its runtime's description of itself, what kind of
/// runtime it is, whether the platform is one that the native library is built for.</summary>
internal sealed unsafe class Doctored : Surroundings
{
    private readonly ContractDescriptor.Header* _header = (ContractDescriptor.Header*)NativeMemory.AllocZeroed((nuint)sizeof(ContractDescriptor.Header));

    /// <summary>The real descriptor with changes.</summary>
    public Doctored(Action<JsonObject>? change = null)
    {
        JsonObject root = JsonNode.Parse(RunningRuntime.Json)!.AsObject();
        change?.Invoke(root);
        byte[] json = Encoding.UTF8.GetBytes(root.ToJsonString());
        *_header = new ContractDescriptor.Header
        {
            Magic = 0x0043414443434e44,
            Flags = 1,
            JsonSize = (uint)json.Length,
            Json = (byte*)NativeMemory.Alloc((nuint)json.Length),
        };
        json.CopyTo(new Span<byte>(_header->Json, json.Length));
    }

    public ContractDescriptor.Header* Header => HasDescriptor ? _header : null;

    public bool HasDescriptor { get; init; } = true;

    public bool IsForMono { get; init; }

    public bool IsForNativeAot { get; init; }

    public bool IsForKnownPlatform { get; init; } = true;

    public override bool IsNativeLibraryExpected => IsForKnownPlatform;

    protected override bool IsMono => IsForMono;

    protected override bool IsNativeAot => IsForNativeAot;

    protected override ContractDescriptor.Header* FindDescriptor() => Header;

    /// <summary>With a contract of another version, which is written as the running runtime writes versions.</summary>
    public static Doctored WithContract(string name, int version) =>
        new(root => root["contracts"]![name] = RunningRuntime.HasNamedVersions ? $"c{version}" : version);

    /// <summary>With a field at another place.</summary>
    public static Doctored WithField(string type, string field, JsonNode? value) => new(root => root["types"]![type]![field] = value);

    /// <summary>Without a part, by its path.</summary>
    public static Doctored Without(params string[] path) => new(root =>
    {
        JsonObject parent = root;
        foreach (string name in path[..^1])
        {
            parent = parent[name]!.AsObject();
        }

        Assert.True(parent.Remove(path[^1]), $"there is no {string.Join('.', path)}");
    });
}
