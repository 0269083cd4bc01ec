namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>The kinds of frames (RFC 9113, 6), and one that nobody knows.</summary>
internal enum FrameType : byte
{
    Data,
    Headers,
    Priority,
    RstStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    Unknown = 0xEE,
}
