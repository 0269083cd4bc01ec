namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>What a client has received of a stream.</summary>
internal sealed class Http2Stream
{
    public int? Status { get; set; }

    public List<byte> Body { get; } = [];

    public bool HasEnded { get; set; }

    public ErrorCode? Reset { get; set; }
}
