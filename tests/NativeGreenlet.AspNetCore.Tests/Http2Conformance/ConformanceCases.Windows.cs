namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <content>Flow control (RFC 9113, 6.9).</content>
internal sealed partial class ConformanceCases
{
    private ConformanceCase[] OfWindows() =>
    [
        new("6.9", "WINDOW_UPDATE by nothing, of the connection", [Frame.WindowUpdate(0, 0)], Answer.ConnectionError(ErrorCode.ProtocolError)),
        new("6.9", "WINDOW_UPDATE by nothing, of a stream", [Hold(1), Frame.WindowUpdate(1, 0)], Answer.StreamError(1, ErrorCode.ProtocolError)),
        new("6.9", "WINDOW_UPDATE of 3 bytes", [Frame.Of(FrameType.WindowUpdate, FrameFlags.None, 0, new byte[3])], Answer.ConnectionError(ErrorCode.FrameSizeError)),
        new("6.9", "WINDOW_UPDATE of 5 bytes", [Frame.Of(FrameType.WindowUpdate, FrameFlags.None, 0, new byte[5])], Answer.ConnectionError(ErrorCode.FrameSizeError)),
        new("6.9", "the reserved bit in WINDOW_UPDATE", [.. Withhold, Get(1), Frame.WindowUpdate(1, 0x8000_0003)], Answer.Part(1, 3)) { StillServes = false },
        new("6.9.1", "a window of one byte", [Frame.Settings((Setting.InitialWindowSize, 1)), new Step.AwaitSettings(2), Get(1)], Answer.Part(1, 1)) { StillServes = false },
        new("6.9.1", "a window that grows", [
            .. Withhold, Get(1), Frame.WindowUpdate(1, 1), new Step.AwaitBytes(1, 1), Join(Frame.WindowUpdate(1, 2), Frame.WindowUpdate(1, 3)), new Step.AwaitBytes(1, 6), Frame.WindowUpdate(1, 10_000)], Answer.Response(1)) { StillServes = false },
        new("6.9.1", "the window of the connection, which streams share", [
            Frame.Settings((Setting.InitialWindowSize, LargestWindow)), new Step.AwaitSettings(2), Frame.Headers(1, _requests.Block("GET", "/wide/100"))], Answer.Part(1, 65_535)) { StillServes = false },
        new("6.9.1", "a window of the connection that is too large", [Frame.WindowUpdate(0, LargestWindow)], Answer.ConnectionError(ErrorCode.FlowControlError)),
        new("6.9.1", "a window of the connection that is too large after two steps", [Join(Frame.WindowUpdate(0, LargestWindow - 70_000), Frame.WindowUpdate(0, 70_000))], Answer.ConnectionError(ErrorCode.FlowControlError)),
        new("6.9.1", "the largest window of the connection", [Frame.WindowUpdate(0, LargestWindow - 65_535)], Answer.Ignored),
        new("6.9.1", "a window of a stream that is too large", [.. Withhold, Get(1), Join(Frame.WindowUpdate(1, LargestWindow), Frame.WindowUpdate(1, LargestWindow))], Answer.StreamError(1, ErrorCode.FlowControlError)) { StillServes = false },
        new("6.9.1", "DATA that fill the window of a stream", [Hold(1), .. Fill(1, ConformanceServer.StreamWindow)], Answer.Ignored),
        new("6.9.1", "DATA beyond the window of a stream", [Hold(1), .. Fill(1, ConformanceServer.StreamWindow + 1)], Answer.StreamError(1, ErrorCode.FlowControlError)),
        new("6.9.1", "DATA beyond the window of the connection", [
            Hold(1), Hold(3), .. Fill(1, ConformanceServer.StreamWindow), .. Fill(3, ConformanceServer.ConnectionWindow - ConformanceServer.StreamWindow + 1)], Answer.ConnectionError(ErrorCode.FlowControlError)),
        new("6.9.1", "padding counts", [
            Hold(1), .. Fill(1, ConformanceServer.StreamWindow - 3), Frame.Data(1, [2, 1, 0, 0], FrameFlags.Padded)], Answer.StreamError(1, ErrorCode.FlowControlError)) { Deviation = Answer.Nothing, MendedIn = new Version(10, 0, 15) },
        new("6.9.1", "a stream that is reset gives back its part of the window", [
            .. Enumerable.Range(0, 10).SelectMany(i => (Step[])[Hold((uint)((2 * i) + 1)), .. Fill((uint)((2 * i) + 1), 50_000), Frame.RstStream((uint)((2 * i) + 1)), Frame.Ping(0), new Step.AwaitPings(i + 1)])], Answer.Ignored),
        new("6.9.2", "a window that changes while a stream is open", [.. Withhold, Get(1), Frame.Settings((Setting.InitialWindowSize, 1))], Answer.Part(1, 1)) { StillServes = false },
        new("6.9.2", "a window below nothing", [
            Frame.Settings((Setting.InitialWindowSize, 3)), new Step.AwaitSettings(2), Get(1), new Step.AwaitBytes(1, 3), Frame.Settings((Setting.InitialWindowSize, 2)), new Step.AwaitSettings(3), Frame.WindowUpdate(1, 2)],
            Answer.Part(1, 4)) { StillServes = false },
        new("6.9.2", "a window that grows too large by SETTINGS", [
            .. Withhold, Frame.Headers(1, _requests.Get), Frame.WindowUpdate(1, LargestWindow - 5000), Frame.Settings((Setting.InitialWindowSize, LargestWindow))], Answer.ConnectionError(ErrorCode.FlowControlError)),
    ];

    // DATA of so many bytes.
    private static Step[] Fill(uint stream, int count) => [.. new byte[count].Chunk(16_384).Select(piece => (Step)Frame.Data(stream, piece))];
}
