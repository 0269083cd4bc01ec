namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>Why a stream or a connection ends (RFC 9113, 7).</summary>
internal enum ErrorCode : uint
{
    NoError,
    ProtocolError,
    InternalError,
    FlowControlError,
    SettingsTimeout,
    StreamClosed,
    FrameSizeError,
    RefusedStream,
    Cancel,
    CompressionError,
    ConnectError,
    EnhanceYourCalm,
    InadequateSecurity,
    Http11Required,
}
