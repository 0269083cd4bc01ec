namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>What a SETTINGS frame sets (RFC 9113, 6.5.2), and one that nobody knows.</summary>
internal enum Setting : ushort
{
    HeaderTableSize = 1,
    EnablePush,
    MaxConcurrentStreams,
    InitialWindowSize,
    MaxFrameSize,
    MaxHeaderListSize,
    Unknown = 0xEE,
}
