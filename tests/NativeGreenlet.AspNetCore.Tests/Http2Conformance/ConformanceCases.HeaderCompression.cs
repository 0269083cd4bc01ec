namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <content>HPACK (RFC 7541).</content>
internal sealed partial class ConformanceCases
{
    private ConformanceCase[] OfHeaderCompression() =>
    [
        Good("2.3.3", "indices of the static table", [0x82, _requests.Scheme == "http" ? (byte)0x86 : (byte)0x87, 0x84, 0x01, .. HeaderBlock.Text("localhost")], "0 read"),
        Bad("2.3.3", "an index beyond both tables", [.. _requests.Get, 0x80 | 62]),
        Bad("2.3.3", "a name whose index is beyond both tables", [.. _requests.Get, 0x40 | 62, .. HeaderBlock.Text("a")]),
        Bad("2.3.3", "a name that is not indexed whose index is beyond both tables", [.. _requests.Get, .. HeaderBlock.Integer(0, 4, 62), .. HeaderBlock.Text("a")]),
        Bad("2.3.3", "an index far beyond both tables", [.. _requests.Get, .. HeaderBlock.Integer(0x80, 7, 100_000)]),
        Good("2.3.3", "an index of the dynamic table", [.. _requests.Get, .. HeaderBlock.Indexed("x-check", "a"), 0x80 | 62], "0 read, a,a"),
        Good("2.3.2", "the newest entry is the first", [.. _requests.Get, .. HeaderBlock.Indexed("x-other", "a"), .. HeaderBlock.Indexed("x-check", "b"), 0x80 | 62], "0 read, b,b"),
        Good("4.2", "the table as small as can be, and as large as may be", [0x20, .. HeaderBlock.Integer(0x20, 5, 4096), .. _requests.Get, .. HeaderBlock.Indexed("x-check", "a"), 0x80 | 62], "0 read, a,a"),
        Bad("4.2", "a table that is larger than may be", [.. HeaderBlock.Integer(0x20, 5, 4097), .. _requests.Get]),
        Bad("4.2", "the size of the table after a field", [.. _requests.Get, 0x20]),
        Bad("4.3", "a table of no size has lost its entries", [.. _requests.Get, .. HeaderBlock.Indexed("x-check", "a")], [0x20, .. _requests.Get, 0x80 | 62]),
        Bad("4.4", "an entry larger than the table empties it", [.. _requests.Get, .. HeaderBlock.Indexed("x-check", "a"), .. HeaderBlock.Indexed("x-large", new string('a', 4096)), 0x80 | 62]),
        Bad("4.4", "an entry that was pushed out", [.. _requests.Get, .. HeaderBlock.Indexed("x-check", "a"), .. HeaderBlock.Indexed("x-large", new string('a', 4090 - 32 - 7)), 0x80 | 63]),
        Bad("5.1", "a number that is too large", [.. _requests.Get, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
        Bad("5.1", "a number that never ends", [.. _requests.Get, 0xFF, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]),
        Bad("5.1", "a number that is cut off", [.. _requests.Get, 0xFF]),
        Bad("5.2", "a string longer than its block", [.. _requests.Get, 0x40, 10, (byte)'x']),
        Good("5.2", "a string in Huffman's code", [.. _requests.Get, 0x40, .. HeaderBlock.Text("x-check"), 0x8C, .. Convert.FromHexString("f1e3c2e5f23a6ba0ab90f4ff")], "0 read, www.example.com"),
        Bad("5.2", "Huffman's code with a byte of padding too many", [.. _requests.Get, 0x40, .. HeaderBlock.Text("x-check"), 0x8D, .. Convert.FromHexString("f1e3c2e5f23a6ba0ab90f4ffff")]),
        Bad("5.2", "Huffman's code with padding of zeros", [.. _requests.Get, 0x40, .. HeaderBlock.Text("x-check"), 0x81, 0x18]), // "a" is 00011
        Bad("5.2", "Huffman's code with the end of a string inside", [.. _requests.Get, 0x40, .. HeaderBlock.Text("x-check"), 0x85, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF]),
        Bad("6.1", "the index 0", [.. _requests.Get, 0x80]) with { Deviation = Answer.GoAway(ErrorCode.InternalError) },
        Good("6.2.1", "a literal that the table gets, with an indexed name", [.. _requests.Get, .. HeaderBlock.Indexed("x-check", "a"), 0x40 | 62, .. HeaderBlock.Text("b"), 0x80 | 62], "0 read, a,b,b"),
        Good("6.2.2", "a literal that the table does not get", [.. _requests.Get, .. HeaderBlock.Indexed("x-check", "a"), 0x0F, 62 - 15, .. HeaderBlock.Text("b"), 0x80 | 62], "0 read, a,b,a"),
        Good("6.2.3", "a literal that no table may get", [.. _requests.Get, 0x10, .. HeaderBlock.Text("x-check"), .. HeaderBlock.Text("a")], "0 read, a"),
        Bad("6.3", "the largest number as the size of the table", [.. HeaderBlock.Integer(0x20, 5, int.MaxValue), .. _requests.Get]),
    ];

    private static ConformanceCase Good(string section, string title, byte[] block, string line) => new($"RFC 7541 {section}", title, [Frame.Headers(1, block)], Answer.Response(1, line));

    private static ConformanceCase Bad(string section, string title, params byte[][] blocks) =>
        new($"RFC 7541 {section}", title, [.. blocks.Select((block, i) => (Step)Frame.Headers((uint)((2 * i) + 1), block))], Answer.ConnectionError(ErrorCode.CompressionError));
}
