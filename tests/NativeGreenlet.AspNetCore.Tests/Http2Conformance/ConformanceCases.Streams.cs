namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <content>Streams: their states, numbers and errors (RFC 9113, 5).</content>
internal sealed partial class ConformanceCases
{
    private ConformanceCase[] OfStreams() =>
    [
        new("5.1", "idle: DATA", [Frame.Data(1, "x"u8)], Answer.ConnectionError(ErrorCode.ProtocolError, ErrorCode.StreamClosed)),
        new("5.1", "idle: RST_STREAM", [Frame.RstStream(1)], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("5.1", "idle: WINDOW_UPDATE", [Frame.WindowUpdate(1, 1)], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("5.1", "idle: CONTINUATION", [Frame.Continuation(1, _requests.Get)], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("5.1", "idle: PRIORITY", [Frame.Priority(1, 0)], Answer.Ignored),
        new("5.1", "open: DATA, WINDOW_UPDATE, PRIORITY, trailers", [
            Post(1), Frame.Data(1, "one"u8), Frame.WindowUpdate(1, 10), Frame.Priority(1, 0), Frame.Data(1, "two"u8), Frame.Headers(1, HeaderBlock.Of(("x-end", "yes")))], Answer.Response(1, "6 read")),
        new("5.1", "open: RST_STREAM", [Hold(1), Frame.RstStream(1)], Answer.Ignored),
        new("5.1", "half closed: DATA", [.. Withhold, Get(1), Frame.Data(1, "x"u8)], Answer.StreamError(1, ErrorCode.StreamClosed)) { StillServes = false },
        new("5.1", "half closed: HEADERS", [.. Withhold, Get(1), Get(1)], Answer.StreamError(1, ErrorCode.StreamClosed)) { StillServes = false },
        new("5.1", "half closed: CONTINUATION", [.. Withhold, Get(1), Frame.Continuation(1, _requests.Get)], Answer.StreamError(1, ErrorCode.StreamClosed, ErrorCode.ProtocolError)) { StillServes = false },
        new("5.1", "half closed: PRIORITY and WINDOW_UPDATE", [.. Withhold, Get(1), Frame.Priority(1, 0), Frame.WindowUpdate(1, 10_000)], Answer.Response(1)) { StillServes = false },
        new("5.1", "half closed: RST_STREAM", [.. Withhold, Get(1), Frame.RstStream(1), Frame.Settings((Setting.InitialWindowSize, 10_000)), new Step.AwaitSettings(3)], Answer.Ignored),
        new("5.1", "closed by RST_STREAM: DATA", [Hold(1), Frame.RstStream(1), Frame.Data(1, "x"u8)], Answer.StreamError(1, ErrorCode.StreamClosed)),
        new("5.1", "closed by RST_STREAM: HEADERS", [Hold(1), Frame.RstStream(1), Get(1)], Answer.StreamError(1, ErrorCode.StreamClosed)),
        new("5.1", "closed by RST_STREAM: CONTINUATION", [Hold(1), Frame.RstStream(1), Frame.Continuation(1, _requests.Get)], Answer.StreamError(1, ErrorCode.StreamClosed, ErrorCode.ProtocolError)),
        new("5.1", "closed by RST_STREAM: PRIORITY", [Hold(1), Frame.RstStream(1), Frame.Priority(1, 0)], Answer.Ignored),
        new("5.1", "closed: DATA", [Get(1), new Step.AwaitAnswer(1), Frame.Data(1, "x"u8)], Answer.StreamError(1, ErrorCode.StreamClosed)),
        new("5.1", "closed: HEADERS", [Get(1), new Step.AwaitAnswer(1), Get(1)], Answer.ConnectionError(ErrorCode.StreamClosed, ErrorCode.ProtocolError)),
        new("5.1", "closed: CONTINUATION", [Get(1), new Step.AwaitAnswer(1), Frame.Continuation(1, _requests.Get)], Answer.ConnectionError(ErrorCode.StreamClosed, ErrorCode.ProtocolError)),
        new("5.1", "closed: PRIORITY", [Get(1), new Step.AwaitAnswer(1), Frame.Priority(1, 0)], Answer.Ignored.Or(Answer.Responded(1, "0 read", 200))),
        new("5.1", "closed: WINDOW_UPDATE and RST_STREAM that were under way", [Get(1), new Step.AwaitAnswer(1), Frame.WindowUpdate(1, 1), Frame.RstStream(1)], Answer.Ignored),
        new("5.1.1", "an even number", [Get(2)], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("5.1.1", "a number below one that was used", [Get(5), new Step.AwaitAnswer(5), Get(3)], Answer.ConnectionError(ErrorCode.ProtocolError, ErrorCode.StreamClosed)),
        new("5.1.1", "DATA on a stream that was passed over", [Get(5), new Step.AwaitAnswer(5), Frame.Data(3, "x"u8)], Answer.StreamError(3, ErrorCode.ProtocolError, ErrorCode.StreamClosed)),
        new("5.1.1", "numbers with gaps", [Get(1), Get(7), Get(1001)], Answer.Response(1001)),
        new("5.1.1", "the largest number", [Get(int.MaxValue)], Answer.Response(int.MaxValue)) { StillServes = false },
        new("5.1.2", "as many streams as may be", [
            .. Withhold, .. Enumerable.Range(0, ConformanceServer.MostStreams).Select(i => (Step)Get((uint)((2 * i) + 1))), Frame.WindowUpdate(1, 10_000)], Answer.Response(1)) { StillServes = false },
        new("5.1.2", "one stream too many", [
            .. Withhold, .. Enumerable.Range(0, ConformanceServer.MostStreams + 1).Select(i => (Step)Get((uint)((2 * i) + 1)))],
            Answer.StreamError((2 * ConformanceServer.MostStreams) + 1, ErrorCode.RefusedStream, ErrorCode.ProtocolError)) { StillServes = false },
        new("RFC 7540 5.3.1", "HEADERS that depend on their own stream", [Frame.Headers(1, [.. Frame.Number(1), 15, .. _requests.Get], FrameFlags.EndHeaders | FrameFlags.EndStream | FrameFlags.Priority)],
            Answer.StreamError(1, ErrorCode.ProtocolError)),
        new("RFC 7540 5.3.1", "PRIORITY that depends on its own stream", [Hold(1), Frame.Priority(1, 1)], Answer.StreamError(1, ErrorCode.ProtocolError)),
        new("5.4.1", "nothing is answered after an error", [.. Withhold, Get(1), Join(Frame.Of(FrameType.Ping, FrameFlags.None, 3, new byte[8]), Frame.WindowUpdate(1, 10_000))], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("5.4.1", "an error while a request waits for its body", [Post(1), Frame.Settings((Setting.EnablePush, 2))], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("5.4.2", "an error of one stream leaves the others alone", [
            Post(1), Frame.Headers(3, HeaderBlock.Of((":method", "GET"))), new Step.AwaitReset(3), Frame.Data(1, "hello"u8, FrameFlags.EndStream), new Step.AwaitAnswer(1)],
            new Answer([Answer.Reset(3, ErrorCode.ProtocolError), Answer.GoAway(ErrorCode.ProtocolError)], 1)),
        new("5.5", "an unknown frame between those of a header block", [Join(Frame.Headers(1, _requests.Get, FrameFlags.EndStream), Frame.Of(FrameType.Unknown, FrameFlags.None, 1, "what"u8))], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("5.5", "an unknown setting", [Frame.Settings((Setting.Unknown, 1)), new Step.AwaitSettings(2)], Answer.Ignored),
    ];
}
