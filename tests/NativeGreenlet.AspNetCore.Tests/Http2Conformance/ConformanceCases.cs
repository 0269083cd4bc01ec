namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>What clients do, right and wrong, and what a server may do then. Sections are those of RFC 9113 unless another RFC is named.</summary>
internal sealed partial class ConformanceCases
{
    private const uint LargestWindow = int.MaxValue;

    private readonly Requests _requests;

    private ConformanceCases(Requests requests) => _requests = requests;

    /// <summary>All of them.</summary>
    /// <param name="isSecure">Whether they are for TLS.</param>
    public static IReadOnlyDictionary<string, ConformanceCase> All(bool isSecure)
    {
        ConformanceCases cases = new(new Requests(isSecure));
        return cases.OfBeginning().Concat(cases.OfFraming()).Concat(cases.OfStreams()).Concat(cases.OfFrameTypes()).Concat(cases.OfWindows())
            .Concat(cases.OfMessages()).Concat(cases.OfHeaderCompression()).ToDictionary(subject => subject.Name);
    }

    // A GET on a stream.
    private byte[] Get(uint stream) => Frame.Headers(stream, _requests.Get);

    // A POST on a stream, whose body follows.
    private byte[] Post(uint stream) => Frame.Headers(stream, _requests.Post, FrameFlags.EndHeaders);

    // A request whose body the server never reads.
    private byte[] Hold(uint stream) => Frame.Headers(stream, _requests.Block("POST", "/hold"), FrameFlags.EndHeaders);

    private static byte[] Join(params byte[][] pieces) => [.. pieces.SelectMany(piece => piece)];

    // Answers that have a body do not end from now on, so streams stay open.
    private static Step[] Withhold => [Frame.Settings((Setting.InitialWindowSize, 0)), new Step.AwaitSettings(2)];

    private ConformanceCase[] OfBeginning() =>
    [
        new("3.4", "a preface in single bytes, with a request", [new Step.SendSingly([.. Http2Client.Preface, .. Frame.Settings(), .. Get(1)])], Answer.Response(1)) { Greets = false },
        new("3.4", "a preface, SETTINGS and a request in one piece", [Join(Http2Client.Preface, Frame.Settings(), Get(1))], Answer.Response(1)) { Greets = false },
        new("3.4", "a preface with a wrong letter", ["PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n"u8.ToArray()], Answer.ConnectionError(ErrorCode.ProtocolError).Or(Answer.Foreign)) { Greets = false },
        new("3.4", "a request of HTTP/1.1", ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray()], Answer.ConnectionError(ErrorCode.ProtocolError).Or(Answer.Foreign)) { Greets = false },
        new("3.4", "half a preface, and the end", [Http2Client.Preface[..10], new Step.EndSending()], Answer.ConnectionError(ErrorCode.ProtocolError)) { Greets = false },
        new("3.4", "the end at once", [new Step.EndSending()], Answer.ConnectionError(ErrorCode.ProtocolError)) { Greets = false },
        new("3.4", "PING instead of the first SETTINGS", [Join(Http2Client.Preface, Frame.Ping(1))], Answer.ConnectionError(ErrorCode.ProtocolError)) { Greets = false, Deviation = Answer.Nothing },
        new("3.4", "HEADERS instead of the first SETTINGS", [Join(Http2Client.Preface, Get(1))], Answer.ConnectionError(ErrorCode.ProtocolError)) { Greets = false, Deviation = Answer.Nothing },
        new("3.4", "the end after the preface", [Join(Http2Client.Preface, Frame.Settings()), new Step.EndSending()], new Answer([Answer.Closed], IsError: true)) { Greets = false },
    ];

    private ConformanceCase[] OfFraming() =>
    [
        new("4.1", "a frame of an unknown type on the connection", [Frame.Of(FrameType.Unknown, FrameFlags.None, 0, "what"u8)], Answer.Ignored),
        new("4.1", "a frame of an unknown type with all flags on an idle stream", [Frame.Of(FrameType.Unknown, (FrameFlags)0xFF, 1, "what"u8)], Answer.Ignored),
        new("4.1", "a frame of an unknown type within a request", [Post(1), Frame.Of(FrameType.Unknown, FrameFlags.None, 1, "what"u8), Frame.Data(1, "hello"u8, FrameFlags.EndStream)], Answer.Response(1, "5 read")),
        new("4.1", "a frame of an unknown type as large as one may be", [Frame.Of(FrameType.Unknown, FrameFlags.None, 0, new byte[16_384])], Answer.Ignored),
        new("4.1", "PING with undefined flags", [Frame.Ping(7, FrameFlags.Undefined), new Step.AwaitPings(1)], Answer.Ignored),
        new("4.1", "SETTINGS with undefined flags", [Frame.Of(FrameType.Settings, FrameFlags.Undefined, 0, []), new Step.AwaitSettings(2)], Answer.Ignored),
        new("4.1", "DATA with undefined flags", [Post(1), Frame.Data(1, "hello"u8, FrameFlags.EndStream | FrameFlags.Undefined)], Answer.Response(1, "5 read")),
        new("4.1", "HEADERS with undefined flags", [Frame.Headers(1, _requests.Get, FrameFlags.EndHeaders | FrameFlags.EndStream | FrameFlags.Undefined)], Answer.Response(1)),
        new("4.1", "the reserved bit in HEADERS", [Frame.Headers(0x8000_0001, _requests.Get)], Answer.Response(1)),
        new("4.1", "the reserved bit in PING", [Frame.Of(FrameType.Ping, FrameFlags.None, 0x8000_0000, new byte[8]), new Step.AwaitPings(1)], Answer.Ignored),
        new("4.2", "DATA as large as may be", [Post(1), Frame.Data(1, new byte[16_384], FrameFlags.EndStream)], Answer.Response(1, "16384 read")),
        new("4.2", "DATA that is too large", [Post(1), Frame.Data(1, new byte[16_385], FrameFlags.EndStream)], Answer.StreamError(1, ErrorCode.FrameSizeError)),
        new("4.2", "HEADERS that are too large", [Frame.Headers(1, [.. _requests.Get, .. HeaderBlock.Of(("x-large", new string('a', 16_384)))])], Answer.ConnectionError(ErrorCode.FrameSizeError)),
        new("4.2", "SETTINGS that are too large", [Frame.Of(FrameType.Settings, FrameFlags.None, 0, new byte[16_386])], Answer.ConnectionError(ErrorCode.FrameSizeError)),
        new("4.2", "a frame of an unknown type that is too large", [Frame.Of(FrameType.Unknown, FrameFlags.None, 0, new byte[16_385])], Answer.ConnectionError(ErrorCode.FrameSizeError)),
        new("4.2", "a length of three bytes all ones", [Frame.Of(FrameType.Data, FrameFlags.None, 1, [], 0xFF_FFFF)], Answer.ConnectionError(ErrorCode.FrameSizeError)),
        new("4.3", "a header block that ends within a field", [Frame.Headers(1, _requests.Get.AsSpan()[..^3])], Answer.ConnectionError(ErrorCode.CompressionError)),
        new("4.3", "a header block in two frames, cut anywhere", [.. Enumerable.Range(0, _requests.Get.Length + 1).Select(at => (Step)Join(
            Frame.Headers((uint)((2 * at) + 1), _requests.Get.AsSpan()[..at], FrameFlags.EndStream), Frame.Continuation((uint)((2 * at) + 1), _requests.Get.AsSpan()[at..]), Frame.WindowUpdate(0, 5000)))],
            Answer.Response((uint)((2 * _requests.Get.Length) + 1))),
        new("4.3", "PRIORITY between the frames of a header block", [Join(Frame.Headers(1, _requests.Get, FrameFlags.EndStream), Frame.Priority(1, 0), Frame.Continuation(1, []))], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("4.3", "HEADERS of another stream between the frames of a header block", [Join(Frame.Headers(1, _requests.Get, FrameFlags.EndStream), Get(3))], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("4.3", "PING between the frames of a header block", [Join(Frame.Headers(1, _requests.Get, FrameFlags.EndStream), Frame.Ping(1))], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("4.3", "trailers that nobody reads keep the table in step", [
            Hold(1), Frame.Headers(1, HeaderBlock.Indexed("x-check", "kept")), Frame.RstStream(1), Frame.Headers(3, [.. _requests.Get, 0x80 | 62])], Answer.Response(3, "0 read, kept")),
        new("4.3", "the table is that of the connection", [
            Frame.Headers(1, [.. _requests.Get, .. HeaderBlock.Indexed("x-check", "kept")]),
            new Step.AwaitAnswer(1),
            Frame.Headers(3, [.. _requests.Get, 0x80 | 62])], Answer.Response(3, "0 read, kept")),
    ];
}
