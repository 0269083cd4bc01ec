using System.Globalization;

namespace NativeGreenlet.Runtime;

/// <summary>
/// The runtime's own description of its structures, which it exports for debuggers as
/// <c>DotNetRuntimeContractDescriptor</c>: offsets of fields, addresses of globals, versions of contracts.
/// </summary>
internal sealed unsafe class ContractDescriptor
{
    private const ulong Magic = 0x0043414443434e44; // "DNCCDAC\0", in the byte order of the machine
    private const int LargestSize = 1 << 20;
    private const uint ThreadBytes = 1024; // of a Thread object that may be looked at; it may end before

    private readonly Dictionary<string, string> _nodes;

    private ContractDescriptor(Dictionary<string, string> nodes)
    {
        _nodes = nodes;
        RequireSection("types");
        RequireSection("globals");
        RequireSection("contracts");
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

        if (header->JsonSize is 0 or > LargestSize || header->Json is null)
        {
            throw new UnsupportedRuntimeException("its contract descriptor has sizes that make no sense");
        }

        return Parse(new ReadOnlySpan<byte>(header->Json, (int)header->JsonSize));
    }

    /// <summary>Reads a descriptor's JSON.</summary>
    /// <exception cref="UnsupportedRuntimeException">It is not of the form that we know.</exception>
    public static ContractDescriptor Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return new ContractDescriptor(DescriptorText.Flatten(json));
        }
        catch (FormatException exception)
        {
            throw new UnsupportedRuntimeException("its contract descriptor is not JSON", exception);
        }
    }

    /// <summary>Checks the version of a contract, which is a number up to .NET 10 and text since: <c>1</c>, <c>c1</c>. A
    /// greater one is not a newer one, only another.</summary>
    public void Require(string contract, string version)
    {
        string found = Version(contract);
        if (found != version)
        {
            throw new UnsupportedRuntimeException($"it has version {found} of the contract '{contract}'; we know version {version}");
        }
    }

    /// <summary>The version of a contract, as it is written.</summary>
    public string Version(string contract)
    {
        string? text = _nodes.GetValueOrDefault($"contracts.{contract}");
        return text is { Length: > 2 } && text[0] == '"' ? text[1..^1]
            : TryParseNumber(text, out _) ? text!
            : throw new UnsupportedRuntimeException($"it has no contract '{contract}'");
    }

    /// <summary>The version of the descriptor's own form.</summary>
    public string Form => _nodes.GetValueOrDefault("version") ?? string.Empty;

    /// <summary>Whether a type has a field, or <c>!</c>, a size.</summary>
    public bool Has(string type, string field) => _nodes.ContainsKey($"types.{type}.{field}");

    /// <summary>The offset of a field, in bytes; <c>!</c> stands for the size of the type.</summary>
    public uint Offset(string type, string field)
    {
        string path = $"types.{type}.{field}";
        if (!_nodes.TryGetValue(path, out string? text))
        {
            throw new UnsupportedRuntimeException($"its descriptor has no '{type}.{field}'");
        }

        // A field is an offset, or an array of offset and type name.
        text = text == "[" ? _nodes.GetValueOrDefault($"{path}[0]") : text;
        return TryParseNumber(text, out ulong offset) && offset < 1 << 16
            ? (uint)offset
            : throw new UnsupportedRuntimeException($"its descriptor has no usable offset for '{type}.{field}'");
    }

    /// <summary>The offset of a field of Thread, which must lie within the object and be aligned.</summary>
    public uint ThreadOffset(string field, uint alignment)
    {
        uint offset = Offset("Thread", field);
        return offset < ThreadBytes && offset % alignment == 0
            ? offset
            : throw new UnsupportedRuntimeException($"its descriptor has no usable offset for 'Thread.{field}'");
    }

    /// <summary>The value of a global that the descriptor holds itself.</summary>
    public ulong Value(string global)
    {
        string text = _nodes[PathOf(global)];
        bool isString = text.Length > 1 && text[0] == '"';
        return isString ? TryParseString(text.AsSpan(1, text.Length - 2), out ulong value) ? value : throw None() : TryParseNumber(text, out value) ? value : throw None();

        UnsupportedRuntimeException None() => new($"its descriptor has no usable value for '{global}'");
    }

    /// <summary>Whether a global is one of an enumeration that starts at 1 and that the descriptor holds whole, each under a
    /// name of its own with the same ending; so that no wrong value passes.</summary>
    public bool IsOneOf(string ending, string global)
    {
        ulong wanted = Value(global);
        ulong count = 0;
        ulong same = 0;
        foreach (string path in _nodes.Keys)
        {
            int end = path.EndsWith("[0]", StringComparison.Ordinal) ? path.Length - 3 : path.Length;
            if (path.StartsWith("globals.", StringComparison.Ordinal) && path.AsSpan(0, end).EndsWith(ending, StringComparison.Ordinal) && _nodes[path] != "[")
            {
                count++;
                same += Value(path["globals.".Length..end]) == wanted ? 1u : 0;
            }
        }

        return same == 1 && wanted >= 1 && wanted <= count;
    }

    private static bool TryParseNumber(string? text, out ulong value) =>
        ulong.TryParse(text, NumberStyles.None, NumberFormatInfo.InvariantInfo, out value);

    private static bool TryParseString(ReadOnlySpan<char> text, out ulong value) =>
        text.StartsWith("0x", StringComparison.Ordinal)
            ? ulong.TryParse(text[2..], NumberStyles.AllowHexSpecifier, NumberFormatInfo.InvariantInfo, out value)
            : ulong.TryParse(text, NumberStyles.None, NumberFormatInfo.InvariantInfo, out value);

    private void RequireSection(string name)
    {
        if (_nodes.GetValueOrDefault(name) != "{")
        {
            throw new UnsupportedRuntimeException($"its contract descriptor has no '{name}'");
        }
    }

    // A global is a value, or an array of value and type name.
    private string PathOf(string global)
    {
        string path = $"globals.{global}";
        return !_nodes.ContainsKey(path)
            ? throw new UnsupportedRuntimeException($"its descriptor has no global '{global}'")
            : _nodes.ContainsKey($"{path}[1]") && !_nodes.ContainsKey($"{path}[2]") ? $"{path}[0]" : path;
    }

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
