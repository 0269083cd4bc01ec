namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <content>Requests (RFC 9113, 8).</content>
internal sealed partial class ConformanceCases
{
    private static readonly (string Name, string Value)[] s_trailers = [("x-end", "yes")];

    private ConformanceCase[] OfMessages() =>
    [
        new("8.1", "GET", [Get(1)], Answer.Response(1)),
        new("8.1", "HEAD", [Frame.Headers(1, _requests.Block("HEAD", "/"))], Answer.Response(1, string.Empty)),
        new("8.1", "POST with a body", [Post(1), Frame.Data(1, "hello"u8, FrameFlags.EndStream)], Answer.Response(1, "5 read")),
        new("8.1", "POST with a body and trailers", [Post(1), Frame.Data(1, "hello"u8), Frame.Headers(1, HeaderBlock.Of(s_trailers))], Answer.Response(1, "5 read")),
        new("8.1", "requests that are interleaved", [
            Post(1), Post(3), Frame.Data(3, "hello"u8), Frame.Data(1, "x"u8), Frame.Data(3, "world"u8, FrameFlags.EndStream), new Step.AwaitAnswer(3), Frame.Data(1, "y"u8, FrameFlags.EndStream)], Answer.Response(1, "2 read")),
        new("8.1", "trailers that do not end the stream", [Post(1), Frame.Data(1, "x"u8), Frame.Headers(1, HeaderBlock.Of(s_trailers), FrameFlags.EndHeaders)], Answer.StreamError(1, ErrorCode.ProtocolError)),
        new("8.1", "trailers with a pseudo field", [Hold(1), Frame.Headers(1, HeaderBlock.Of((":method", "GET")))], Answer.StreamError(1, ErrorCode.ProtocolError)),
        new("8.1.1", "content-length that is right, in two frames", [
            Frame.Headers(1, _requests.Block("POST", "/", ("content-length", "7")), FrameFlags.EndHeaders), Frame.Data(1, "hel"u8), Frame.Data(1, "lo, "u8, FrameFlags.EndStream)], Answer.Response(1, "7 read")),
        new("8.1.1", "content-length that is too large", [WithLength("6"), Frame.Data(1, "hello"u8, FrameFlags.EndStream)], Answer.StreamError(1, ErrorCode.ProtocolError)),
        new("8.1.1", "content-length that is too small", [WithLength("1"), Frame.Data(1, "hello"u8, FrameFlags.EndStream)], Answer.StreamError(1, ErrorCode.ProtocolError)),
        new("8.1.1", "content-length that is too small for several frames", [WithLength("6"), Frame.Data(1, "hello"u8), Frame.Data(1, "hello"u8, FrameFlags.EndStream)], Answer.StreamError(1, ErrorCode.ProtocolError)),
        new("8.1.1", "content-length and no body", [Frame.Headers(1, _requests.Block("POST", "/hold", ("content-length", "1")))], Answer.StreamError(1, ErrorCode.ProtocolError)),
        new("8.1.1", "content-length and a body that trailers end early", [WithLength("9"), Frame.Data(1, "hello"u8), Frame.Headers(1, HeaderBlock.Of(s_trailers))], Answer.StreamError(1, ErrorCode.ProtocolError)) {
            StillServes = false, // Kestrel ends the connection at the next request, by one code or another
        },
        new("8.1.1", "content-length that is no number", [Frame.Headers(1, _requests.Block("POST", "/", ("content-length", "x")), FrameFlags.EndHeaders)], Malformed()),
        Wrong("8.2", "a name with a capital", ("X-Check", "a")),
        Wrong("8.2.1", "a name with a space", ("x check", "a"), Answer.Responded(1, "0 read", 200)),
        Wrong("8.2.1", "a name with a colon inside", ("x:check", "a"), Answer.Responded(1, "0 read", 200)),
        Wrong("8.2.1", "a name with a control character", ("x\u0001", "a"), Answer.Responded(1, "0 read", 200)),
        Wrong("8.2.1", "a name beyond ASCII", ("x\u00e4", "a")),
        Wrong("8.2.1", "a name of no length", (string.Empty, "a"), Answer.GoAway(ErrorCode.CompressionError)),
        Wrong("8.2.1", "a value with NUL", ("x-check", "a\0b")),
        Wrong("8.2.1", "a value with a line feed", ("x-check", "a\nb")),
        Wrong("8.2.1", "a value with a carriage return", ("x-check", "a\rb")),
        Wrong("8.2.1", "a value that begins with a space", ("x-check", " a"), Answer.Responded(1, "0 read,  a", 200)),
        Wrong("8.2.1", "a value that ends with a tab", ("x-check", "a\t"), Answer.Responded(1, "0 read, a\t", 200)),
        Wrong("8.2.2", "connection", ("connection", "keep-alive")),
        Wrong("8.2.2", "proxy-connection", ("proxy-connection", "keep-alive"), Answer.Responded(1, "0 read", 200)) with { MendedIn = new Version(11, 0) },
        Wrong("8.2.2", "keep-alive", ("keep-alive", "timeout=5"), Answer.Responded(1, "0 read", 200)) with { MendedIn = new Version(11, 0) },
        Wrong("8.2.2", "transfer-encoding", ("transfer-encoding", "chunked"), Answer.Responded(1, "0 read", 200)) with { MendedIn = new Version(11, 0) },
        Wrong("8.2.2", "upgrade", ("upgrade", "websocket"), Answer.Responded(1, "0 read", 200)) with { MendedIn = new Version(11, 0) },
        Wrong("8.2.2", "te for other than trailers", ("te", "trailers, deflate")),
        new("8.2.2", "te for trailers", [Frame.Headers(1, _requests.Block("GET", "/", ("te", "trailers")))], Answer.Response(1)),
        new("8.2.3", "cookies in several fields", [Frame.Headers(1, _requests.Block("GET", "/", ("cookie", "a=1"), ("cookie", "b=2")))], Answer.Response(1)),
        Wrong("8.3", "a pseudo field that nobody knows", (":test", "a")),
        Wrong("8.3", "a pseudo field of answers", (":status", "200")),
        new("8.3", "a pseudo field after others", [Frame.Headers(1, HeaderBlock.Of((":method", "GET"), (":scheme", _requests.Scheme), (":path", "/"), ("x-check", "a"), (":authority", "localhost")))], Malformed()),
        Wrong("8.3", "a field of trailers that begins with a colon", (":", "a")),
        Without("8.3.1", "no :method", ":method"),
        Without("8.3.1", "no :scheme", ":scheme"),
        Without("8.3.1", "no :path", ":path"),
        Wrong("8.3.1", ":method twice", (":method", "GET")),
        Wrong("8.3.1", ":scheme twice", (":scheme", _requests.Scheme)),
        Wrong("8.3.1", ":path twice", (":path", "/")),
        Wrong("8.3.1", ":authority twice", (":authority", "localhost")),
        new("8.3.1", ":path of no length", [Frame.Headers(1, _requests.Block("GET", string.Empty))], Malformed()),
        new("8.3.1", ":path that begins with no slash", [Frame.Headers(1, _requests.Block("GET", "here"))], Malformed()),
        new("8.3.1", "* for GET", [Frame.Headers(1, _requests.Block("GET", "*"))], Malformed()),
        new("8.3.1", "* for OPTIONS", [Frame.Headers(1, _requests.Block("OPTIONS", "*"))], Answer.Response(1)),
        new("8.3.1", "no :authority, but host", [Frame.Headers(1, HeaderBlock.Of((":method", "GET"), (":scheme", _requests.Scheme), (":path", "/"), ("host", "localhost")))], Answer.Response(1)),
        new("8.3.1", "a method of its own", [Frame.Headers(1, _requests.Block("FETCH", "/"))], Answer.Response(1)),
        new("8.3.1", "a method with a space", [Frame.Headers(1, _requests.Block("G T", "/"))], Malformed()),
        new("8.5", "CONNECT with :path", [Frame.Headers(1, _requests.Block("CONNECT", "/"), FrameFlags.EndHeaders)], Malformed()),
        new("8.4", "a promise of a client", [Post(1), Frame.Of(FrameType.PushPromise, FrameFlags.EndHeaders, 1, [.. Frame.Number(3), .. _requests.Get])], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("10.5.1", "a list of fields that is too long", [
            Frame.Headers(1, _requests.Get, FrameFlags.EndStream), .. Enumerable.Range(0, 4).Select(i => (Step)Frame.Continuation(1, HeaderBlock.Of(($"x-{i}", new string('a', 16_000))), i == 3 ? FrameFlags.EndHeaders : FrameFlags.None))],
            Malformed(ErrorCode.EnhanceYourCalm, ErrorCode.ProtocolError)),
        new("10.5", "a field that is long, in several frames", [
            .. LongField(new string('a', 12_000), 1000)], Answer.Response(1, $"0 read, {new string('a', 12_000)}")),
    ];

    // A malformed request is an error of its stream, of which a server may also tell by an answer (RFC 9113, 8.1.1).
    private static Answer Malformed(params ErrorCode[] codes) => Answer.StreamError(1, codes.Length == 0 ? [ErrorCode.ProtocolError] : codes)
        .Or(Answer.Responded(1, string.Empty, 400), Answer.Responded(1, string.Empty, 431));

    private byte[] WithLength(string length) => Frame.Headers(1, _requests.Block("POST", "/", ("content-length", length)), FrameFlags.EndHeaders);

    // A request that would be right without this field.
    private ConformanceCase Wrong(string section, string title, (string Name, string Value) field, string? deviation = null) => new(
        section,
        title,
        [Frame.Headers(1, field.Name.StartsWith(':') ? HeaderBlock.Of([(":method", "GET"), (":scheme", _requests.Scheme), (":path", "/"), (":authority", "localhost"), field]) : _requests.Block("GET", "/", field))],
        Malformed()) { Deviation = deviation };

    private ConformanceCase Without(string section, string title, string name)
    {
        (string Name, string Value)[] all = [(":method", "GET"), (":scheme", _requests.Scheme), (":path", "/"), (":authority", "localhost")];
        return new(section, title, [Frame.Headers(1, HeaderBlock.Of([.. all.Where(field => field.Name != name)]))], Malformed());
    }

    private Step[] LongField(string value, int size)
    {
        byte[][] parts = [.. _requests.Block("GET", "/", ("x-check", value)).Chunk(size)];
        return [.. parts.Select((part, i) => (Step)(i == 0
            ? Frame.Headers(1, part, FrameFlags.EndStream)
            : Frame.Continuation(1, part, i == parts.Length - 1 ? FrameFlags.EndHeaders : FrameFlags.None)))];
    }
}
