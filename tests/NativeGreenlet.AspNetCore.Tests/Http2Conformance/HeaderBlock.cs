using System.Globalization;
using System.Text;

namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>Header blocks (RFC 7541): fields as literals, which need no table, and the status of an answer.</summary>
internal static class HeaderBlock
{
    private static readonly string[] s_statuses = ["200", "204", "206", "304", "400", "404", "500"]; // from index 8

    /// <summary>A block of literals that are not to be indexed.</summary>
    public static byte[] Of(params ReadOnlySpan<(string Name, string Value)> fields)
    {
        List<byte> block = [];
        foreach ((string name, string value) in fields)
        {
            block.AddRange([0, .. Text(name), .. Text(value)]);
        }

        return [.. block];
    }

    /// <summary>A literal that the table gets, as its newest entry: index 62.</summary>
    public static byte[] Indexed(string name, string value) => [0x40, .. Text(name), .. Text(value)];

    /// <summary>A string, without Huffman's code.</summary>
    public static byte[] Text(string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        return [.. Integer(0, 7, (uint)bytes.Length), .. bytes];
    }

    /// <summary>A number (RFC 7541, 5.1).</summary>
    /// <param name="pattern">The bits before it in its first byte.</param>
    /// <param name="prefix">How many bits of that byte are its own.</param>
    /// <param name="value">The number.</param>
    public static byte[] Integer(byte pattern, int prefix, uint value)
    {
        uint most = (1u << prefix) - 1;
        if (value < most)
        {
            return [(byte)(pattern | value)];
        }

        List<byte> bytes = [(byte)(pattern | most)];
        for (value -= most; value >= 128; value >>= 7)
        {
            bytes.Add((byte)(value | 128));
        }

        bytes.Add((byte)value);
        return [.. bytes];
    }

    /// <summary>The <c>:status</c> of an answer: its first field, from the static table or a literal of digits.</summary>
    public static int Status(ReadOnlySpan<byte> block)
    {
        while (block[0] >> 5 == 1)
        {
            block = block[1..]; // the size of the table: 0, or some
        }

        if (block[0] is >= 0x88 and < 0x88 + 7)
        {
            return int.Parse(s_statuses[block[0] - 0x88], CultureInfo.InvariantCulture);
        }

        bool isLiteral = block[0] is 0x48 or 0x08 or 0x18 && block[1] == 3;
        return isLiteral ? int.Parse(block.Slice(2, 3), CultureInfo.InvariantCulture) : throw new FormatException($"No status in {Convert.ToHexString(block)}.");
    }
}
