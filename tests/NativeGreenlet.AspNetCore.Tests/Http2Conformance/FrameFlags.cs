namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>The flags of frames (RFC 9113, 6).</summary>
[Flags]
internal enum FrameFlags : byte
{
    None = 0,
    EndStream = 1,
    Ack = EndStream,
    EndHeaders = 4,
    Padded = 8,
    Priority = 0x20,
    Undefined = 0xD2, // no kind of frame has these
}
