using System.Globalization;

namespace NativeGreenlet.Runtime;

/// <summary>
/// The runtime's own description of its structures, which it exports for debuggers as
/// <c>DotNetRuntimeContractDescriptor</c>: offsets of fields, addresses of globals, versions of contracts. It comes in two
/// forms, which differ in how they write these: version 0 (.NET 10) has numbers, <c>[offset, type]</c> and
/// <c>[value, type]</c>; version 2 (.NET 11) has names of contract versions, plain offsets and values, and sub-descriptors,
/// which describe the collector, and of which we read nothing.
/// </summary>
internal sealed unsafe class ContractDescriptor
{
    private const ulong Magic = 0x0043414443434e44; // "DNCCDAC\0", in the byte order of the machine
    private const int LargestSize = 1 << 20;
    private const uint ThreadBytes = 1024; // of a Thread object that may be looked at; it may end before

    private const string NumberedForm = "0"; // contract versions are numbers
    private const string NamedForm = "2"; // they are names

    private readonly Dictionary<string, string> _nodes;

    private ContractDescriptor(Dictionary<string, string> nodes)
    {
        _nodes = nodes;
        RequireSection("types");
        RequireSection("globals");
        RequireSection("contracts");
        Form = nodes.GetValueOrDefault("version") ?? throw new UnsupportedRuntimeException("its contract descriptor has no version");
        if (Form is not (NumberedForm or NamedForm))
        {
            throw new UnsupportedRuntimeException($"its contract descriptor is of version {Form}; we know {NumberedForm} and {NamedForm}");
        }

        if (Form == NamedForm && nodes.ContainsKey("subDescriptors"))
        {
            RequireSection("subDescriptors");
        }

        // On any other baseline the descriptor says only what differs from a text that we do not have.
        string baseline = nodes.GetValueOrDefault("baseline") ?? "none";
        if (baseline != "\"empty\"")
        {
            throw new UnsupportedRuntimeException($"its contract descriptor has the baseline {baseline}; we know \"empty\"");
        }
    }

    /// <summary>The version of the descriptor's own form.</summary>
    public string Form { get; }

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

    /// <summary>The version of a contract, as it is written without quotes: <c>1</c>, <c>c1</c>.</summary>
    /// <exception cref="UnsupportedRuntimeException">There is none, or it is not written as this form does.</exception>
    public string Version(string contract)
    {
        if (!_nodes.TryGetValue($"contracts.{contract}", out string? text))
        {
            throw new UnsupportedRuntimeException($"it has no contract '{contract}'");
        }

        bool isName = text.Length > 2 && text[0] == '"';
        return isName && Form == NamedForm ? text[1..^1]
            : Form == NumberedForm && TryParseNumber(text, out _) ? text
            : throw new UnsupportedRuntimeException($"it has no usable version of the contract '{contract}', but {text}");
    }

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
        text = text == "[" && IsPairWithType(path) ? _nodes[$"{path}[0]"] : text;
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
        string path = $"globals.{global}";
        if (!_nodes.TryGetValue(path, out string? text))
        {
            throw new UnsupportedRuntimeException($"its descriptor has no global '{global}'");
        }

        // A global is a value, or an array of value and type name; [index] is one that lies in memory, of which we read none.
        text = text == "[" && IsPairWithType(path) ? _nodes[$"{path}[0]"] : text;
        bool isString = text[0] == '"';
        return (isString ? TryParseString(text.AsSpan(1, text.Length - 2), out ulong value) : TryParseNumber(text, out value))
            ? value
            : throw new UnsupportedRuntimeException($"its descriptor has no usable value for '{global}'");
    }

    /// <summary>Whether there is a global of this name.</summary>
    public bool HasGlobal(string global) => _nodes.ContainsKey($"globals.{global}");

    /// <summary>Which of the descriptor's pointers leads to a global that lies in memory.</summary>
    public ulong PointerIndex(string global)
    {
        string path = $"globals.{global}";
        return _nodes.GetValueOrDefault($"{path}[0]") == "[" && IsPairWithType(path) && !_nodes.ContainsKey($"{path}[0][1]") && TryParseNumber(_nodes.GetValueOrDefault($"{path}[0][0]"), out ulong index)
            ? index
            : throw new UnsupportedRuntimeException($"its descriptor has no usable pointer for '{global}'");
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

    private bool IsPairWithType(string path) =>
        _nodes.TryGetValue($"{path}[1]", out string? type) && type[0] == '"' && !_nodes.ContainsKey($"{path}[2]");

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
