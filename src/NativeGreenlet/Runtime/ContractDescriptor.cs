using System.Globalization;
using System.Text.Json;

namespace NativeGreenlet.Runtime;

/// <summary>
/// The runtime's own description of its structures, which it exports for debuggers as
/// <c>DotNetRuntimeContractDescriptor</c>: offsets of fields, addresses of globals, versions of contracts.
/// </summary>
internal sealed unsafe class ContractDescriptor
{
    private const ulong Magic = 0x0043414443434e44; // "DNCCDAC\0", in the byte order of the machine
    private const int LargestSize = 1 << 20;

    private readonly JsonElement _types;
    private readonly JsonElement _globals;
    private readonly JsonElement _contracts;
    private readonly nint[] _pointers;

    private ContractDescriptor(JsonElement root, nint[] pointers)
    {
        _types = Section(root, "types");
        _globals = Section(root, "globals");
        _contracts = Section(root, "contracts");
        _pointers = pointers;
    }

    /// <summary>Reads the descriptor at an address.</summary>
    /// <exception cref="UnsupportedRuntimeException">It is not a descriptor of the form that we know.</exception>
    public static ContractDescriptor Read(Header* header)
    {
        if (header->Magic != Magic)
        {
            throw new UnsupportedRuntimeException("its contract descriptor starts with another magic number");
        }

        if ((header->Flags & 3) != 1)
        {
            throw new UnsupportedRuntimeException($"its contract descriptor has flags 0x{header->Flags:x}");
        }

        if (header->JsonSize is 0 or > LargestSize || header->Json is null || header->PointerCount > 1024)
        {
            throw new UnsupportedRuntimeException("its contract descriptor has sizes that make no sense");
        }

        nint[] pointers = new ReadOnlySpan<nint>(header->Pointers, (int)header->PointerCount).ToArray();
        return Parse(new ReadOnlySpan<byte>(header->Json, (int)header->JsonSize), pointers);
    }

    /// <summary>Reads a descriptor's JSON.</summary>
    /// <exception cref="UnsupportedRuntimeException">It is not of the form that we know.</exception>
    public static ContractDescriptor Parse(ReadOnlySpan<byte> json, nint[] pointers)
    {
        try
        {
            Utf8JsonReader reader = new(json);
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            return new ContractDescriptor(document.RootElement.Clone(), pointers);
        }
        catch (JsonException exception)
        {
            throw new UnsupportedRuntimeException("its contract descriptor is not JSON", exception);
        }
    }

    /// <summary>Checks the version of a contract.</summary>
    public void Require(string contract, int version)
    {
        if (!_contracts.TryGetProperty(contract, out JsonElement value) || value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out int found))
        {
            throw new UnsupportedRuntimeException($"it has no contract '{contract}'");
        }

        if (found != version)
        {
            throw new UnsupportedRuntimeException($"it has version {found} of the contract '{contract}'; we know version {version}");
        }
    }

    /// <summary>The offset of a field, in bytes; <c>!</c> stands for the size of the type.</summary>
    public uint Offset(string type, string field)
    {
        if (!_types.TryGetProperty(type, out JsonElement fields) || fields.ValueKind != JsonValueKind.Object || !fields.TryGetProperty(field, out JsonElement value))
        {
            throw new UnsupportedRuntimeException($"its descriptor has no '{type}.{field}'");
        }

        // A field is an offset, or an array of offset and type name.
        JsonElement offset = value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0 ? value[0] : value;
        return offset.ValueKind == JsonValueKind.Number && offset.TryGetUInt32(out uint result) && result < 1 << 16
            ? result
            : throw new UnsupportedRuntimeException($"its descriptor has no usable offset for '{type}.{field}'");
    }

    /// <summary>The value of a global that the descriptor holds itself.</summary>
    public ulong Value(string global)
    {
        JsonElement value = First(global);
        ulong result = 0;
        bool isNumber = value.ValueKind switch
        {
            JsonValueKind.Number => value.TryGetUInt64(out result),
            JsonValueKind.String => TryParse(value.GetString()!, out result),
            _ => false,
        };
        return isNumber ? result : throw new UnsupportedRuntimeException($"its descriptor has no usable value for '{global}'");
    }

    /// <summary>The address of a global variable of the runtime.</summary>
    public nint Address(string global)
    {
        // Indirect: an array of one number, the index of the address among the descriptor's pointers.
        JsonElement value = First(global);
        return value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 1
            && value[0].ValueKind == JsonValueKind.Number && value[0].TryGetInt32(out int index)
            && index >= 0 && index < _pointers.Length && _pointers[index] != 0
            ? _pointers[index]
            : throw new UnsupportedRuntimeException($"its descriptor has no usable address for '{global}'");
    }

    private static JsonElement Section(JsonElement root, string name) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out JsonElement section) && section.ValueKind == JsonValueKind.Object
            ? section
            : throw new UnsupportedRuntimeException($"its contract descriptor has no '{name}'");

    private static bool TryParse(string text, out ulong value) =>
        text.StartsWith("0x", StringComparison.Ordinal)
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private JsonElement First(string global) =>
        !_globals.TryGetProperty(global, out JsonElement value)
            ? throw new UnsupportedRuntimeException($"its descriptor has no global '{global}'")
            : value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2 ? value[0] : value;

    /// <summary>How the descriptor starts, on a 64-bit machine.</summary>
    public struct Header
    {
        public ulong Magic;
        public uint Flags;
        public uint JsonSize;
        public byte* Json;
        public uint PointerCount;
        public uint Reserved;
        public nint* Pointers;
    }
}
